// Bytes, written and read.
//
//   frame   0xCD | version | tag | length of the body | body | CRC-32C of all before, 4 bytes
//
// Numbers are LEB128, in the fewest bytes. The length refuses every truncation for certain, the
// check every burst of up to 32 wrong bits. One value has one encoding and the reader takes no
// other, so that equal states have equal bytes, and a hash of them is a digest.
//
// Reading charges a budget for what it builds: 8 a number, and its length for a text. Nothing is
// stored without having been charged, and the format spends at least one byte of input for every
// 10 that are charged, so that a writer of hostile bytes buys no more memory than he sends.
import { CrdtError } from "../errors.ts";

/** The version of every encoding here; another one is refused. */
const VERSION = 1;
const MAGIC = 0xcd;
/** What a decoder may charge: this, and {@link BUDGET_PER_BYTE} for each byte of input. */
export const BUDGET_BYTES: number = 64 * 1024;
export const BUDGET_PER_BYTE = 10;

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

/** Puts a body into its frame. */
export function frame(tag: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new Writer();
  for (const byte of [MAGIC, VERSION, tag]) head.byte(byte);
  head.number(body.length);
  const start = head.done();
  const bytes = new Uint8Array(start.length + body.length + 4);
  bytes.set(start);
  bytes.set(body, start.length);
  const end = bytes.length - 4;
  const check = crc32c(bytes.subarray(0, end));
  for (let i = 0; i < 4; i++) bytes[end + i] = check >>> (8 * i);
  return bytes;
}

/** Takes the body out of its frame, or throws. */
export function unframe(bytes: Uint8Array): { readonly tag: number; readonly body: Reader } {
  if (bytes.length < 8 || bytes[0] !== MAGIC) throw new Reader(bytes).corrupt("no frame");
  const head = new Reader(bytes, 2);
  if (crc32c(bytes.subarray(0, bytes.length - 4)) !== wordAt(bytes, bytes.length - 4)) {
    throw head.corrupt("the check does not agree");
  }
  if (bytes[1] !== VERSION) throw new CrdtError("CRDT_VERSION", `version ${bytes[1]} is unknown`);
  const tag = head.byte();
  const length = head.number();
  if (length !== head.left - 4) throw head.corrupt("the length does not agree");
  const from = bytes.length - 4 - length;
  return { tag, body: new Reader(bytes, from, from + length) };
}

function wordAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

const TABLE = makeTable();

function makeTable(): Int32Array {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0x82f63b78 : 0);
    table[byte] = value;
  }
  return table;
}

/** The cyclic redundancy check with Castagnoli's polynomial (RFC 3720, appendix B.4). */
export function crc32c(bytes: Uint8Array): number {
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[at] as number)) & 255] as number);
  }
  return ~crc >>> 0;
}
