// A part that is too large for a message goes in pieces, one behind the other. Each has the check
// of all bytes up to its end, so that a piece that is lost, doubled or out of place is found with
// the next one, and not after the last of a thousand.

import { crc32c } from "@compendium/runtime";
import { CrdtSyncError } from "../errors.ts";
import { decodePart, encodePart } from "../wire/codec.ts";
import type { Limits } from "../wire/limits.ts";
import type { Part, Piece } from "../wire/part.ts";

/** Cuts a part. */
export class PieceWriter {
  readonly #part: Uint8Array;
  readonly #pieceBytes: number;
  #offset = 0;
  #check = 0;

  constructor(part: Uint8Array, pieceBytes: number) {
    this.#part = part;
    this.#pieceBytes = pieceBytes;
  }

  /** Whether all pieces have been taken. */
  get isDone(): boolean {
    return this.#offset === this.#part.length;
  }

  /** The next piece, as a part. */
  next(): Uint8Array {
    const offset = this.#offset;
    const bytes = this.#part.subarray(offset, offset + this.#pieceBytes);
    this.#check = crc32c(bytes, 0, bytes.length, this.#check);
    this.#offset += bytes.length;
    const { length: total } = this.#part;
    return encodePart({ type: "piece", total, offset, bytes, check: this.#check });
  }
}

/** Puts pieces together. Takes no more memory than has arrived. */
export class PieceReader {
  readonly #limits: Limits;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #total = 0;
  #check = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Whether a part has begun, and not ended. */
  get isBusy(): boolean {
    return this.#bytes > 0;
  }

  /** Takes a piece; the part, when it was the last. */
  add({ total, offset, bytes, check }: Piece): Exclude<Part, Piece> | undefined {
    if (this.#bytes === 0) this.#total = total;
    if (offset !== this.#bytes || total !== this.#total || bytes.length === 0) {
      throw new CrdtSyncError("SYNC_CORRUPT", `a piece at ${offset}, expected at ${this.#bytes}`);
    }
    if (offset + bytes.length > total) {
      throw new CrdtSyncError("SYNC_CORRUPT", "pieces that are more than the whole");
    }
    this.#check = crc32c(bytes, 0, bytes.length, this.#check);
    if (this.#check !== check) {
      throw new CrdtSyncError("SYNC_CORRUPT", "the check of a piece does not agree");
    }
    // A copy: a view would hold on to the whole message.
    this.#pieces.push(bytes.slice());
    this.#bytes += bytes.length;
    return this.#bytes === total ? this.#finish() : undefined;
  }

  #finish(): Exclude<Part, Piece> {
    const whole = new Uint8Array(this.#total);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [];
    this.#bytes = 0;
    this.#check = 0;
    return decodePart(whole, this.#limits) as Exclude<Part, Piece>;
  }
}
