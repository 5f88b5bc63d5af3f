// The shapes of expressions of the sidecar's dashboard: what they tell apart is a listener or a
// cluster, which have a variable each at its top.

type Level = "listener" | "cluster";

/** The series of a metric that the variables choose; `matchers` narrow them further. */
export function of(level: Level, metric: string, matchers = ""): string {
  return `${metric}{job=~"$job",${level}=~"$${level}"${matchers === "" ? "" : `,${matchers}`}}`;
}

/** What a counter counts, a second, for each object and each value of the other labels. */
export function rate(level: Level, metric: string, by: readonly string[] = []): string {
  const labels = ["job", level, ...by].join(", ");
  return `sum by (${labels}) (rate(${of(level, metric)}[$__rate_interval]))`;
}

/** A gauge, summed over instances. */
export function sum(level: Level, metric: string, by: readonly string[] = []): string {
  return `sum by (${["job", level, ...by].join(", ")}) (${of(level, metric)})`;
}

/** What a counter of the process counts, a second. */
export function processRate(metric: string, by: string): string {
  return `sum by (job, ${by}) (rate(${metric}{job=~"$job"}[$__rate_interval]))`;
}
