// A request's body between the two connections: what has come, and how far each attempt has sent
// it. As long as the request may have to be sent again, all of it is kept; keeping ends at a bound,
// and with it the possibility of another attempt, so that memory never depends on how much a client
// sends. Nor on how small its pieces are: those that nobody has sent yet are joined, and there is a
// bound for the others.
import type { ClientStream } from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";

interface DataPart {
  chunk: Uint8Array;
  end: boolean;
  /** What small pieces are put together in. */
  room: Uint8Array | undefined;
}

type Part = DataPart | { readonly trailers: Fields };

const smallBytes = 1_024;
const roomBytes = 8_192;
// What one costs besides its bytes is some 256 of them: 64 KiB for all.
const partsMax = 256;

/** The body of one request, in parts. */
export class RequestBody {
  readonly #keptBytesMax: number;
  readonly #readers: BodyReader[] = [];
  #parts: Part[] = [];
  // Parts that are gone: the first that is here has this number.
  #gone = 0;
  #bytes = 0;
  #isKept = true;
  #hasEnded = false;
  #isEmpty = false;
  #hasTrailers = false;

  /** @param keptBytesMax beyond it nothing is kept, and the request is sent once */
  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** Whether all of it has come. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether all of it has come and been sent, and nothing of it is kept. */
  get isDrained(): boolean {
    return this.#hasEnded && !this.#isKept && this.#parts.length === 0;
  }

  /** Whether the request ended with its head. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Whether trailers ended it. */
  get hasTrailers(): boolean {
    return this.#hasTrailers;
  }

  /** Whether it could be sent from the beginning. */
  get canRewind(): boolean {
    return this.#isKept || (this.#gone === 0 && this.#readers.length === 0);
  }

  /** Bytes that wait here or are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a part of the body. */
  addData(chunk: Uint8Array, end: boolean): void {
    this.#hasEnded = end;
    this.#bytes += chunk.length;
    if (!this.#extendLast(chunk, end)) this.#parts.push({ chunk, end, room: undefined });
    const isTooMuch = this.#bytes > this.#keptBytesMax || this.#parts.length > partsMax;
    if (this.#isKept && isTooMuch) this.stopKeeping();
  }

  /** Takes the trailers, and with them the end. */
  addTrailers(trailers: Fields): void {
    this.#hasEnded = true;
    this.#hasTrailers = true;
    this.#parts.push({ trailers });
  }

  /** There was no body. */
  endWithHead(): void {
    this.#isEmpty = true;
    this.#hasEnded = true;
  }

  /** Somebody who sends all of it, from the beginning, which must be here still. */
  read(): BodyReader {
    const reader = new BodyReader(this);
    this.#readers.push(reader);
    return reader;
  }

  /** What everybody has sent is not needed any more. */
  stopKeeping(): void {
    this.#isKept = false;
    this.#dropSent();
  }

  /** For a reader: the part of this number, if it is there already. */
  partAt(number: number): Part | undefined {
    return this.#parts[number - this.#gone];
  }

  /** For a reader: it has sent what there was. */
  sent(): void {
    if (!this.#isKept) this.#dropSent();
  }

  /** For a reader: it is done with. */
  forget(reader: BodyReader): void {
    const at = this.#readers.indexOf(reader);
    if (at !== -1) this.#readers.splice(at, 1);
    if (!this.#isKept) this.#dropSent();
  }

  // Whether it went into the part before it, which nobody must have sent.
  #extendLast(chunk: Uint8Array, end: boolean): boolean {
    const last = this.#parts.at(-1);
    if (chunk.length > smallBytes || last === undefined || "trailers" in last) return false;
    const length = last.chunk.length + chunk.length;
    if (length > roomBytes) return false;
    const number = this.#gone + this.#parts.length - 1;
    for (const { position } of this.#readers) if (position > number) return false;
    if (last.room === undefined) {
      last.room = Buffer.allocUnsafeSlow(roomBytes);
      last.room.set(last.chunk);
    }
    last.room.set(chunk, last.chunk.length);
    last.chunk = last.room.subarray(0, length);
    last.end = end;
    return true;
  }

  #dropSent(): void {
    let sent = Number.POSITIVE_INFINITY;
    for (const { position } of this.#readers) sent = Math.min(sent, position);
    // Nobody reads: either nobody has begun, and all of it is needed, or everybody has ended.
    if (sent === Number.POSITIVE_INFINITY || sent === this.#gone) return;
    for (const part of this.#parts.splice(0, sent - this.#gone)) {
      this.#bytes -= "chunk" in part ? part.chunk.length : 0;
    }
    this.#gone = sent;
  }
}

/** How far one attempt has sent a body. */
export class BodyReader implements Disposable {
  readonly #body: RequestBody;
  #position = 0;
  #hasEnded = false;

  constructor(body: RequestBody) {
    this.#body = body;
  }

  /** Whether all of it has been sent. */
  get hasEnded(): boolean {
    return this.#hasEnded || this.#body.isEmpty;
  }

  /** The number of the part that comes next. */
  get position(): number {
    return this.#position;
  }

  /** Sends what has not been sent, as long as the stream takes it; whether it takes more. */
  sendTo(stream: ClientStream): boolean {
    let isWritable = true;
    while (isWritable) {
      const part = this.#body.partAt(this.#position);
      if (part === undefined) break;
      this.#position++;
      this.#hasEnded = "trailers" in part || part.end;
      if ("trailers" in part) stream.sendTrailers(part.trailers);
      else isWritable = stream.sendData(part.chunk, part.end);
    }
    this.#body.sent();
    return isWritable;
  }

  [Symbol.dispose](): void {
    this.#body.forget(this);
  }
}
