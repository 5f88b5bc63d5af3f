// Bytes under construction: numbers as LEB128 in the fewest bytes, texts as UTF-8. A writer is used
// again and again, so that a message of one keystroke costs one allocation: its own.
//
// Texts here are rows of UTF-16 units, and a row may begin or end with half of a surrogate pair
// (an update is cut between operations). Half a pair that has lost its other half is written as
// the three bytes that its number would take (WTF-8, Simon Sapin); two halves that meet are one
// character.

import type { IntColumn } from "../causal/int-column.ts";

// Room before what is written, for a header that is known when the rest is.
const HEAD = 16;

/** Bytes in a row, which grows. */
export class ByteWriter {
  // What has been written is from #start up to #length.
  #start = HEAD;
  #length = HEAD;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(1024);

  /** How many have been written. */
  get length(): number {
    return this.#length - this.#start;
  }

  /** Begins anew. */
  reset(): void {
    this.#start = HEAD;
    this.#length = HEAD;
    // One large document should not be paid for as long as the program runs.
    if (this.#bytes.length > 1 << 20) this.#bytes = new Uint8Array(1024);
  }

  /** One byte. */
  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** An integer in [0, 2^32). */
  number(value: number): void {
    this.#reserve(5);
    const bytes = this.#bytes;
    let at = this.#length;
    for (; value >= 128; value >>>= 7) bytes[at++] = (value & 127) | 128;
    bytes[at++] = value;
    this.#length = at;
  }

  /** All integers of a column. */
  numbers({ data, length }: IntColumn): void {
    for (let i = 0; i < length; i++) this.number(data[i]! >>> 0);
  }

  /** An integer of either sign below 2^31: 0, -1, 1, -2 … are written as 0, 1, 2, 3 …. */
  signed(value: number): void {
    this.number(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** Four bytes, the lowest first. */
  word(value: number): void {
    this.#reserve(4);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.#length++] = value >>> shift;
  }

  /** Bytes as they are. */
  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** A string of ASCII characters: how many, and they. */
  ascii(value: string): void {
    const count = value.length;
    this.number(count);
    this.#reserve(count);
    for (let i = 0; i < count; i++) this.#bytes[this.#length++] = value.charCodeAt(i);
  }

  /** A string: how many bytes, and they. */
  string(value: string): void {
    const units = new Uint16Array(value.length);
    for (let i = 0; i < value.length; i++) units[i] = value.charCodeAt(i);
    this.number(encodedLength(units, 0, units.length));
    this.units(units, 0, units.length);
  }

  /** UTF-16 units as WTF-8. Their number and that of the bytes is the caller's business. */
  units(units: Uint16Array, from: number, to: number): void {
    this.#reserve((to - from) * 3);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = from; i < to; i++) {
      const unit = units[i]!;
      if (unit < 0x80) {
        bytes[at++] = unit;
      } else if (unit < 0x800) {
        bytes[at++] = 0xc0 | (unit >> 6);
        bytes[at++] = 0x80 | (unit & 63);
      } else if (isPair(unit, i + 1 < to ? units[i + 1]! : 0)) {
        const point = 0x10000 + ((unit & 0x3ff) << 10) + (units[++i]! & 0x3ff);
        bytes[at++] = 0xf0 | (point >> 18);
        bytes[at++] = 0x80 | ((point >> 12) & 63);
        bytes[at++] = 0x80 | ((point >> 6) & 63);
        bytes[at++] = 0x80 | (point & 63);
      } else {
        bytes[at++] = 0xe0 | (unit >> 12);
        bytes[at++] = 0x80 | ((unit >> 6) & 63);
        bytes[at++] = 0x80 | (unit & 63);
      }
    }
    this.#length = at;
  }

  /** One byte before all others: at most 16 times. */
  prependByte(value: number): void {
    this.#bytes[--this.#start] = value;
  }

  /** An integer in [0, 2^32) before all others. */
  prependNumber(value: number): void {
    let shift = 0;
    while (value >>> shift >= 128) shift += 7;
    this.prependByte(value >>> shift);
    for (shift -= 7; shift >= 0; shift -= 7) this.prependByte(((value >>> shift) & 127) | 128);
  }

  /** A copy of what has been written, which is then forgotten. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(this.#start, this.#length);
    this.reset();
    return taken;
  }

  /** The same, and behind it the four bytes that `check` makes of it. */
  seal(check: (bytes: Uint8Array, from: number, to: number) => number): Uint8Array<ArrayBuffer> {
    this.word(check(this.#bytes, this.#start, this.#length));
    return this.take();
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const next = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    next.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = next;
  }
}

/** How many bytes some units take. */
export function encodedLength(units: Uint16Array, from: number, to: number): number {
  let length = to - from;
  for (let i = from; i < to; i++) {
    const unit = units[i]!;
    if (unit < 0x80) continue;
    length += unit < 0x800 ? 1 : 2;
    // Four bytes for two units, of which the second is counted already.
    if (i + 1 < to && isPair(unit, units[i + 1]!)) i++;
  }
  return length;
}

/** Whether two units are the halves of one character, in this order. */
export function isPair(unit: number, next: number): boolean {
  return (unit & 0xfc00) === 0xd800 && (next & 0xfc00) === 0xdc00;
}
