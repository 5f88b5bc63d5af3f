// Numbers handed over at scrape time. prom-client's own metrics are written to when something
// happens: a hash of the labels and a map look-up on the hot path, for numbers that the object
// keeps anyway. Here the object bumps plain fields, and this file reads them when Prometheus
// asks.
//
// A registry is given a metric-shaped object: prom-client needs `name`, `help`, `type` and `get()`,
// and asks for nothing else. Nothing is copied, summed up or reset between two scrapes. So counters
// show absolute values, a scrape changes nothing, and two registries may watch one object.
//
// Several objects can share a family (one breaker per dependency, told apart by `name`): each
// adds a source. Two sources may not be able to hand over the same series, which the closed sets
// decide.

import { checkFamily, type Emit, type Family, type LabelSets } from "./family.ts";
import type { HistogramSnapshot } from "./histogram.ts";
import type { MetricType } from "./names.ts";
import type { MetricRegistry } from "./registry.ts";

/**
 * Adds `families` to `registry`, all of them or none; disposing takes them out again.
 *
 * @throws RangeError | TypeError when a declaration breaks the conventions, when a family of that
 *   name has another type, help or labels, or when another source could hand over the same series
 */
export function registerMetrics(registry: MetricRegistry, families: readonly Family[]): Disposable {
  const sources = families.map((family) => new Source(family));
  for (const source of sources) source.check(registry, sources);
  for (const source of sources) source.addTo(registry);
  return {
    [Symbol.dispose]: () => {
      for (const source of sources) source.removeFrom(registry);
    },
  };
}

/** One object's part of a family. */
class Source {
  readonly family: Family;
  readonly labels: LabelSets;
  readonly labelNames: readonly string[];
  readonly #allowed: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(family: Family) {
    checkFamily(family);
    // A copy: a set that could grow after registration would not be closed.
    const entries = Object.entries(family.labels ?? {});
    this.family = family;
    this.labels = Object.fromEntries(entries.map(([label, values]) => [label, [...values]]));
    this.labelNames = entries.map(([label]) => label);
    this.#allowed = new Map(entries.map(([label, values]) => [label, new Set(values)]));
  }

  check(registry: MetricRegistry, together: readonly Source[]): void {
    const { name } = this.family;
    const present = registry.getSingleMetric(name);
    if (present !== undefined && !(present instanceof Metric)) {
      throw new TypeError(`${name} is registered already, by something else`);
    }
    const others = [...(present?.sources ?? []), ...together];
    for (const other of others) if (other !== this) this.#checkBeside(other);
  }

  #checkBeside(other: Source): void {
    const { name, type, help } = this.family;
    if (other.family.name !== name) return;
    if (other.family.type !== type || other.family.help !== help) {
      throw new TypeError(`${name} is registered already, with another type or help`);
    }
    if (`${other.labelNames.toSorted()}` !== `${this.labelNames.toSorted()}`) {
      throw new TypeError(`${name} is registered already, with labels [${other.labelNames}]`);
    }
    const apart = (label: string) =>
      other.labels[label]?.every((value) => !this.#allowed.get(label)?.has(value));
    if (!this.labelNames.some(apart)) {
      throw new TypeError(`${name} is registered already, with label values that overlap`);
    }
  }

  addTo(registry: MetricRegistry): void {
    let metric = registry.getSingleMetric(this.family.name);
    if (!(metric instanceof Metric)) {
      metric = new Metric(this.family, this.labelNames);
      registry.registerMetric(metric as never);
    }
    (metric as Metric).sources.add(this);
  }

  removeFrom(registry: MetricRegistry): void {
    const metric = registry.getSingleMetric(this.family.name);
    if (!(metric instanceof Metric)) return;
    const removed = metric.sources.delete(this);
    if (removed && metric.sources.size === 0) registry.removeSingleMetric(metric.name);
  }

  /** Appends what the object hands over now. */
  read(values: SeriesValue[]): void {
    const seen = new Set<string>();
    const emit: Emit = (value, labels = {}) => {
      const key = this.#keyOf(labels);
      if (seen.has(key)) throw new TypeError(`${this.family.name}{${key}} was handed over twice`);
      seen.add(key);
      append(values, this.family, value, labels);
    };
    this.family.collect(emit);
  }

  #keyOf(labels: Record<string, string>): string {
    const { name } = this.family;
    for (const label of Object.keys(labels)) {
      if (this.#allowed.has(label)) continue;
      throw new TypeError(`label "${label}" of ${name} is not declared: [${this.labelNames}]`);
    }
    const parts = this.labelNames.map((label) => {
      const value = labels[label];
      if (value !== undefined && this.#allowed.get(label)?.has(value)) return `${label}="${value}"`;
      const set = this.labels[label]?.join(", ");
      throw new TypeError(`label "${label}" of ${name} must be one of ${set}, got ${value}`);
    });
    return parts.join(",");
  }
}

/** A line of the exposition, in the shape in which prom-client formats it. */
interface SeriesValue {
  value: number;
  labels: Record<string, string | number>;
  metricName?: string;
}

/** What a registry holds: a metric in prom-client's shape, made of sources. */
class Metric {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly labelNames: readonly string[];
  /** How prom-client's cluster mode joins the values of several workers. */
  readonly aggregator = "sum";
  readonly sources: Set<Source> = new Set();

  constructor({ name, help, type }: Family, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.type = type;
    this.labelNames = labelNames;
  }

  /** Called by the registry for each scrape; asynchronous because prom-client awaits it. */
  async get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    const values: SeriesValue[] = [];
    for (const source of this.sources) source.read(values);
    return { name, help, type, aggregator, values };
  }

  /**
   * `registry.resetMetrics()` calls it. The numbers belong to the objects: there is nothing to
   * reset.
   */
  reset(): void {}
}

function append(
  values: SeriesValue[],
  { name, type }: Family,
  value: number | HistogramSnapshot,
  labels: Record<string, string>,
): void {
  if (type === "histogram") {
    if (typeof value !== "object") {
      throw new TypeError(`${name} must be handed a histogram's snapshot, got ${value}`);
    }
    appendHistogram(values, name, value, labels);
    return;
  }
  if (typeof value !== "number") {
    throw new TypeError(`${name} must be handed a number, got ${typeof value}`);
  }
  // A gauge may be anything; a counter that is not a count would break every rate() over it.
  if (type === "counter" && !(value >= 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`${name} must be finite and >= 0, got ${value}`);
  }
  values.push({ value, labels: { ...labels } });
}

function appendHistogram(
  values: SeriesValue[],
  name: string,
  { bounds, counts, sum, count }: HistogramSnapshot,
  labels: Record<string, string>,
): void {
  if (counts.length !== bounds.length + 1) {
    throw new TypeError(`${name} must have one count more than bounds, got ${counts.length}`);
  }
  let upTo = 0;
  for (const [i, bound] of bounds.entries()) {
    upTo += counts[i] as number;
    values.push({ metricName: `${name}_bucket`, value: upTo, labels: { le: bound, ...labels } });
  }
  values.push({ metricName: `${name}_bucket`, value: count, labels: { le: "+Inf", ...labels } });
  values.push({ metricName: `${name}_sum`, value: sum, labels: { ...labels } });
  values.push({ metricName: `${name}_count`, value: count, labels: { ...labels } });
}
