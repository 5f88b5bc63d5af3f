// How long garbage collection stopped the program, by kind. A minor collection empties the nursery
// within a millisecond or two; a major one walks the old generation and is what a slow leak makes
// visible long before memory runs out.

import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { Histogram, type HistogramSnapshot } from "./histogram.ts";

const BOUNDS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

const KIND_OF: Record<number, string> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: "major",
  [constants.NODE_PERFORMANCE_GC_MINOR]: "minor",
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: "incremental",
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: "weakcb",
};

/** Every value of the label `kind`. */
export const gcKinds: readonly string[] = Object.values(KIND_OF);

/** Watches the collector of this thread until it is disposed. */
export class GarbageCollections implements Disposable {
  readonly #histograms = new Map(gcKinds.map((kind) => [kind, new Histogram(BOUNDS_SECONDS)]));
  readonly #observer: PerformanceObserver;

  constructor() {
    // One report may hold many entries: a burst of collections within a single turn.
    this.#observer = new PerformanceObserver((list) => list.getEntries().forEach(this.#add));
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** Pauses in seconds, since construction, for each kind. */
  snapshots(): [kind: string, HistogramSnapshot][] {
    return [...this.#histograms].map(([kind, histogram]) => [kind, histogram.snapshot()]);
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    this.#observer.disconnect();
  }

  readonly #add = (entry: PerformanceEntry): void => {
    const { kind } = (entry as PerformanceEntry & { detail: { kind: number } }).detail;
    this.#histograms.get(KIND_OF[kind] ?? "")?.observe(entry.duration / 1_000);
  };
}
