// Planted bugs, one for each way in which clusters at work are known to go wrong.
import type { Mutant } from "@compendium/house/planted";

const inFile =
  (file: string) =>
  (name: string, search: string, replacement: string): Mutant => {
    return { name, file, search, replacement };
  };

const dns = inFile("discovery/strict-dns.ts");
const lingering = inFile("discovery/lingering.ts");
const health = inFile("health/cluster-health.ts");
const upkeep = inFile("upstream/cluster-upkeep.ts");
const pool = inFile("upstream/connection-pool.ts");
const upstream = inFile("upstream/upstream-cluster.ts");
const table = inFile("upstream/cluster-table.ts");
const cluster = inFile("cluster/cluster.ts");

export const mutants: readonly Mutant[] = [
  dns(
    "a failure is an empty answer",
    "then(end, () => end(undefined))",
    "then(end, () => end([]))",
  ),
  dns("a late answer is heard", "if (isOver || this.#isDisposed) return;", ""),
  dns("what was disposed still speaks", "if (isOver || this.#isDisposed)", "if (isOver)"),
  dns("failures are repeated twice a second", "2 ** (name.failures - 1)", "1"),
  dns("a failure is never forgotten", "name.failures = 0;", ""),
  dns("another order is a change", "this.#options.family).sort()", "this.#options.family)"),
  dns(
    "a failure keeps it from being ready",
    "isSettled = true;",
    "isSettled = found !== undefined;",
  ),
  lingering("the sick linger", "host.isHealthy && !told", "!told"),
  upkeep(
    "who lingers stays for ever",
    "if (hasChanged && !host.isHealthy && this.#found !== undefined) this.#onFound(this.#found);",
    "",
  ),
  upkeep(
    "one sweep is all",
    "outliers.sweep();\n      this.#scheduleSweep();",
    "outliers.sweep();",
  ),
  upkeep("warm before anybody was asked", "(this.#health?.isJudged ?? true)", "true"),
  upkeep("sweeps go on after the end", "this.#sweep?.[Symbol.dispose]();", ""),
  upkeep("probes go on after the end", "this.#health?.[Symbol.dispose]();", ""),
  health("one check that passes is enough", "all.every(", "all.some("),
  health("who has left is still asked", "checker[Symbol.dispose]();", ""),
  health("who is back has been well all along", "host.healthySinceMs = clock.now();", ""),
  pool("the timer of a life outlives it", "entry.timer?.[Symbol.dispose]();", ""),
  pool(
    "a connection that nobody waits for stays open",
    "if (this.#isDraining && entry.requests === 0) connection.drain();",
    "",
  ),
  pool("a life has no end", "() => connection.drain());\n  }", "() => {});\n  }"),
  upstream("priorities share a pool", ' + (priority === "high" ? 2 : 0)', ""),
  upstream(
    "the high priority has the breakers of all",
    "breakers: cluster.breakers[priority],\n      protocol",
    "breakers: cluster.breakers.default,\n      protocol",
  ),
  upstream("who leaves keeps its connections", "named.pool.drain();", ""),
  upstream("who fails keeps its connections", "named?.pool.drainConnections();", "void named;"),
  upstream(
    "nobody hears of connections",
    "onGiven: () => cluster.connected(host),",
    "onGiven: () => {},",
  ),
  upstream("successors are not waited for", "[...endpoints, ...present]", "endpoints"),
  upstream("a late request keeps a connection", "if (this.#isDraining) pool.drain();", ""),
  table("a cold cluster takes over", "await this.#warm(", "void this.#warm("),
  table("what is cold is waited for without end", "      resolve();\n    });", "    });"),
  table("who was replaced goes on", "cluster.drain();", ""),
  table("what was given up goes on", "for (const cluster of fresh) cluster.destroy();", ""),
  cluster("the sick keep their connections", "else if (hasChanged) this.#onUnwell?.(host);", ""),
];
