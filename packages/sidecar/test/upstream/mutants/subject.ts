// The modules of one copy of the sources, sound or not.
import path from "node:path";

export interface Subject {
  readonly dns: typeof import("../../../src/discovery/strict-dns.ts");
  readonly lingering: typeof import("../../../src/discovery/lingering.ts");
  readonly health: typeof import("../../../src/health/cluster-health.ts");
  readonly upstream: typeof import("../../../src/upstream/upstream-cluster.ts");
  readonly table: typeof import("../../../src/upstream/cluster-table.ts");
}

/** Imports a copy, from its `src` folder. */
export async function loadSubject(source: string): Promise<Subject> {
  const load = (file: string) => import(/* @vite-ignore */ path.join(source, file));
  return {
    dns: await load("discovery/strict-dns.ts"),
    lingering: await load("discovery/lingering.ts"),
    health: await load("health/cluster-health.ts"),
    upstream: await load("upstream/upstream-cluster.ts"),
    table: await load("upstream/cluster-table.ts"),
  };
}
