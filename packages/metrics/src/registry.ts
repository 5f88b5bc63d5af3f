// What this package needs of a prom-client Registry, as a structure of its own. So nothing here
// imports prom-client, not even its types: whoever installs a pattern and never scrapes it need not
// install prom-client either, and the declarations still compile.

/**
 * The part of prom-client's `Registry` that is used here; every `Registry` of version 15 has it.
 */
export interface MetricRegistry {
  /** The format of `metrics()`; only Prometheus text is served, see `./http`. */
  readonly contentType: string;
  /** Adds a metric; prom-client throws when another one has its name. */
  registerMetric(metric: never): void;
  /** The metric of that name, if any. */
  getSingleMetric(name: string): unknown;
  /** All metrics, in order of registration. */
  getMetricsAsArray(): unknown[];
  /** Forgets a metric. */
  removeSingleMetric(name: string): void;
  /** The exposition: everything, as text. */
  metrics(): Promise<string>;
}
