// One direction of a connection as a pure object: bytes go in, time passes, bytes come out.
//
//     push ──▶ [ delay line: latency ± jitter ] ──▶ [ gate: blackhole ] ──▶ [ pacer ] ──▶ pull
//
// It owns no timer and no socket. pull() says what is due now, nextAtMs() when to ask again; the
// shell (connection.ts) asks. The same object therefore runs under virtual time in the tests.
//
// TCP is a stream, so two things that netem does to packets cannot happen here: nothing is lost and
// nothing is reordered (RFC 9293 §3.1: "reliable, in-order"). Only the head of the queue is looked
// at, so a byte that drew a short delay waits behind one that drew a long delay: TCP's head-of-line
// blocking. A blackhole holds bytes instead of dropping them, because the sender's TCP would
// retransmit them once the path heals.
//
// Left out: the loss, duplication and corruption of packets (below TCP, invisible to its users but
// as delay) and the sender's retransmission timer: here held bytes flow in the moment of healing.

import type { DirectionFaults } from "./faults.ts";
import { Pacer } from "./pacer.ts";

/** What comes out of a {@link FaultPipe}, in order. */
export type Release =
  | { kind: "bytes"; bytes: Uint8Array }
  /** The sender's FIN: nothing follows in this direction. */
  | { kind: "fin" }
  /** Abort the connection: the sender did (`peer`), or `resetAfterBytes` is reached (`fault`). */
  | { kind: "reset"; cause: "peer" | "fault" };

/** What a {@link FaultPipe} is made with. */
export interface FaultPipeOptions {
  /** Monotonic milliseconds. */
  clock: { now(): number };
  /** Draws the jitter: `below(n)` is an integer in [0, n). */
  random: { below(n: number): number };
  /** The most bytes held, at least 1. */
  bufferBytesMax: number;
}

interface Segment {
  // Undefined marks the end of the stream.
  bytes: Uint8Array | undefined;
  end: "fin" | "reset" | undefined;
  arrivedAtMs: number;
  // Not before this; later if those ahead are due later.
  dueAtMs: number;
}

// A sender of single bytes must not make this pipe hold a million small objects.
const SEGMENTS_MAX = 1_024;
// Jitter is drawn in millionths of its range.
const JITTER_STEPS = 1_000_001;

/**
 * Delays, holds and paces one direction of a byte stream; deterministic in its clock and chance.
 *
 * Never loses, duplicates or reorders a byte. Each byte is due between `latencyMs - jitterMs` and
 * `latencyMs + jitterMs` after it came in, later only while the gate is shut or the line is busy.
 * Holds at most `bufferBytesMax` bytes in at most 1,024 segments. Every call is O(1) but `set`,
 * which is O(segments).
 */
export class FaultPipe {
  readonly #clock: { now(): number };
  readonly #random: { below(n: number): number };
  readonly #bytesMax: number;

  #faults: DirectionFaults = {};
  #pacer: Pacer | undefined;
  #bytesUntilReset = Number.POSITIVE_INFINITY;

  // segments[first..] are held; the slots before are empty and go when they are half of the array.
  #segments: (Segment | undefined)[] = [];
  #first = 0;
  // Invariant: 0 <= heldBytes <= bytesMax.
  #heldBytes = 0;
  #state: "open" | "fin" | "reset" = "open";

  constructor(options: FaultPipeOptions) {
    if (!(options.bufferBytesMax >= 1)) {
      throw new RangeError(`bufferBytesMax must be at least 1, got ${options.bufferBytesMax}`);
    }
    this.#clock = options.clock;
    this.#random = options.random;
    this.#bytesMax = options.bufferBytesMax;
  }

  /** Bytes that came in and have not gone out. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** How many bytes `push` takes now; 0 tells the shell to stop reading, and TCP its sender. */
  get room(): number {
    if (this.#state !== "open" || this.#segments.length - this.#first >= SEGMENTS_MAX) return 0;
    return this.#bytesMax - this.#heldBytes;
  }

  /** Takes a chunk without copying it; more than {@link FaultPipe.room} is a RangeError. */
  push(bytes: Uint8Array): void {
    if (bytes.length > this.room) {
      throw new RangeError(`bytes must be at most ${this.room} long (room), got ${bytes.length}`);
    }
    if (bytes.length === 0) return;
    this.#heldBytes += bytes.length;
    this.#append({ bytes, end: undefined });
  }

  /**
   * Ends the stream behind all that was pushed: `fin` as a FIN does, `reset` as an abort. A `reset`
   * may follow a `fin` (the sender has finished, then died); anything else after an end is ignored.
   */
  end(kind: "fin" | "reset"): void {
    if (this.#state === "reset" || this.#state === kind) return;
    this.#state = kind;
    this.#append({ bytes: undefined, end: kind });
  }

  /**
   * Replaces the faults. Bytes already inside never wait longer for it, only less: raising the
   * latency leaves them, lowering it lets them go as if they had come in under the new one.
   * `resetAfterBytes` counts from the moment its value changes.
   */
  set(faults: DirectionFaults): void {
    const now = this.#clock.now();
    const { bandwidthBytesPerSecond: rate, latencyMs = 0, jitterMs = 0 } = faults;
    if (rate === undefined) this.#pacer = undefined;
    else if (rate !== this.#pacer?.rateBytesPerSecond) this.#pacer = new Pacer(rate, now);

    if (faults.resetAfterBytes !== this.#faults.resetAfterBytes) {
      this.#bytesUntilReset = faults.resetAfterBytes ?? Number.POSITIVE_INFINITY;
    }
    for (let i = this.#first; i < this.#segments.length; i++) {
      const segment = this.#segments[i] as Segment;
      segment.dueAtMs = Math.min(segment.dueAtMs, segment.arrivedAtMs + latencyMs + jitterMs);
    }
    this.#faults = faults;
  }

  /** The next thing that is due now, at most `bytesMax` bytes of it; undefined if nothing is. */
  pull(bytesMax: number = Number.POSITIVE_INFINITY): Release | undefined {
    if (this.#bytesUntilReset === 0) {
      this.discard();
      this.#state = "reset";
      this.#bytesUntilReset = Number.POSITIVE_INFINITY;
      return { kind: "reset", cause: "fault" };
    }
    const now = this.#clock.now();
    const segment = this.#segments[this.#first];
    if (segment === undefined || this.#faults.blackhole || segment.dueAtMs > now) return undefined;

    if (segment.bytes === undefined) {
      this.#dropFirst();
      return segment.end === "fin" ? { kind: "fin" } : { kind: "reset", cause: "peer" };
    }
    const allowance = this.#pacer?.allowance(now) ?? Number.POSITIVE_INFINITY;
    const length = Math.min(segment.bytes.length, bytesMax, allowance, this.#bytesUntilReset);
    if (!(length > 0)) return undefined;

    this.#pacer?.spend(length);
    this.#bytesUntilReset -= length;
    this.#heldBytes -= length;
    const bytes = segment.bytes.subarray(0, length);
    if (length === segment.bytes.length) this.#dropFirst();
    else segment.bytes = segment.bytes.subarray(length);
    return { kind: "bytes", bytes };
  }

  /**
   * When to pull next, if nothing else happens before: at that moment something is due. Infinity
   * while nothing is inside or the gate is shut, so an idle pipe needs no timer.
   */
  nextAtMs(): number {
    const now = this.#clock.now();
    if (this.#bytesUntilReset === 0) return now;
    const segment = this.#segments[this.#first];
    if (segment === undefined || this.#faults.blackhole) return Number.POSITIVE_INFINITY;
    if (segment.bytes === undefined || this.#pacer === undefined) {
      return Math.max(now, segment.dueAtMs);
    }
    const bytes = Math.min(segment.bytes.length, this.#bytesUntilReset);
    return Math.max(segment.dueAtMs, this.#pacer.readyAtMs(bytes, now));
  }

  /** Forgets all that is held: its receiver is gone. */
  discard(): void {
    this.#segments = [];
    this.#first = 0;
    this.#heldBytes = 0;
  }

  #append(part: { bytes: Uint8Array | undefined; end: "fin" | "reset" | undefined }): void {
    const arrivedAtMs = this.#clock.now();
    const { latencyMs = 0, jitterMs = 0 } = this.#faults;
    let delayMs = latencyMs;
    if (jitterMs > 0) {
      delayMs += jitterMs * ((2 * this.#random.below(JITTER_STEPS)) / (JITTER_STEPS - 1) - 1);
    }
    this.#segments.push({ ...part, arrivedAtMs, dueAtMs: arrivedAtMs + delayMs });
  }

  #dropFirst(): void {
    // Without this the spent chunk stays alive for as long as the queue does not run empty.
    this.#segments[this.#first] = undefined;
    this.#first++;
    if (2 * this.#first < this.#segments.length) return;
    // As many slots go as have been emptied since the last time: O(1) amortised.
    this.#segments = this.#segments.slice(this.#first);
    this.#first = 0;
  }
}
