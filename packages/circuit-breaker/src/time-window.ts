// The last T milliseconds, as B buckets of T/B ms each. A bucket is three numbers; three running
// sums make the rates O(1). Nothing ticks: when a call is recorded, the buckets that have fallen
// out of the window since the last look are emptied first, at most B of them.
//
//   epoch       … 41 | 42 | 43 | 44 |           epoch = ⌊now / bucketMs⌋; slot = epoch % B
//   contents      ↑ forgotten when 45 begins      ↑ now
//
// The newest bucket is only partly over, so the window reaches back between T - T/B and T.
// Left out: a timestamp per call would reach back exactly T, at 16 bytes a call and unbounded.
import type { SavedWindow, SlidingWindow } from "./window.ts";

/** Remembers `buckets` × `bucketMs` milliseconds: 3 numbers a bucket, however many calls. */
export class TimeWindow implements SlidingWindow {
  readonly needsTime = true;

  readonly #bucketMs: number;
  readonly #buckets: number;
  // Row of slot s: [3s] calls, [3s+1] failures, [3s+2] slow.
  readonly #rows: number[];
  // The newest epoch seen. Invariant: every row belongs to (epoch - buckets, epoch].
  #epoch = Number.MIN_SAFE_INTEGER;
  #calls = 0;
  #failures = 0;
  #slow = 0;

  constructor(bucketMs: number, buckets: number) {
    this.#bucketMs = bucketMs;
    this.#buckets = buckets;
    this.#rows = new Array(3 * buckets).fill(0);
  }

  get calls(): number {
    return this.#calls;
  }

  get failures(): number {
    return this.#failures;
  }

  get slow(): number {
    return this.#slow;
  }

  record(now: number, failed: boolean, slow: boolean): number {
    this.expire(now);
    this.#add(this.#epoch, 1, failed ? 1 : 0, slow ? 1 : 0);
    return this.#epoch;
  }

  // A clock that steps back finds the newest epoch still open: nothing is lost, nothing relives.
  expire(now: number): void {
    const epoch = Math.floor(now / this.#bucketMs);
    const passed = Math.min(epoch - this.#epoch, this.#buckets);
    for (let i = 1; i <= passed; i++) {
      const at = 3 * this.#slot(this.#epoch + i);
      this.#calls -= this.#rows[at] as number;
      this.#failures -= this.#rows[at + 1] as number;
      this.#slow -= this.#rows[at + 2] as number;
      this.#rows.fill(0, at, at + 3);
    }
    if (passed > 0) this.#epoch = epoch;
  }

  markFailed(ticket: number): void {
    if (ticket > this.#epoch - this.#buckets) this.#add(ticket, 0, 1, 0);
  }

  clear(): void {
    this.#rows.fill(0);
    this.#calls = 0;
    this.#failures = 0;
    this.#slow = 0;
  }

  save(now: number): SavedWindow {
    const newest = Math.max(this.#epoch, Math.floor(now / this.#bucketMs));
    const buckets: [number, number, number][] = [];
    for (let epoch = newest - this.#buckets + 1; epoch <= newest; epoch++) {
      // Epochs that no call has reached yet hold nothing, whatever their slot still shows.
      const at = 3 * this.#slot(epoch);
      const row = epoch > this.#epoch ? [0, 0, 0] : this.#rows.slice(at, at + 3);
      buckets.push(row as [number, number, number]);
    }
    return { kind: "time", bucketMs: this.#bucketMs, buckets };
  }

  accepts(saved: unknown): saved is SavedWindow {
    const { kind, bucketMs, buckets } = saved as Partial<Record<string, unknown>>;
    return (
      kind === "time" &&
      bucketMs === this.#bucketMs &&
      Array.isArray(buckets) &&
      buckets.length === this.#buckets &&
      buckets.every(isSoundRow)
    );
  }

  load(saved: SavedWindow, now: number, elapsedMs: number): void {
    this.clear();
    if (saved.kind !== "time") return;
    this.#epoch = Math.floor(now / this.#bucketMs);
    const aged = Math.floor(elapsedMs / this.#bucketMs);
    for (let age = aged; age < this.#buckets; age++) {
      const row = saved.buckets[this.#buckets - 1 - (age - aged)];
      if (row !== undefined) this.#add(this.#epoch - age, ...row);
    }
  }

  #add(epoch: number, calls: number, failures: number, slow: number): void {
    const at = 3 * this.#slot(epoch);
    (this.#rows[at] as number) += calls;
    (this.#rows[at + 1] as number) += failures;
    (this.#rows[at + 2] as number) += slow;
    this.#calls += calls;
    this.#failures += failures;
    this.#slow += slow;
  }

  // Epochs may be negative: a virtual clock may start anywhere, and a saved window reaches back.
  #slot(epoch: number): number {
    const slot = epoch % this.#buckets;
    return slot < 0 ? slot + this.#buckets : slot;
  }
}

function isSoundRow(row: unknown): boolean {
  if (!Array.isArray(row) || row.length !== 3 || !row.every(isCount)) return false;
  const [calls, failures, slow] = row as number[];
  return (failures as number) <= (calls as number) && (slow as number) <= (calls as number);
}

// More calls than any bucket sees, and few enough for a thousand buckets to add up exactly.
const ROW_CALLS_MAX = 2 ** 40;

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= ROW_CALLS_MAX;
}
