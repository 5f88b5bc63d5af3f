// A head that comes in pieces. Only what is new is searched, so that a client who sends a byte at a
// time costs a byte's work at a time; small pieces are put together now and then, so that they do
// not cost an object each.

const piecesMax = 32;

/** The beginning of a head whose end has not come. */
export class HeldHead {
  #pieces: Buffer[] = [];
  #bytes = 0;
  // The last three characters: the end of a head may lie across pieces.
  #tail = "";

  /** How much has come. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps what is in the chunk from `from`; whether every LF in it has its CR. */
  hold(chunk: Buffer, from: number): boolean {
    // A copy: the chunk is a view of a larger one that would stay alive with it.
    const piece = Buffer.from(chunk.subarray(from));
    const text = piece.toString("latin1");
    // Of the tail only the last character counts: what is before it has been looked at.
    const isSound = isEachLfBehindCr(this.#tail.slice(-1), text);
    if (this.#pieces.length === piecesMax) this.#pieces = [Buffer.concat(this.#pieces)];
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.#tail = (this.#tail + text).slice(-3);
    return isSound;
  }

  /** Where in the chunk the empty line ends that ends the head; -1 when it has not come. */
  endIn(chunk: Buffer, from: number): number {
    const tail = this.#tail;
    const at = (tail + chunk.toString("latin1", from)).indexOf("\r\n\r\n");
    return at === -1 ? -1 : from + at + 4 - tail.length;
  }

  /** All of it, with the last piece; it begins anew. */
  take(lastPiece: Buffer): Buffer {
    const whole = Buffer.concat([...this.#pieces, lastPiece]);
    this.#pieces = [];
    this.#bytes = 0;
    this.#tail = "";
    return whole;
  }
}

const isEachLfBehindCr = (before: string, text: string): boolean =>
  !(text.startsWith("\n") && before !== "\r") && !/[^\r]\n/.test(text);
