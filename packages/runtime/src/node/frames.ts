// Messages on a byte stream: each is preceded by its length, four bytes, most significant first.
// TCP keeps the order of bytes but not the borders of writes, so that a message may arrive in any
// number of pieces, many at once, or with its length cut in two.
//
// The length comes from outside. It is checked before anything is allocated, and the buffer for a
// large message grows with what has arrived: a peer that announces 4 MiB and sends nothing costs
// nothing. A stray HTTP request reads as a length of 1.2 GB ("GET "), and is refused as that.

import { RuntimeError } from "../error.ts";

/** Bytes before each message. */
export const FRAME_HEADER_BYTES = 4;

/** The four bytes that precede a message of that length. */
export function frameHeader(length: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  new DataView(header.buffer).setUint32(0, length);
  return header;
}

// What a message's buffer begins with: enough for most, and cheap enough to be claimed by anyone.
const BUFFER_BYTES_MIN = 4_096;

/** Cuts a stream of bytes into messages. */
export class FrameDecoder {
  readonly #messageBytesMax: number;
  #headerBytes = 0;
  // Invariant: the length of the message under way once headerBytes is 4, and part of it before.
  #length = 0;
  #buffer: Uint8Array = new Uint8Array(0);
  // Invariant: filled <= buffer.length <= length while a message is under way.
  #filled = 0;

  /** @param messageBytesMax the largest message that is accepted */
  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /**
   * Takes the next bytes of the stream, in O(bytes), and returns the messages that they complete.
   * The messages are copies.
   *
   * @throws RuntimeError `FRAME_TOO_LARGE`; the stream cannot be continued then
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const messages: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#headerBytes < FRAME_HEADER_BYTES) {
        this.#length = this.#length * 256 + (bytes[at++] as number);
        this.#headerBytes++;
        if (this.#headerBytes === FRAME_HEADER_BYTES) this.#begin();
      } else {
        const end = Math.min(bytes.length, at + this.#length - this.#filled);
        this.#append(bytes.subarray(at, end));
        at = end;
      }
      if (this.#headerBytes === FRAME_HEADER_BYTES && this.#filled === this.#length) {
        messages.push(this.#finish());
      }
    }
    return messages;
  }

  /** True between two messages: the stream may end here without losing a part of one. */
  get idle(): boolean {
    return this.#headerBytes === 0;
  }

  #begin(): void {
    if (this.#length > this.#messageBytesMax) {
      const limit = this.#messageBytesMax;
      throw new RuntimeError(
        "FRAME_TOO_LARGE",
        `the peer announced a message of ${this.#length} bytes, at most ${limit} are accepted`,
      );
    }
    this.#buffer = new Uint8Array(Math.min(this.#length, BUFFER_BYTES_MIN));
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#filled + bytes.length;
    if (needed > this.#buffer.length) {
      // Doubling keeps the copying linear; never more than twice what has arrived.
      const larger = new Uint8Array(Math.min(this.#length, needed * 2));
      larger.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#filled);
    this.#filled = needed;
  }

  #finish(): Uint8Array {
    const message = this.#buffer;
    this.#buffer = new Uint8Array(0);
    this.#headerBytes = 0;
    this.#length = 0;
    this.#filled = 0;
    return message;
  }
}
