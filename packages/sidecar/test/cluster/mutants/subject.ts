// The modules of one copy of the sources, sound or not.
import path from "node:path";

export interface Subject {
  readonly edf: typeof import("../../../src/balance/edf.ts");
  readonly alias: typeof import("../../../src/balance/alias-table.ts");
  readonly roundRobin: typeof import("../../../src/balance/round-robin.ts");
  readonly leastRequest: typeof import("../../../src/balance/least-request.ts");
  readonly peakEwma: typeof import("../../../src/balance/peak-ewma.ts");
  readonly slowStart: typeof import("../../../src/balance/slow-start.ts");
  readonly ringHash: typeof import("../../../src/balance/ring-hash.ts");
  readonly maglev: typeof import("../../../src/balance/maglev.ts");
  readonly xxh64: typeof import("../../../src/balance/xxh64.ts");
  readonly priorities: typeof import("../../../src/balance/priorities.ts");
  readonly priorityBalancer: typeof import("../../../src/balance/priority-balancer.ts");
  readonly cluster: typeof import("../../../src/cluster/cluster.ts");
  readonly breakers: typeof import("../../../src/cluster/breakers.ts");
  readonly outlier: typeof import("../../../src/outlier/outlier-detector.ts");
  readonly health: typeof import("../../../src/health/health-checker.ts");
}

/** Imports a copy, from its `src` folder. */
export async function loadSubject(source: string): Promise<Subject> {
  const load = (file: string) => import(/* @vite-ignore */ path.join(source, file));
  const files = {
    edf: "balance/edf.ts",
    alias: "balance/alias-table.ts",
    roundRobin: "balance/round-robin.ts",
    leastRequest: "balance/least-request.ts",
    peakEwma: "balance/peak-ewma.ts",
    slowStart: "balance/slow-start.ts",
    ringHash: "balance/ring-hash.ts",
    maglev: "balance/maglev.ts",
    xxh64: "balance/xxh64.ts",
    priorities: "balance/priorities.ts",
    priorityBalancer: "balance/priority-balancer.ts",
    cluster: "cluster/cluster.ts",
    breakers: "cluster/breakers.ts",
    outlier: "outlier/outlier-detector.ts",
    health: "health/health-checker.ts",
  };
  const loaded = await Promise.all(
    Object.entries(files).map(async ([name, file]) => [name, await load(file)]),
  );
  return Object.fromEntries(loaded) as Subject;
}
