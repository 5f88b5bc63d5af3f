// Bytes from a peer or a file, which may be hostile. Whatever does not fit is refused with an
// error that names the place, and every value has one valid form: no padded number, no overlong
// character.
//
// Run-length encoding lets a few bytes describe very much. So whoever stores what is described
// charges it to a budget first, in bytes of memory: 64 KiB, and ten for each byte of input. A
// hostile sender can make a replica use no more memory than ten times what was sent.
import { CrdtError } from "../errors.ts";
import { isPair } from "./byte-writer.ts";

/** What a decoder may charge: this, and {@link BUDGET_PER_BYTE} for each byte of input. */
export const BUDGET_BYTES: number = 64 * 1024;
export const BUDGET_PER_BYTE = 10;

/** Reads one thing after the other. What does not fit throws {@link CrdtError}. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #end: number;
  #budget: number;

  constructor(bytes: Uint8Array, from = 0, to: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
    this.#budget = BUDGET_BYTES + BUDGET_PER_BYTE * (to - from);
  }

  /** Where the next byte is, to come back to. */
  get position(): number {
    return this.#at;
  }

  set position(position: number) {
    this.#at = position;
  }

  /** How many bytes are left to read. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** Makes sure of being able to pay for so much later, before much is done that it is for. */
  afford(bytes: number): void {
    if (bytes > this.#budget) throw new CrdtError("CRDT_BUDGET", "more is described than was sent");
  }

  /** Pays for memory that is about to be taken. */
  charge(bytes: number): void {
    this.#budget -= bytes;
    if (this.#budget < 0) throw new CrdtError("CRDT_BUDGET", "more is described than was sent");
  }

  /** One byte. */
  byte(): number {
    if (this.#at >= this.#end) throw this.corrupt("it ends too early");
    return this.#bytes[this.#at++]!;
  }

  /** An integer up to `most`, which is below 2^32. */
  number(most = 0xffff_ffff): number {
    const first = this.byte();
    const value = first < 128 ? first : this.#rest(first & 127);
    if (value > most) throw this.corrupt(`${value} is more than ${most}`);
    return value;
  }

  /** An integer of either sign. */
  signed(): number {
    const value = this.number();
    return (value >>> 1) ^ -(value & 1);
  }

  /** How many things follow, each of which takes at least so many bytes. */
  count(bytesEach: number): number {
    return this.number(Math.floor(this.left / bytesEach));
  }

  /** The next bytes; not a copy. */
  bytes(count: number): Uint8Array {
    if (count > this.left) throw this.corrupt("it ends too early");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** A string of at most so many ASCII characters; one of `known`, if it is among them. */
  ascii(charactersMax: number, known: readonly string[]): string {
    const length = this.number(Math.min(charactersMax, this.left));
    const from = this.#at;
    this.#at += length;
    for (const each of known) if (this.#isAscii(each, from, length)) return each;
    this.charge(2 * length);
    let text = "";
    for (let at = from; at < this.#at; at++) {
      if (this.#bytes[at]! >= 128) throw this.corrupt("not ASCII");
      text += String.fromCharCode(this.#bytes[at]!);
    }
    return text;
  }

  /** Whether this string of ASCII characters is next; if it is, it is passed over. */
  skipAscii(text: string): boolean {
    const start = this.#at;
    const { length } = text;
    if (length < this.left && this.number() === length && this.#isAscii(text, this.#at, length)) {
      this.#at += length;
      return true;
    }
    this.#at = start;
    return false;
  }

  /** A string of at most so many bytes. */
  string(bytesMax: number): string {
    const length = this.number(Math.min(bytesMax, this.left));
    const end = this.#at + length;
    this.charge(2 * length);
    let text = "";
    while (this.#at < end) {
      const point = this.#point(end);
      if (point >= 0xd800 && point < 0xe000) throw this.corrupt("half a character in a name");
      text += String.fromCodePoint(point);
    }
    return text;
  }

  /** Fills `count` units, from `from` on, with what `bytes` bytes of WTF-8 hold: exactly these. */
  units(into: Uint16Array, from: number, count: number, bytes: number): void {
    if (bytes > this.left) throw this.corrupt("it ends too early");
    const end = this.#at + bytes;
    const last = from + count;
    let to = from;
    while (this.#at < end && to < last) {
      const byte = this.#bytes[this.#at]!;
      if (byte < 0x80) {
        into[to++] = byte;
        this.#at++;
        continue;
      }
      const point = this.#point(end);
      if (point >= 0x10000) {
        if (to + 2 > last) throw this.corrupt("more text than is described");
        into[to++] = 0xd7c0 + (point >> 10);
        into[to++] = 0xdc00 | (point & 0x3ff);
      } else {
        if (to > from && isPair(into[to - 1]!, point)) throw this.corrupt("a character in halves");
        into[to++] = point;
      }
    }
    if (this.#at !== end || to !== last)
      throw this.corrupt("another length of text than described");
  }

  /** Refuses what is left over. */
  finish(): void {
    if (this.#at !== this.#end) throw this.corrupt("something follows the end");
  }

  /** An error that says why, and where. */
  corrupt(why: string): CrdtError {
    return new CrdtError("CRDT_CORRUPT", `byte ${this.#at}: ${why}`);
  }

  // The rest of a number, whose lowest seven bits have been read.
  #rest(lowest: number): number {
    let value = lowest;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.byte();
      // The fifth byte has room for four bits.
      value += shift < 28 ? (byte & 127) << shift : (byte & 127) * 2 ** 28;
      if (byte === 0) throw this.corrupt("a number is padded");
      if (byte < 128) return value;
    }
    throw this.corrupt("a number does not end");
  }

  #isAscii(text: string, from: number, length: number): boolean {
    if (text.length !== length) return false;
    for (let i = length - 1; i >= 0; i--) {
      if (text.charCodeAt(i) !== this.#bytes[from + i]) return false;
    }
    return true;
  }

  #point(end: number): number {
    const first = this.#bytes[this.#at++]!;
    if (first < 0x80) return first;
    const more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (first < 0xc2 || first > 0xf4 || this.#at + more > end) throw this.corrupt("not UTF-8");
    let point = first & (0x3f >> more);
    for (let i = 0; i < more; i++) {
      const byte = this.#bytes[this.#at++]!;
      if ((byte & 0xc0) !== 0x80) throw this.corrupt("not UTF-8");
      point = (point << 6) | (byte & 63);
    }
    const least = more === 1 ? 0x80 : more === 2 ? 0x800 : 0x10000;
    if (point < least || point > 0x10ffff) throw this.corrupt("not UTF-8");
    return point;
  }
}
