// Families of metrics with two names: ours, and the one under which Envoy's users look for the same
// number. Read once, they are plain values, which can be shown in either language, sent to another
// process, and added up.
import { type Family, type HistogramSnapshot, quantileOf } from "@compendium/metrics";

/** A family, and what Envoy calls it. */
export interface SidecarFamily extends Family {
  /** With the values of labels in braces: "cluster.{cluster}.upstream_rq_{class}". */
  readonly envoy: string;
}

/** One series as it was when it was read. */
export interface Reading {
  readonly name: string;
  readonly type: Family["type"];
  readonly labels: Readonly<Record<string, string>>;
  /** Envoy's name of the series. */
  readonly envoy: string;
  readonly value: number | HistogramSnapshot;
}

/** Reads all series, in one turn. */
export function readAll(families: Iterable<SidecarFamily>): Reading[] {
  const readings: Reading[] = [];
  for (const { name, type, envoy, collect } of families) {
    collect((value, labels = {}) => {
      readings.push({ name, type, labels, envoy: filledIn(envoy, labels), value });
    });
  }
  return readings;
}

/** How the numbers of several processes become one. */
export type Combine = (
  name: string,
  labels: Readonly<Record<string, string | number>>,
) => "sum" | "max" | "min";

/**
 * The readings of several processes as those of one: counts, gauges and histograms are added.
 *
 * @param combine which numbers are not, because each process has the whole of it
 */
export function sumReadings(
  processes: Iterable<readonly Reading[]>,
  combine: Combine = () => "sum",
): Reading[] {
  const sums = new Map<string, Reading>();
  for (const readings of processes) {
    for (const reading of readings) {
      const key = `${reading.name} ${JSON.stringify(Object.entries(reading.labels).sort())}`;
      const known = sums.get(key);
      const value = known === undefined ? reading.value : combined(reading, known.value, combine);
      sums.set(key, { ...reading, value });
    }
  }
  return [...sums.values()];
}

/** Whether it has ever counted anything: what Envoy calls used. */
export function isUsed({ value }: Reading): boolean {
  return typeof value === "number" ? value !== 0 : value.count > 0;
}

/** "P50 0.004 P90 0.02 P99 0.3 of 1200"; a number as it is. */
export function valueText({ value }: Reading): string {
  if (typeof value === "number") return String(value);
  if (value.count === 0) return "No recorded values";
  const quantiles = [0.5, 0.9, 0.99].map(
    (q) => `P${q * 100} ${Number(quantileOf(value, q).toPrecision(3))}`,
  );
  return `${quantiles.join(" ")} of ${value.count}`;
}

function filledIn(template: string, labels: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, label: string) => labels[label] ?? "");
}

/** Two numbers by the rule. */
export function combineNumbers(rule: ReturnType<Combine>, a: number, b: number): number {
  return rule === "sum" ? a + b : Math[rule](a, b);
}

function combined(
  { name, labels, value }: Reading,
  before: Reading["value"],
  combine: Combine,
): Reading["value"] {
  if (typeof value !== "number" || typeof before !== "number") return added(before, value);
  return combineNumbers(combine(name, labels), before, value);
}

function added(
  a: number | HistogramSnapshot,
  b: number | HistogramSnapshot,
): number | HistogramSnapshot {
  if (typeof a === "number" || typeof b === "number") return Number(a) + Number(b);
  return {
    bounds: a.bounds,
    counts: a.counts.map((count, i) => count + (b.counts[i] ?? 0)),
    sum: a.sum + b.sum,
    count: a.count + b.count,
  };
}
