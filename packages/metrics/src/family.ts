// A family is a metric with all its label values: name, type, help, and for each label the closed
// set of values it can ever take. Closed sets are what keeps a time-series database alive: every
// new combination of label values is a new series for ever, so that a user's name in a label is
// an outage with a delay. Here the number of series is known, and bounded, before the first
// scrape.

import type { HistogramSnapshot } from "./histogram.ts";
import { checkLabelName, checkMetricName, type MetricType } from "./names.ts";

/** For each label of a family, every value that it can take. */
export type LabelSets = Readonly<Record<string, readonly string[]>>;

/**
 * Hands over one series: a number for counters and gauges, a snapshot for histograms. `labels`
 * gives a value to every label that the family declares.
 */
export type Emit = (value: number | HistogramSnapshot, labels?: Record<string, string>) => void;

/** A metric, and where its numbers come from when someone asks. */
export interface Family {
  /** In snake_case, package noun first, base unit; ends in `_total` if and only if a counter. */
  name: string;
  /** What is handed over: numbers, or for a histogram snapshots. */
  type: MetricType;
  /** One sentence for whoever sees only the name. */
  help: string;
  /** Omitted: a single series without labels. */
  labels?: LabelSets;
  /**
   * Reads the numbers and hands each over once. Called for every scrape, synchronously, and must
   * not change anything. All families of a registry are read in the same turn: their numbers
   * agree.
   */
  collect(emit: Emit): void;
}

/** What one source may add to a family at most, in series. */
export const SERIES_MAX = 10_000;

/** Throws unless the declaration is complete and follows the conventions. */
export function checkFamily({ name, type, help, labels = {}, collect }: Family): void {
  if (type !== "counter" && type !== "gauge" && type !== "histogram") {
    throw new TypeError(`type of ${name} must be counter, gauge or histogram, got ${String(type)}`);
  }
  checkMetricName(name, type);
  if (typeof help !== "string" || help.trim() === "") {
    throw new TypeError(`help of ${name} must be a sentence, got ${JSON.stringify(help)}`);
  }
  if (typeof collect !== "function") {
    throw new TypeError(`collect of ${name} must be a function, got ${typeof collect}`);
  }
  let series = 1;
  for (const [label, values] of Object.entries(labels)) {
    checkLabelName(label, name);
    if (!Array.isArray(values) || values.length === 0) {
      throw new TypeError(`label "${label}" of ${name} must list its values, got ${values}`);
    }
    for (const value of values) {
      if (typeof value === "string" && value !== "") continue;
      throw new TypeError(`values of "${label}" of ${name} must be non-empty strings`);
    }
    if (new Set(values).size !== values.length) {
      throw new RangeError(`values of "${label}" of ${name} must differ, got ${values.join(", ")}`);
    }
    series *= values.length;
  }
  if (series > SERIES_MAX) {
    throw new RangeError(`${name} must have at most ${SERIES_MAX} series, got ${series}`);
  }
}
