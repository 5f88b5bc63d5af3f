// A request's body between the two connections: what has come and not gone yet, and, as long as the
// request may have to be sent again, what has gone already. Keeping ends at a bound, and with it
// the possibility of another attempt; memory never depends on how much a client sends.
import type { ClientStream } from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";

type Part = { readonly chunk: Uint8Array; readonly end: boolean } | { readonly trailers: Fields };

/** The body of one request, in parts. */
export class RequestBody {
  readonly #keptBytesMax: number;
  #parts: Part[] = [];
  // Invariant: 0 <= next <= parts.length; parts before `next` have been sent to this attempt.
  #next = 0;
  #bytes = 0;
  #isKept = true;
  #hasEnded = false;
  #isEmpty = false;

  /** @param keptBytesMax beyond it nothing is kept, and the request is sent once */
  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** Whether all of it has come. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether the request ended with its head. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Whether it could be sent from the beginning. */
  get canRewind(): boolean {
    return this.#isKept;
  }

  /** Bytes that wait here or are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a part of the body. */
  addData(chunk: Uint8Array, end: boolean): void {
    this.#hasEnded = end;
    this.#bytes += chunk.length;
    this.#parts.push({ chunk, end });
    if (this.#bytes > this.#keptBytesMax) this.stopKeeping();
  }

  /** Takes the trailers, and with them the end. */
  addTrailers(trailers: Fields): void {
    this.#hasEnded = true;
    this.#parts.push({ trailers });
  }

  /** There was no body. */
  endWithHead(): void {
    this.#isEmpty = true;
    this.#hasEnded = true;
  }

  /** Sends what has not been sent; whether more may follow now. */
  sendTo(stream: ClientStream): boolean {
    let isWritable = true;
    while (this.#next < this.#parts.length) {
      const part = this.#parts[this.#next++]!;
      if ("trailers" in part) stream.sendTrailers(part.trailers);
      else isWritable = stream.sendData(part.chunk, part.end);
    }
    if (!this.#isKept) this.#dropSent();
    return isWritable;
  }

  /** Begins again for another attempt. */
  rewind(): void {
    this.#next = 0;
  }

  /** What has been sent is not needed any more. */
  stopKeeping(): void {
    this.#isKept = false;
    this.#dropSent();
  }

  #dropSent(): void {
    if (this.#next === 0) return;
    for (let i = 0; i < this.#next; i++) {
      const part = this.#parts[i]!;
      this.#bytes -= "chunk" in part ? part.chunk.length : 0;
    }
    this.#parts = this.#parts.slice(this.#next);
    this.#next = 0;
  }
}
