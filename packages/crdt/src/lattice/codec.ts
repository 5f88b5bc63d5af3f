// What states and trees are written with: numbers up to 2^53, doubles and names, where the columns
// of sequences (src/encoding) have 32-bit numbers and UTF-16 units. Numbers are LEB128, in the
// fewest bytes. One value has one encoding and the reader takes no other, so that equal states have
// equal bytes, and a hash of them is a digest. The frame around it is that of every encoding here.
//
// Reading charges a budget for what it builds: 8 a number, and its length for a text. Nothing is
// stored without having been charged, and the format spends at least one byte of input for every
// 10 that are charged, so that a writer of hostile bytes buys no more memory than he sends.
import { BUDGET_BYTES, BUDGET_PER_BYTE } from "../encoding/byte-reader.ts";
import { bodyOf, tagOf } from "../encoding/frame.ts";
import { CrdtError } from "../errors.ts";

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes under construction. */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(64);
  #length = 0;

  /** One byte. */
  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /** An integer in `[0, 2^53)`. */
  number(value: number): void {
    if (this.#length + 8 > this.#bytes.length) this.#grow(8);
    let rest = value;
    // Shifts are of 32 bits; above that, divisions.
    for (; rest >= 0x80000000; rest = Math.floor(rest / 128)) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
    }
    for (; rest >= 128; rest >>>= 7) this.#bytes[this.#length++] = (rest & 127) | 128;
    this.#bytes[this.#length++] = rest;
  }

  /** An integer of either sign, the small ones short: 0, -1, 1, -2 … are 0, 1, 2, 3 …. */
  signed(value: number): void {
    // Twice the magnitude of a 53-bit number does not fit: the sign has a bit of the first byte.
    const magnitude = value < 0 ? -value - 1 : value;
    const low = magnitude % 64;
    const rest = (magnitude - low) / 64;
    this.byte(low | (value < 0 ? 64 : 0) | (rest > 0 ? 128 : 0));
    if (rest > 0) this.number(rest);
  }

  /** An IEEE double. */
  double(value: number): void {
    if (this.#length + 8 > this.#bytes.length) this.#grow(8);
    const view = new DataView(this.#bytes.buffer, this.#length, 8);
    view.setFloat64(0, value, true);
    if (Number.isNaN(value)) view.setBigUint64(0, 0x7ff80000_00000000n, true);
    this.#length += 8;
  }

  /** A well-formed string, as its length in bytes and UTF-8. */
  string(value: string): void {
    if (value.length < 64 && this.#ascii(value)) return;
    const encoded = utf8.encode(value);
    this.number(encoded.length);
    this.bytes(encoded);
  }

  /** Bytes as they are. */
  bytes(value: Uint8Array): void {
    if (this.#length + value.length > this.#bytes.length) this.#grow(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** What has been written. */
  done(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  // A call of the encoder costs more than writing what nearly every key and name is.
  #ascii(value: string): boolean {
    const { length } = value;
    if (this.#length + length + 1 > this.#bytes.length) this.#grow(length + 1);
    const from = this.#length + 1;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 127) return false;
      this.#bytes[from + i] = unit;
    }
    this.#bytes[this.#length] = length;
    this.#length = from + length;
    return true;
  }

  #grow(by: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + by));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Reads one thing after the other. What does not fit throws {@link CrdtError}. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;
  #budget: number;

  constructor(bytes: Uint8Array, from = 0, to: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = to;
    this.#budget = BUDGET_BYTES + BUDGET_PER_BYTE * bytes.length;
  }

  /** How many bytes are left to read. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** Pays for memory that is about to be taken. */
  charge(bytes: number): void {
    this.#budget -= bytes;
    if (this.#budget < 0) throw new CrdtError("CRDT_BUDGET", "more is described than was sent");
  }

  /** One byte. */
  byte(): number {
    if (this.#at >= this.#end) throw this.corrupt("it ends too early");
    this.charge(8);
    return this.#bytes[this.#at++] as number;
  }

  /** An integer in `[from, to]`, in the fewest bytes. */
  number(from = 0, to: number = Number.MAX_SAFE_INTEGER): number {
    this.charge(8);
    let value = 0;
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      if (this.#at >= this.#end) throw this.corrupt("it ends too early");
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (byte === 0 && scale > 1) throw this.corrupt("a number is padded");
        if (value < from || value > to) throw this.corrupt(`${value} is not in [${from}, ${to}]`);
        return value;
      }
    }
    throw this.corrupt("a number does not end");
  }

  /** An integer of either sign, safe. */
  signed(): number {
    const first = this.byte();
    const rest = first >= 128 ? this.number(1, 2 ** 47) : 0;
    const magnitude = (first & 63) + rest * 64;
    const value = first & 64 ? -magnitude - 1 : magnitude;
    if (!Number.isSafeInteger(value)) throw this.corrupt("a number is too large");
    return value;
  }

  /** How many things follow, each of which takes `bytesMin` bytes at least. */
  count(bytesMin: number): number {
    // Nothing is allocated for more things than the rest of the input can hold.
    return this.number(0, Math.floor(this.left / bytesMin));
  }

  /** An IEEE double. */
  double(): number {
    this.charge(8);
    if (this.left < 8) throw this.corrupt("it ends too early");
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, 8);
    this.#at += 8;
    const value = view.getFloat64(0, true);
    // There are 2^53 - 2 ways of writing NaN; one is enough.
    const isPlain = view.getUint32(0, true) === 0 && view.getUint32(4, true) === 0x7ff80000;
    if (Number.isNaN(value) && !isPlain) throw this.corrupt("not a number in another form");
    return value;
  }

  /** A string. */
  string(bytesMax: number): string {
    const length = this.number(0, Math.min(bytesMax, this.left));
    this.charge(length);
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    try {
      return text.decode(part);
    } catch (cause) {
      throw new CrdtError("CRDT_CORRUPT", "a text is not UTF-8", { cause });
    }
  }

  /** Refuses what is left over. */
  finish(): void {
    if (this.#at !== this.#end) throw this.corrupt("something follows the end");
  }

  /** An error that says why, and where. */
  corrupt(why: string): CrdtError {
    return new CrdtError("CRDT_CORRUPT", `byte ${this.#at}: ${why}`);
  }
}

/** A reader of what is in a frame, with its tag; or throws. */
export function unframe(bytes: Uint8Array): { readonly tag: number; readonly body: Reader } {
  const { position, left } = bodyOf(bytes);
  return { tag: tagOf(bytes), body: new Reader(bytes, position, position + left) };
}
