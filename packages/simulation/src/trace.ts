// What happened, as a line for people and as a hash for machines. Two runs are the same run when
// every event, in order, has the same time, node and details; comparing two 64-bit hashes says so
// without keeping a million events. The hash is made of 32-bit integer operations only, the same on
// every engine; the mixing is that of MurmurHash3 (A. Appleby, public domain), two lanes with
// different multipliers. It is a fingerprint and no proof: nobody attacks it here.
//
// The lines are NDJSON, made only when somebody listens: a run that nobody watches costs the hash.

import { SeededRandom } from "@compendium/runtime";

/** A 64-bit fingerprint of a sequence of integers, strings and bytes. */
export class TraceHash {
  #a = 0x2545f491;
  #b = 0x27d4eb2f;

  word(word: number): void {
    const a = Math.imul(this.#a ^ word, 0x85ebca6b);
    this.#a = a ^ (a >>> 13);
    const b = Math.imul((this.#b + word) | 0, 0xc2b2ae35);
    this.#b = b ^ (b >>> 16) ^ this.#a;
  }

  /** An integer up to 2^53, of either sign. */
  integer(value: number): void {
    this.word(value | 0);
    // Almost all fit in one word; both cases differ in how many words they add.
    if (value !== (value | 0)) this.word(Math.floor(value / 2 ** 32) | 0);
  }

  string(text: string): void {
    this.word(text.length);
    for (let i = 0; i < text.length; i++) this.word(text.charCodeAt(i));
  }

  bytes(bytes: Uint8Array): void {
    this.word(bytes.length);
    for (const byte of bytes) this.word(byte);
  }

  /** Sixteen hexadecimal digits. */
  digest(): string {
    return hex(finalise(this.#a)) + hex(finalise(this.#b));
  }

  /** An integer in [0, 2^53). */
  seed(): number {
    return (finalise(this.#a) >>> 11) * 2 ** 32 + finalise(this.#b);
  }
}

function finalise(word: number): number {
  let z = word ^ (word >>> 16);
  z = Math.imul(z, 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

/**
 * A stream of chance that depends on nothing but the seed and a name: one more draw in the disk of
 * a node changes nothing about the network, and a fault taken out of a schedule leaves the rest as
 * similar as it can be.
 */
export function streamOf(seed: number, ...names: readonly (string | number)[]): SeededRandom {
  const hash = new TraceHash();
  hash.integer(seed);
  for (const name of names) {
    if (typeof name === "string") hash.string(name);
    else hash.integer(name);
  }
  return new SeededRandom(hash.seed());
}

/** One event of a run. */
export interface TraceLine {
  /** Microseconds since the run began. */
  readonly us: number;
  /** What happened. */
  readonly event: string;
  /** To whom, or by whom. */
  readonly node?: string;
  /** The other end, where there is one. */
  readonly peer?: string;
  /** A number that belongs to the event: bytes, a number of a timer, how long. */
  readonly value?: number;
  /** What a node recorded. */
  readonly data?: unknown;
}

/** Collects the fingerprint, and hands over lines where somebody listens. */
export class Trace {
  readonly #hash: TraceHash = new TraceHash();
  readonly #names = new Map<string, number>();
  readonly #listener: ((line: TraceLine) => void) | undefined;
  #events = 0;

  constructor(listener?: (line: TraceLine) => void) {
    this.#listener = listener;
  }

  /** How many events there were. */
  get events(): number {
    return this.#events;
  }

  get hash(): string {
    return this.#hash.digest();
  }

  add(us: number, event: string, node = "", peer = "", value = 0): void {
    this.#events++;
    const hash = this.#hash;
    hash.integer(us);
    hash.word(this.#name(event));
    hash.word(this.#name(node));
    hash.word(this.#name(peer));
    hash.integer(value);
    if (this.#listener === undefined) return;
    this.#listener({
      us,
      event,
      ...(node !== "" && { node }),
      ...(peer !== "" && { peer }),
      ...(value !== 0 && { value }),
    });
  }

  /** As {@link add}, for what a node has recorded. */
  record(us: number, event: string, node: string, data: unknown): void {
    this.#events++;
    this.#hash.integer(us);
    this.#hash.word(this.#name(event));
    this.#hash.word(this.#name(node));
    this.#hash.string(JSON.stringify(data) ?? "");
    this.#listener?.({ us, event, node, ...(data !== undefined && { data }) });
  }

  /** Bytes that belong to the event that was added last. */
  bytes(bytes: Uint8Array): void {
    this.#hash.bytes(bytes);
  }

  // A name is hashed once; afterwards its first occurrence's number stands for it.
  #name(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const number = this.#names.size;
    this.#names.set(name, number);
    this.#hash.string(name);
    return number;
  }
}
