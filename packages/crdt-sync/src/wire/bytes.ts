// Bytes, written and read. Numbers are LEB128 in the fewest bytes; texts and byte strings have
// their length before them. A value has one encoding, and the reader takes no other.
import { CrdtSyncError } from "../errors.ts";
import { wordAt } from "./word.ts";

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes under construction. */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(128);
  #length = 0;

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** An integer in `[0, 2^53)`. */
  number(value: number): this {
    this.#reserve(8);
    let rest = value;
    // Shifts are of 32 bits; above that, divisions.
    for (; rest >= 0x80000000; rest = Math.floor(rest / 128)) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
    }
    for (; rest >= 128; rest >>>= 7) this.#bytes[this.#length++] = (rest & 127) | 128;
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** 32 bits, the lowest first. */
  word(value: number): this {
    this.#reserve(4);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.#length++] = value >>> shift;
    return this;
  }

  /** A well-formed string. */
  string(value: string): this {
    return this.blob(utf8.encode(value));
  }

  /** Bytes with their length before them. */
  blob(value: Uint8Array): this {
    return this.number(value.length).raw(value);
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** What has been written. */
  done(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Reads one thing after the other; what does not fit throws `SYNC_CORRUPT`. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** An integer in `[from, to]`. */
  number(from = 0, to: number = Number.MAX_SAFE_INTEGER): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      if (this.left === 0) throw this.corrupt("it ends too early");
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

  /** How many things follow, each of at least `bytesMin` bytes. */
  count(bytesMin: number, most: number = Number.MAX_SAFE_INTEGER): number {
    // Nothing is built for more things than the rest of the input can hold.
    return this.number(0, Math.min(most, Math.floor(this.left / bytesMin)));
  }

  /** 32 bits as an unsigned integer. */
  word(): number {
    if (this.left < 4) throw this.corrupt("it ends too early");
    this.#at += 4;
    return wordAt(this.#bytes, this.#at - 4) >>> 0;
  }

  /** A string of at most so many bytes. */
  string(bytesMax: number): string {
    try {
      return text.decode(this.blob(bytesMax));
    } catch (cause) {
      if (cause instanceof CrdtSyncError) throw cause;
      throw new CrdtSyncError("SYNC_CORRUPT", "a text is not UTF-8", { cause });
    }
  }

  /** Bytes with their length before them, as a view. */
  blob(bytesMax: number = Number.MAX_SAFE_INTEGER): Uint8Array {
    return this.raw(this.number(0, Math.min(bytesMax, this.left)));
  }

  /** So many bytes, as a view. */
  raw(length: number): Uint8Array {
    if (length > this.left) throw this.corrupt("it ends too early");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Refuses what is left over. */
  finish(): void {
    if (this.left > 0) throw this.corrupt("something follows the end");
  }

  /** An error that says why, and where. */
  corrupt(why: string): CrdtSyncError {
    return new CrdtSyncError("SYNC_CORRUPT", `byte ${this.#at}: ${why}`);
  }
}
