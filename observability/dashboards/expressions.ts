// The two shapes that most expressions have. A metric is always asked for with the variables at the
// top of the dashboard, and a counter always as a rate, summed over instances: the labels that are
// left are the ones that the panel tells apart.

const chosen = 'job=~"$job",name=~"$name"';

/** The series of a metric that the variables choose; `matchers` narrow them further. */
export function of(metric: string, matchers = ""): string {
  return `${metric}{${chosen}${matchers === "" ? "" : `,${matchers}`}}`;
}

/** What a counter counts, a second, for each `name` and each value of the other labels. */
export function rate(metric: string, by: readonly string[] = [], matchers = ""): string {
  const labels = ["job", "name", ...by].join(", ");
  return `sum by (${labels}) (rate(${of(metric, matchers)}[$__rate_interval]))`;
}

/** A gauge, summed over instances. */
export function sum(metric: string, by: readonly string[] = []): string {
  return `sum by (${["job", "name", ...by].join(", ")}) (${of(metric)})`;
}
