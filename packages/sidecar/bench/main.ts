// `npm run bench sidecar`: what it costs to pass a request on, in the proxy's own processor time,
// beside the proxies of npm and of Debian. The proxy has one processor for itself; the load and the
// service behind it have another. Every proxy of a scenario runs from its start to its end, and
// they take turns: each round asks each of them for a slice of time, so that what else goes on in
// the machine falls upon all. The sidecar runs by its command, with the example that it ships.
//
//   npm run bench sidecar -- --only GET --rounds 11 --slice-ms 1000 --json FILE
//   npm run bench sidecar -- --install                 haproxy and nginx first, by apt-get
//   npm run bench sidecar -- --only GET --cpu-prof DIR  a profile of the sidecar in DIR
//
// "busy" says how much of the time the proxy was on its processor: well below 100 % the load was
// what was slow, or others had the processor, and requests/s says nothing of the proxy. A ratio is
// the median of the rounds' own. Ends with 1 when a bar is missed.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Identity, makeIdentity } from "./identity.ts";
import type { Figures } from "./load/slice.ts";
import { LoadProcess } from "./load-process.ts";
import { allowedCpus } from "./proxies/processors.ts";
import { type Contender, install, peers, sidecar } from "./proxies/proxies.ts";
import { ProxyProcess } from "./proxies/proxy-process.ts";
import type { Setting } from "./proxies/setting.ts";
import { makeRows, printScenario, type Row, ratioTo, type Samples } from "./row.ts";
import { type Group, groups, type Scenario } from "./scenarios.ts";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    // Only the scenarios whose names contain this.
    only: { type: "string", default: "" },
    // Only peers whose names contain one of these, separated by commas.
    peers: { type: "string", default: "" },
    rounds: { type: "string", default: "9" },
    "slice-ms": { type: "string", default: "250" },
    "warm-up-ms": { type: "string", default: "1500" },
    install: { type: "boolean", default: false },
    "cpu-prof": { type: "string" },
  },
});
const ROUNDS = Number(values.rounds);
const SLICE_MS = Number(values["slice-ms"]);
const WARM_UP_MS = Number(values["warm-up-ms"]);
// The first slice of a process warms it up, in as long as a slice and a few more.
const WARM_UP_SLICES = 2;
// A verdict must not hang on what else the machine did in some of the rounds.
const MORE_ROUNDS_FOR_A_BAR = 3;

interface Contestant {
  readonly name: string;
  readonly process: ProxyProcess;
  readonly rounds: Figures[];
}

const rows: Row[] = [];
const missed: string[] = [];
const [proxyCpu, loadCpu] = process.platform === "linux" ? allowedCpus() : [];
if (proxyCpu === undefined || loadCpu === undefined) {
  console.log("\nthis bench needs Linux and two processors: one for the proxy, one for the load");
} else {
  if (values.install) install();
  const folder = mkdtempSync(join(tmpdir(), "sidecar-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
  await using load = await LoadProcess.start(loadCpu);
  for (const group of groups) await runGroup(group, load, folder);
}
for (const line of missed) console.log(`\n${line}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
if (missed.length > 0) process.exitCode = 1;

async function runGroup(group: Group, load: LoadProcess, folder: string): Promise<void> {
  const scenarios = group.scenarios.filter(({ name }) => name.includes(values.only));
  if (scenarios.length === 0) return;
  const identity = group.isTls ? makeIdentity(folder) : undefined;
  const upstreamPort = load.upstreamPort(group.protocol);
  const setting = { protocol: group.protocol, upstreamPort, tls: identity };
  await using stack = new AsyncDisposableStack();
  const contestants: Contestant[] = [];
  for (const proxy of contestantsFor(setting)) {
    const cpu = proxyCpu as number;
    const command = await proxy.command(setting, folder);
    const running = stack.use(await ProxyProcess.start({ ...command, cpu }));
    contestants.push({ name: proxy.name, process: running, rounds: [] });
  }
  if (contestants.length === 0) return;
  for (const scenario of scenarios) await runScenario(scenario, contestants, load, identity);
}

function contestantsFor(setting: Setting): Contender[] {
  const flags = values["cpu-prof"] ? ["--cpu-prof", `--cpu-prof-dir=${values["cpu-prof"]}`] : [];
  const asked = values.peers.split(",");
  const all = [
    sidecar(flags),
    ...peers.filter(({ name }) => asked.some((part) => name.includes(part))),
  ].filter(({ protocols }) => protocols.includes(setting.protocol));
  const reasons = new Map(all.map((proxy) => [proxy, proxy.missing(setting)]));
  for (const reason of reasons.values()) if (reason) console.log(`\n${reason}`);
  // Without ours there is nothing to compare with.
  if (reasons.get(all[0] as Contender) !== undefined) return [];
  return all.filter((proxy) => reasons.get(proxy) === undefined);
}

async function runScenario(
  scenario: Scenario,
  contestants: readonly Contestant[],
  load: LoadProcess,
  identity: Identity | undefined,
): Promise<void> {
  const times = ROUNDS * (scenario.noMoreThan === undefined ? 1 : MORE_ROUNDS_FOR_A_BAR);
  for (let round = -WARM_UP_SLICES; round < times; round++) {
    for (const { name, process: proxy, rounds } of contestants) {
      const slice = {
        asking: scenario.asking,
        pid: proxy.pid,
        port: proxy.port,
        ca: identity?.ca,
        lastsMs: round < 0 ? WARM_UP_MS / WARM_UP_SLICES : SLICE_MS,
        requestsMax: scenario.requestsMax ?? Number.MAX_SAFE_INTEGER,
      };
      const figures = await load.run(slice).catch((cause: Error) => {
        throw new Error(`${scenario.name}, ${name}: ${cause.message}\n${proxy.output}`, { cause });
      });
      if (round >= 0) rounds.push(figures);
    }
  }
  conclude(
    scenario,
    contestants.map(({ name, rounds }) => [name, rounds.splice(0)]),
  );
}

function conclude({ name, noMoreThan = [] }: Scenario, samples: readonly Samples[]): void {
  printScenario(name, samples);
  rows.push(...makeRows(name, samples));
  for (const peer of noMoreThan) {
    if (!samples.some(([contestant]) => contestant === peer)) continue;
    const ratio = ratioTo(samples, peer);
    if (ratio > 1) missed.push(`${name}: ${ratio} × ${peer}'s processor time, and 1 is the bar`);
  }
}
