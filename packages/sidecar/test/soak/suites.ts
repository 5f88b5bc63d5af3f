// The suites of `npm run simulate sidecar`, by name: what must hold under load, and random
// histories in virtual time. To add one, add it to the list.
import path from "node:path";
import { healthCheck } from "../health/config.ts";
import { amplify } from "../router/amplification.ts";
import { checkHistory } from "../router/history.ts";
import { loadSubject } from "../router/subject.ts";
import { rotateUnderLoad } from "../tls/rotation.ts";
import { runChurn } from "../upstream/churn.ts";
import { type RaceReport, raceGoaway, raceKeepAlive } from "../upstream/keep-alive-race.ts";
import { checkUpstreamSeed } from "../upstream/model-check.ts";
import { measureDeadlines } from "./deadlines.ts";
import { drainUnderLoad } from "./drain.ts";
import { type SwapReport, swapUnderLoad } from "./swaps.ts";

/** One line of the table. */
export interface Row {
  /** What was done, with its count. */
  readonly what: string;
  readonly requests?: number;
  readonly failures: readonly string[];
}

/** One thing that must hold. */
export interface Suite {
  readonly name: string;
  /** How many cases there are when nobody says; what a case is, `what` of a row says. */
  readonly cases: number;
  /** From this seed on. */
  readonly run: (cases: number, seed: number) => AsyncIterable<Row>;
}

const show = (count: number): string => count.toLocaleString("en-US");
const subject = await loadSubject(path.join(import.meta.dirname, "../../src"));

/** Every suite. */
export const suites: readonly Suite[] = [
  { name: "swaps", cases: 1_000, run: swaps },
  { name: "rotations", cases: 100, run: rotations },
  { name: "churn", cases: 1_000, run: churn },
  { name: "drain", cases: 20, run: drains },
  { name: "everything", cases: 60, run: everything },
  { name: "races", cases: 20, run: races },
  { name: "router", cases: 20_000, run: routerHistories },
  { name: "upstream", cases: 10_000, run: upstreamHistories },
  { name: "amplification", cases: 50, run: amplification },
  { name: "deadlines", cases: 2_000, run: deadlines },
];

async function* swaps(cases: number, seed: number): AsyncIterable<Row> {
  const report = await swapUnderLoad({
    seed,
    changes: ["configuration"],
    goesOn: (swapped) => swapped < cases,
  });
  yield { what: `${show(cases)} configurations`, ...judge(report) };
}

async function* everything(seconds: number, seed: number): AsyncIterable<Row> {
  const endAtMs = performance.now() + seconds * 1_000;
  const report = await swapUnderLoad({
    seed,
    changes: ["configuration", "certificates", "endpoints"],
    goesOn: () => performance.now() < endAtMs,
  });
  const { configuration, certificates, endpoints } = report.counts;
  const what = `${seconds} s: ${configuration} configurations, ${certificates} certificates, ${endpoints} lists of endpoints`;
  yield { what, ...judge(report) };
}

function judge({ requests, failures, answered, counts, rotations, left }: SwapReport) {
  const wrong = [...failures];
  if (answered.size < 6) wrong.push(`only ${[...answered.keys()]} were answered`);
  if (rotations < counts.certificates) wrong.push(`${rotations} certificates came into use`);
  if (left > 0) wrong.push(`${left} requests are counted as under way for ever`);
  return { requests, failures: wrong };
}

async function* rotations(cases: number): AsyncIterable<Row> {
  const { requests, failures, certificates } = await rotateUnderLoad(cases, 8);
  yield { what: `${cases} certificates on both sides, ${certificates} met`, requests, failures };
}

async function* churn(cases: number, seed: number): AsyncIterable<Row> {
  const healthChecks = [healthCheck()];
  const checked = { healthChecks, panicThreshold: 0 };
  const kinds = [
    { name: "HTTP/1.1", upstream: "h1" },
    { name: "HTTP/2", upstream: "h2" },
    { name: "HTTP/1.1 with health checks", upstream: "h1", cluster: checked },
  ] as const;
  for (const { name, ...kind } of kinds) {
    const { requests, failures } = await runChurn({ seed, changes: cases, ...kind });
    yield { what: `${show(cases)} lists of endpoints, ${name}`, requests, failures };
  }
}

async function* drains(cases: number, seed: number): AsyncIterable<Row> {
  const names = {
    sigterm: "processes ended under load",
    graceful: "processes drained, then ended",
  };
  for (const way of ["sigterm", "graceful"] as const) {
    let requests = 0;
    let longestMs = 0;
    const failures: string[] = [];
    for (let i = 0; i < cases; i++) {
      const report = await drainUnderLoad({ seed: seed + i, way });
      requests += report.requests;
      longestMs = Math.max(longestMs, report.tookMs);
      failures.push(...report.failures);
      if (report.code !== 0) failures.push(`exit code ${report.code}: ${report.said}`);
    }
    const what = `${cases} ${names[way]}, ${(longestMs / 1_000).toFixed(1)} s at most`;
    yield { what, requests, failures };
  }
}

async function* races(cases: number, seed: number): AsyncIterable<Row> {
  const kinds = { "keep-alive": raceKeepAlive, GOAWAY: raceGoaway };
  for (const [name, race] of Object.entries(kinds)) {
    const reports: RaceReport[] = [];
    for (let i = 0; i < cases; i++) reports.push(await race(seed + i, 500));
    const sum = (key: "requests" | "crossed"): number =>
      reports.reduce((total, report) => total + report[key], 0);
    const what = `${cases} seeds of ${name}, ${show(sum("crossed"))} requests crossed`;
    const failures = reports.flatMap(({ failures: each }) => each);
    yield { what, requests: sum("requests"), failures };
  }
}

function routerHistories(cases: number, seed: number): AsyncIterable<Row> {
  return histories(cases, seed, async (at) => checkHistory(subject, at));
}

function upstreamHistories(cases: number, seed: number): AsyncIterable<Row> {
  return histories(cases, seed, (at) => checkUpstreamSeed(at));
}

async function* histories(
  cases: number,
  seed: number,
  check: (seed: number) => Promise<void>,
): AsyncIterable<Row> {
  const failures: string[] = [];
  for (let at = seed; at < seed + cases; at++) {
    await check(at).catch((error: Error) => failures.push(`seed ${at}: ${error.message}`));
  }
  yield { what: `${show(cases)} histories from seed ${seed}`, failures };
}

const RETRIES_AT_LEAST = 3;
// Later than a bare timer.
const LATE_MS_MAX = 10;

// Beyond the retries that are always allowed, at most a quarter more than the clients ask for.
async function* amplification(cases: number, seed: number): AsyncIterable<Row> {
  const retryBudget = { percent: 20, retriesMin: RETRIES_AT_LEAST };
  for (const concurrency of [3, 12, 100, 400, 1_000]) {
    const load = { concurrency, requests: concurrency * cases, latencyMs: 50, seed };
    const plain = amplify(subject, load);
    const { factor, meanMs, attemptsMax } = amplify(subject, { ...load, retries: 3, retryBudget });
    const naive = amplify(subject, { ...load, retries: 3, retriesMax: 1e6 });
    const most = concurrency * 1.25 + RETRIES_AT_LEAST;
    const isOver = attemptsMax > most || (concurrency >= 100 && factor > 1.25);
    const what = [
      `${concurrency} clients of a cluster that fails: ${factor.toFixed(2)} × (${meanMs.toFixed(0)} ms)`,
      `no retries 1 × (${plain.meanMs.toFixed(0)} ms), no budget ${naive.factor.toFixed(2)} ×`,
    ].join("; ");
    const failures = isOver ? [`${attemptsMax} attempts at a time, ${factor} × in all`] : [];
    yield { what, requests: load.requests, failures };
  }
}

// Whatever else runs on the machine only makes it worse: the best of some rounds is what it is.
async function* deadlines(cases: number): AsyncIterable<Row> {
  let best = { p99: 0, worst: 0, beyond: Number.POSITIVE_INFINITY };
  const failures: string[] = [];
  let rounds = 0;
  while (rounds++ < 3 && best.beyond > LATE_MS_MAX) {
    const { statuses, lateMs, beyondMs } = await measureDeadlines(cases, 40);
    if (statuses.get("4") !== cases) failures.push(`grpc-status ${[...statuses].join("; ")}`);
    const beyond = beyondMs.at(-1) ?? Number.NaN;
    const [p99, worst] = [0.99, 1].map((share) => lateMs[Math.ceil(share * cases) - 1] ?? 0);
    if (beyond < best.beyond) best = { p99: p99 ?? 0, worst: worst ?? 0, beyond };
  }
  const { p99, worst, beyond } = best;
  const late = `p99 ${p99.toFixed(1)} ms late, worst ${worst.toFixed(1)}`;
  const what = `${show(cases)} deadlines: ${late}, ${beyond.toFixed(1)} more than a bare timer`;
  if (!(beyond <= LATE_MS_MAX)) failures.push("in each of three rounds one was too late");
  yield { what, requests: cases * (rounds - 1), failures };
}
