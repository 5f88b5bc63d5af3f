// Where the frames of an HTTP/2 connection begin and what kind they are, read off the bytes as they
// pass (RFC 9113 §4.1). Nine bytes of each frame are looked at, and the length of its padding where
// it has any; payloads are counted and never kept. Pure: bytes in, frames out.

/** Types of frames (RFC 9113 §6). */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags that more than one type has; ACK (of SETTINGS and PING) is the bit of END_STREAM. */
export const END_STREAM = 0x1;
const PADDED = 0x8;

/** The beginning of a frame. */
export interface FrameHead {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  /** Of the payload, without its padding. */
  readonly length: number;
}

const headBytes = 9;
/** What a client begins with (RFC 9113 §3.4). */
export const prefaceBytes = 24;

/** Reads one direction of a connection, in order. */
export class FrameScanner {
  // Of the frame before, or of the preface: what is still to come.
  #left: number;
  // A head that lies across chunks; the tenth byte is the length of the padding.
  readonly #held = Buffer.alloc(headBytes + 1);
  #heldBytes = 0;

  /** @param skippedBytes what stands before the first frame */
  constructor(skippedBytes: number) {
    this.#left = skippedBytes;
  }

  /** Whether the next byte begins a frame. */
  get isBetween(): boolean {
    return this.#left === 0 && this.#heldBytes === 0;
  }

  /** Shows each frame that begins in the chunk, until `onFrame` answers true; whether it did. */
  scan(chunk: Uint8Array, onFrame: (head: FrameHead) => boolean): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, chunk.length - at);
        this.#left -= passed;
        at += passed;
        continue;
      }
      this.#held[this.#heldBytes++] = chunk[at++]!;
      const head = this.#takeHead();
      if (head !== undefined && onFrame(head)) return true;
    }
    return false;
  }

  #takeHead(): FrameHead | undefined {
    const held = this.#held;
    if (this.#heldBytes < headBytes) return undefined;
    const length = (held[0]! << 16) | (held[1]! << 8) | held[2]!;
    const type = held[3]!;
    const flags = held[4]!;
    // Padding is of DATA, HEADERS and PUSH_PROMISE alone (§6.1, §6.2, §6.6).
    const mayPad = type === frameTypes.data || type === frameTypes.headers;
    const isPadded = mayPad && (flags & PADDED) !== 0 && length > 0;
    if (isPadded && this.#heldBytes === headBytes) return undefined;
    const padding = isPadded ? held[headBytes]! + 1 : 0;
    this.#left = length - (this.#heldBytes - headBytes);
    this.#heldBytes = 0;
    const stream = ((held[5]! & 0x7f) << 24) | (held[6]! << 16) | (held[7]! << 8) | held[8]!;
    return { type, flags, stream, length: Math.max(length - padding, 0) };
  }
}
