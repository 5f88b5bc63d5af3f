// A response's body on its way through gzip. Compression runs beside the event loop, chunk after
// chunk; whenever there is nothing more to compress, what has been is flushed (Z_SYNC_FLUSH), so
// that an event of a stream that is open for hours does not wait for the next one. Under a steady
// flow nothing is idle, and nothing is lost to flushes.
//
//     upstream ── sendData ─▶ [ waiting input │ deflate │ waiting output ] ── sendData ─▶ client
//                 false: 16 KiB wait                                          false: paused
//
// A client that does not read stops the output, which stops the compressor, which stops the
// upstream. So a stage has at most the state of deflate (256 KiB), and some 16 KiB and a chunk on
// each side of it.
import { constants, createGzip, type Gzip } from "node:zlib";
import type { ResponseHead } from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import type { ResponseSink, ResponseStage } from "./http-filter.ts";

/** What a stage needs. */
export interface GzipStageOptions {
  readonly next: ResponseSink;
  /** More may be given again. */
  readonly onReady: () => void;
  /** Bytes before and after, as they pass. */
  readonly numbers: { totalUncompressedBytes: number; totalCompressedBytes: number };
  /** It holds nothing any more. Once. */
  readonly onOver: () => void;
}

const empty = new Uint8Array();

/** Compresses one body. */
export class GzipStage implements ResponseStage {
  readonly #options: GzipStageOptions;
  readonly #gzip: Gzip = createGzip();
  // What may be the last part: it leaves with the end, and no empty one has to follow it.
  #last: Uint8Array | undefined;
  #trailers: Fields | undefined;
  #isFull = false;
  // Whether something has been written that no flush has followed.
  #isDirty = false;
  #isOver = false;

  constructor(options: GzipStageOptions) {
    this.#options = options;
    this.#gzip.on("data", this.#onData);
    this.#gzip.on("drain", this.#onDrain);
    this.#gzip.on("end", this.#onEnd);
    // For want of memory, and for nothing else. What the client has cannot be taken back; that
    // nothing more comes ends the stream by its idle timer.
    this.#gzip.on("error", () => this.abort());
  }

  sendHead(head: ResponseHead, end: boolean): void {
    this.#options.next.sendHead(head, end);
  }

  sendData(chunk: Uint8Array, end: boolean): boolean {
    this.#options.numbers.totalUncompressedBytes += chunk.length;
    if (end) {
      this.#gzip.end(chunk);
      return true;
    }
    if (chunk.length === 0 || this.#isOver) return !this.#isFull;
    this.#isDirty = true;
    this.#isFull = !this.#gzip.write(chunk, this.#onWritten);
    return !this.#isFull;
  }

  sendTrailers(fields: Fields): void {
    this.#trailers = fields;
    this.#gzip.end();
  }

  onWritable(): boolean {
    if (!this.#isOver) this.#gzip.resume();
    return !this.#isFull;
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#gzip.destroy();
    this.#options.onOver();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isOver) return;
    const { next, numbers } = this.#options;
    numbers.totalCompressedBytes += chunk.length;
    let part: Uint8Array | undefined = chunk;
    if (this.#gzip.writableEnded) {
      part = this.#last;
      this.#last = chunk;
    }
    if (part !== undefined && !next.sendData(part, false)) this.#gzip.pause();
  };

  // Nothing waits behind what has just been compressed.
  readonly #onWritten = (error?: Error | null): void => {
    const gzip = this.#gzip;
    if (error || !this.#isDirty || gzip.writableLength > 0 || gzip.writableEnded) return;
    this.#isDirty = false;
    gzip.flush(constants.Z_SYNC_FLUSH);
  };

  readonly #onDrain = (): void => {
    if (this.#isOver) return;
    this.#isFull = false;
    this.#options.onReady();
  };

  readonly #onEnd = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onOver();
    const { next } = this.#options;
    if (this.#trailers === undefined) {
      next.sendData(this.#last ?? empty, true);
      return;
    }
    if (this.#last !== undefined) next.sendData(this.#last, false);
    next.sendTrailers(this.#trailers);
  };
}
