// Priorities (Envoy, "Priority levels" and "Panic threshold"): level 0 gets everything as long as
// it can carry it, and what it cannot carry spills over to level 1, and so on.
//
//     health(level) = min(100, overprovisioning factor × available hosts / hosts)
//
// A level is planned with room to spare, a factor of 140 percent; so down to 71.4 % of its hosts it
// still carries all. As long as the healths add up to 100, each level takes its own, the first
// first, up to 100. Below, nobody can carry everything, and the healths are shares of what they add
// up to.
//
// In that last case a level with few available hosts panics: to send everything to the last few
// would fell these too, and perhaps it is the health checks that are wrong. All its hosts are used
// then, well or not. If every level panics, load goes by the number of hosts.
//
// All figures are whole percentages, rounded down, and the first level that has any gets what
// rounding has lost: so does Envoy's code. (Its documentation rounds some tables to the nearest.)
// Left out: degraded hosts.

/** A level, in numbers of hosts. */
export interface LevelCounts {
  readonly hosts: number;
  readonly available: number;
}

/** Both in percent. */
export interface PriorityOptions {
  readonly overprovisioningFactor: number;
  /** 0: no level ever panics. */
  readonly panicThreshold: number;
}

/** What each level gets. */
export interface PriorityLoads {
  /** Whole percentages; together 100. */
  readonly loads: readonly number[];
  /** Whether all hosts of the level are used. */
  readonly panics: readonly boolean[];
}

/** Distributes load over at least one level, the first of them the most important. O(levels). */
export function distributeLoad(
  levels: readonly LevelCounts[],
  { overprovisioningFactor, panicThreshold }: PriorityOptions,
): PriorityLoads {
  const healths = levels.map(({ hosts, available }) =>
    hosts === 0 ? 0 : Math.min(100, Math.floor((overprovisioningFactor * available) / hosts)),
  );
  const total = Math.min(100, sum(healths));
  const panics = levels.map(
    (level) => total < 100 && availablePercent(level) < Math.min(100, panicThreshold),
  );
  if (panics.every(Boolean)) {
    const hosts = levels.map((level) => level.hosts);
    return { loads: share(hosts, sum(hosts)), panics };
  }
  return { loads: share(healths, total), panics };
}

function availablePercent({ hosts, available }: LevelCounts): number {
  return hosts === 0 ? 0 : (100 * available) / hosts;
}

// Each takes its part of the whole in order, until 100 are gone.
function share(parts: readonly number[], whole: number): number[] {
  let left = 100;
  const loads = parts.map((part) => {
    const load = whole === 0 ? 0 : Math.min(left, Math.floor((100 * part) / whole));
    left -= load;
    return load;
  });
  // With nobody to carry it, the load still has to go somewhere: to the first, who has no host.
  const first = Math.max(
    0,
    parts.findIndex((part) => part > 0),
  );
  loads[first] = (loads[first] ?? 0) + left;
  return loads;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
