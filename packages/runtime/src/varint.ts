// Numbers as LEB128, as protobuf writes them: seven bits a byte, least significant first, the top
// bit for "more follows". Small ones are short. Up to 2^53 - 1, as all numbers here are.
//
// Reading trusts nothing: a number ends within what there is, and below 2^53. Whoever reads asks
// once, at the end, whether all went well.

/** How many bytes a number takes: 1 to 8. */
export function numberBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Writes a number, and returns where the next byte goes. */
export function putNumber(into: Uint8Array, at: number, value: number): number {
  let rest = value;
  let next = at;
  // Shifts are of 32 bits; above that, divisions.
  for (; rest >= 0x80000000; rest = Math.floor(rest / 128)) into[next++] = (rest % 128) | 128;
  for (; rest >= 128; rest >>>= 7) into[next++] = (rest & 127) | 128;
  into[next++] = rest;
  return next;
}

/** Reads one thing after the other, up to an end. Once something is wrong, `failed` stays true. */
export class Cursor {
  /** What is read. */
  readonly bytes: Uint8Array;
  /** Where the next byte is. Never above `end`. */
  at: number;
  /** Where it ends. */
  readonly end: number;
  /** Whether something was wrong: too short, or a number above 2^53 - 1. What was read is void. */
  failed = false;

  /** Reads `bytes[from]` up to, and without, `bytes[to]`. */
  constructor(bytes: Uint8Array, from: number, to: number) {
    this.bytes = bytes;
    this.at = from;
    this.end = to;
  }

  /** A byte; 0 when there is none. */
  byte(): number {
    if (this.at < this.end) return this.bytes[this.at++] as number;
    this.failed = true;
    return 0;
  }

  /** A number as {@link putNumber} writes it; 0 when there is none. */
  number(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) this.failed = true;
        return value;
      }
    }
    this.failed = true;
    return 0;
  }

  /** A number of four bytes, least significant first. */
  word(): number {
    return this.byte() + this.byte() * 2 ** 8 + this.byte() * 2 ** 16 + this.byte() * 2 ** 24;
  }

  /** The next so many bytes, as a view; empty when there are fewer. */
  take(length: number): Uint8Array {
    if (length > this.end - this.at) {
      this.failed = true;
      return this.bytes.subarray(0, 0);
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** All that is left, as a view. */
  rest(): Uint8Array {
    return this.take(this.end - this.at);
  }

  /** Whether all of it was read, and all of it was right. */
  get isDone(): boolean {
    return !this.failed && this.at === this.end;
  }
}
