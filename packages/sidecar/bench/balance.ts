// What a choice costs, for each balancer, among 10 and 1,000 hosts, through the whole of a cluster;
// and what it costs to make a balancer anew. Medians of CPU time over interleaved rounds, in one
// process.
//
//     node --conditions=@compendium/source bench/balance.ts [--json FILE]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { SeededRandom, systemClock } from "@compendium/runtime";
import type { ChooseContext } from "../src/balance/balancer.ts";
import { hash53 } from "../src/balance/xxh64.ts";
import { Cluster } from "../src/cluster/cluster.ts";
import type { BalancerConfig } from "../src/config/cluster-config.ts";
import { clusterConfig } from "../test/cluster/config.ts";

const { values } = parseArgs({ options: { json: { type: "string" } } });

interface Row {
  readonly case: string;
  readonly unit: string;
  readonly ours: number;
  readonly peers: Record<string, number>;
}

const CHOICES = 200_000;
const REBUILDS = 20;
const ROUNDS = 11;
const SIZES = [10, 1_000] as const;

const balancers: readonly [name: string, config: BalancerConfig, isWeighted: boolean][] = [
  ["round robin", { kind: "round-robin" }, false],
  ["round robin, weighted", { kind: "round-robin" }, true],
  ["random", { kind: "random" }, false],
  ["random, weighted", { kind: "random" }, true],
  ["least request", { kind: "least-request", choices: 2, activeBias: 1 }, false],
  ["least request, weighted", { kind: "least-request", choices: 2, activeBias: 1 }, true],
  ["peak-EWMA", { kind: "peak-ewma", decayMs: 10_000 }, false],
  ["ring hash", { kind: "ring-hash", sizeMin: 1_024, sizeMax: 8_388_608 }, false],
  ["Maglev", { kind: "maglev", tableSize: 65_537 }, false],
];

function makeCluster(balancer: BalancerConfig, size: number, isWeighted: boolean): Cluster {
  const endpoints = Array.from({ length: size }, (_, i) => ({
    address: `10.0.${i >> 8}.${i & 255}`,
    port: 8080,
    hostname: "",
    weight: isWeighted ? 1 + (i % 7) : 1,
    metadata: {},
  }));
  const place = { region: "", zone: "", subZone: "", priority: 0, weight: 0 };
  const config = clusterConfig({ endpoints: [{ ...place, endpoints }], balancer });
  const cluster = new Cluster({ config, clock: systemClock, random: new SeededRandom(1) });
  for (const [i, host] of [...cluster.hosts.hosts()].entries()) {
    host.numbers.activeRequests = i % 5;
    host.numbers.latencyMs = 5 + (i % 11);
    host.numbers.latencyAtMs = systemClock.now();
  }
  return cluster;
}

// Each case has a loop that is compiled for it alone, or every one would pay for the others' types.
let compiled = 0;

function compile(body: string): (cluster: Cluster, contexts: unknown, times: number) => void {
  const source = `return (cluster, contexts, times) => {
    // ${compiled++}
    for (let i = 0; i < times; i++) { ${body} }
  };`;
  return new Function(source)() as ReturnType<typeof compile>;
}

const contexts: readonly ChooseContext[] = Array.from({ length: 4_096 }, (_, i) => ({
  hash: hash53(`user-${i}`),
}));

interface Case {
  readonly name: string;
  readonly unit: string;
  readonly size: number;
  readonly times: number;
  readonly perUnit: number;
  readonly run: () => void;
  readonly samples: number[];
}

function casesOf(size: number): Case[] {
  return balancers.flatMap(([name, config, isWeighted]): Case[] => {
    const cluster = makeCluster(config, size, isWeighted);
    const choose = compile("cluster.choose(contexts[i & 4095]);");
    const rebuild = compile("cluster.hostChanged(); cluster.choose(contexts[i & 4095]);");
    const shared = { name, size };
    return [
      {
        ...shared,
        unit: "ns per choice",
        times: CHOICES,
        perUnit: 1_000,
        run: () => choose(cluster, contexts, CHOICES),
        samples: [],
      },
      {
        ...shared,
        unit: "µs per rebuild",
        times: REBUILDS,
        perUnit: 1,
        run: () => rebuild(cluster, contexts, REBUILDS),
        samples: [],
      },
    ];
  });
}

const hashing: Case = {
  name: "XXH64 of a header value of 15 bytes",
  unit: "ns per hash",
  size: 1,
  times: CHOICES,
  perUnit: 1_000,
  run: () => {
    for (let i = 0; i < CHOICES; i++) hash53("user-0123456789");
  },
  samples: [],
};

const cases = [...SIZES.flatMap(casesOf), hashing];
for (let round = -2; round < ROUNDS; round++) {
  for (const { run, samples, times, perUnit } of cases) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) samples.push(((user + system) * perUnit) / times);
  }
}

const median = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!;
const round = (figure: number): number => Number(figure.toPrecision(3));
const rows: Row[] = cases.map(({ name, unit, size, samples }) => ({
  case: size === 1 ? name : `${name}, ${size.toLocaleString("en-US")} hosts`,
  unit,
  ours: round(median(samples)),
  peers: {},
}));

for (const unit of ["ns per choice", "µs per rebuild", "ns per hash"]) {
  console.log(`\n| case | ${unit} |\n| --- | ---: |`);
  for (const row of rows.filter((each) => each.unit === unit)) {
    console.log(`| ${row.case} | ${row.ours.toLocaleString("en-US")} |`);
  }
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
