// How the live load fared of late, by when requests were due and not by when they were answered. A
// server that answers nobody would otherwise look well: what hangs gives no sample. A request that
// has been due for longer than the limit is late, whatever becomes of it.
import type { Sample } from "./load.ts";
import { percentile, shareWithin } from "./measure.ts";

/** Requests of a sliding span of time. */
export class Recent {
  readonly #spanMs: number;
  readonly #withinMs: number;
  #requests: { dueAt: number; sample: Sample | undefined }[] = [];

  constructor(options: { spanMs: number; withinMs: number }) {
    this.#spanMs = options.spanMs;
    this.#withinMs = options.withinMs;
  }

  /** A request that was due at `dueAt`, and how it will have gone. */
  add(dueAt: number, answer: Promise<Sample>): void {
    const request: { dueAt: number; sample: Sample | undefined } = { dueAt, sample: undefined };
    this.#requests.push(request);
    void answer.then((sample) => {
      request.sample = sample;
    });
  }

  clear(): void {
    this.#requests = [];
  }

  /**
   * Over the requests due in the span that ended `withinMs` before `now`: the share answered in
   * time, and the 99th percentile of their times so far. Null when there are none.
   */
  read(now: number): { withinShare: number; p99Ms: number } | null {
    const until = now - this.#withinMs;
    this.#requests = this.#requests.filter(({ dueAt }) => dueAt >= until - this.#spanMs);
    const samples = this.#requests
      .filter(({ dueAt }) => dueAt < until)
      .map(({ dueAt, sample }) => sample ?? { status: 0, tookMs: now - dueAt });
    if (samples.length === 0) return null;
    return {
      withinShare: shareWithin(samples, this.#withinMs),
      p99Ms: percentile(samples, 0.99),
    };
  }
}
