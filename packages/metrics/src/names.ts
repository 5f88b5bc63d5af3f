// What a metric may be called: the rules of https://prometheus.io/docs/practices/naming and of
// `promtool check metrics`, applied when a family is declared. A name is an interface. Once
// dashboards and alerts use it, a wrong unit or a missing `_total` stays for years, so that the
// time to refuse it is before the first scrape.
//
// Left out: recording-rule names with colons; those belong to Prometheus, not to a process.

const SNAKE_CASE = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;

// Suffixes that the text format gives to the series of a histogram or summary.
const RESERVED_SUFFIX = /_(bucket|count|sum)$/;

// A type in a name lies as soon as the type changes, and promtool refuses it.
const TYPE_IN_NAME = /(^|_)(counter|gauge|histogram|summary)(_|$)/;

const BASE_UNIT_OF: Record<string, string> = {
  ms: "seconds",
  milliseconds: "seconds",
  us: "seconds",
  microseconds: "seconds",
  ns: "seconds",
  nanoseconds: "seconds",
  minutes: "seconds",
  hours: "seconds",
  days: "seconds",
  bits: "bytes",
  kb: "bytes",
  kilobytes: "bytes",
  kibibytes: "bytes",
  mb: "bytes",
  megabytes: "bytes",
  mebibytes: "bytes",
  gb: "bytes",
  gigabytes: "bytes",
  gibibytes: "bytes",
  percent: "ratio",
};

/** What a family measures: a number that only grows, one that moves, or a distribution. */
export type MetricType = "counter" | "gauge" | "histogram";

/**
 * Throws unless `name` follows the conventions for a metric of that type.
 *
 * @throws RangeError
 */
export function checkMetricName(name: string, type: MetricType): void {
  if (!SNAKE_CASE.test(name)) throw new RangeError(`name must be in snake_case, got "${name}"`);
  if ((type === "counter") !== name.endsWith("_total")) {
    const rule = type === "counter" ? "must" : "must not";
    throw new RangeError(`the name of a ${type} ${rule} end in _total, got "${name}"`);
  }
  if (RESERVED_SUFFIX.test(name)) {
    throw new RangeError(`name must not end in _bucket, _count or _sum, got "${name}"`);
  }
  if (TYPE_IN_NAME.test(name)) {
    throw new RangeError(`name must not contain the type of a metric, got "${name}"`);
  }
  for (const word of name.split("_")) {
    if (Object.hasOwn(BASE_UNIT_OF, word)) {
      const unit = BASE_UNIT_OF[word];
      throw new RangeError(`name must use the base unit ${unit}, not ${word}, got "${name}"`);
    }
  }
}

/**
 * Throws unless `label` follows the conventions for a label's name.
 *
 * @throws RangeError
 */
export function checkLabelName(label: string, metric: string): void {
  if (!SNAKE_CASE.test(label)) {
    throw new RangeError(`the labels of ${metric} must be in snake_case, got "${label}"`);
  }
  if (label === "le" || label === "quantile") {
    throw new RangeError(`the label "${label}" of ${metric} is reserved by the text format`);
  }
}
