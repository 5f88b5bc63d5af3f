// What stands between a client's socket and node:http2: a stream that looks at each frame's head as
// it passes in either direction, and shuts when the client has passed a bound
// (../rules/http2-floods). node:http2 takes a socket's bytes below JavaScript, where nobody can see
// them any more; given a stream that is no socket it asks that stream instead, for some 3 µs of a
// request's time.
//
// When it shuts, it says GOAWAY itself, and swallows what still comes from either side: to close
// with unread bytes would make the kernel answer with a reset that overtakes the GOAWAY.
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Clock } from "@compendium/runtime";
import { type FrameHead, FrameScanner, prefaceBytes } from "../rules/frame-scanner.ts";
import { FloodGuard, type FloodLimits, type FloodReason } from "../rules/http2-floods.ts";

/** What a gate is made of. */
export interface GateOptions {
  readonly socket: Socket;
  readonly limits: FloodLimits;
  readonly clock: Clock;
  /** The client has passed a bound; the gate is shut. */
  readonly onFlood: (reason: FloodReason) => void;
  /** Bytes wait for the client, or none do any more. */
  readonly onWaiting: (isWaiting: boolean) => void;
}

const bufferBytes = 65_536;

const ENHANCE_YOUR_CALM = 11;
const lastStreamMax = 2 ** 31 - 1;

/** One client's bytes, both ways. */
export class Http2Gate extends Duplex {
  readonly #options: GateOptions;
  readonly #guard: FloodGuard;
  readonly #received = new FrameScanner(prefaceBytes);
  readonly #sent = new FrameScanner(0);
  #isShut = false;
  #owesNotice = false;
  #nowMs: number;
  #flood: FloodReason | undefined;

  constructor(options: GateOptions) {
    super({ highWaterMark: bufferBytes });
    this.#options = options;
    const { socket, limits, clock } = options;
    this.#nowMs = clock.now();
    this.#guard = new FloodGuard(limits, this.#nowMs);
    // They have nothing to say that the socket's end does not say.
    this.on("error", () => {});
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    // HTTP/2 has no half-open connections: a client that has closed its side is gone. An end that
    // were passed on would make node end the other side, and fail in the middle of its next write.
    socket.on("end", () => this.destroy());
  }

  /**
   * Announces that the connection will end (RFC 9113 §6.8). To be told of it, nghttp2 would send
   * the same frame and take no more requests from then on: those that the client has sent already
   * would wait for nothing.
   */
  announceShutdown(): void {
    this.#owesNotice = true;
    this.#sendNotice();
  }

  override _read(): void {
    this.#options.socket.resume();
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    if (!this.#lookAtSent(chunk)) return done();
    const { socket, onWaiting } = this.#options;
    onWaiting(true);
    socket.write(chunk, (error) => {
      onWaiting(false);
      done(error);
    });
    this.#sendNotice();
  }

  override _writev(
    chunks: { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    const { socket } = this.#options;
    socket.cork();
    const last = chunks.length - 1;
    for (let i = 0; i < last; i++) {
      if (this.#lookAtSent(chunks[i]!.chunk)) socket.write(chunks[i]!.chunk);
    }
    this._write(chunks[last]!.chunk, "buffer" as BufferEncoding, done);
    socket.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#options.socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { socket } = this.#options;
    if (this.#isShut) socket.resume();
    else socket.destroy();
    done(error);
  }

  // Between two frames; a large one may be on its way in parts.
  #sendNotice(): void {
    if (!this.#owesNotice || !this.#sent.isBetween || this.#isShut || this.writableEnded) return;
    this.#owesNotice = false;
    this.#options.socket.write(goaway(lastStreamMax, 0));
  }

  #onData(chunk: Buffer): void {
    if (this.#isShut || this.destroyed) return;
    this.#nowMs = this.#options.clock.now();
    if (this.#received.scan(chunk, this.#onReceived)) this.#shut(this.#sent.isBetween);
    else if (!this.push(chunk)) this.#options.socket.pause();
  }

  // Whether the chunk may leave.
  #lookAtSent(chunk: Buffer): boolean {
    if (this.#isShut) return false;
    this.#nowMs = this.#options.clock.now();
    const { isBetween } = this.#sent;
    if (this.#sent.scan(chunk, this.#onSent)) this.#shut(isBetween);
    return !this.#isShut;
  }

  readonly #onReceived = (head: FrameHead): boolean => {
    this.#flood = this.#guard.onReceived(head, this.#nowMs);
    return this.#flood !== undefined;
  };

  readonly #onSent = (head: FrameHead): boolean => {
    this.#flood = this.#guard.onSent(head, this.#nowMs);
    return this.#flood !== undefined;
  };

  #shut(isBetween: boolean): void {
    const { socket, onFlood } = this.#options;
    this.#isShut = true;
    // In the middle of a frame it would be taken for a part of that.
    if (isBetween) socket.write(goaway(this.#guard.lastStream, ENHANCE_YOUR_CALM));
    socket.end();
    onFlood(this.#flood!);
    this.destroy();
  }
}

// RFC 9113 §6.8: everything up to this stream may have been processed.
function goaway(lastStream: number, code: number): Buffer {
  const frame = Buffer.from("0000080700000000000000000000000000", "hex");
  frame.writeUInt32BE(lastStream, 9);
  frame.writeUInt32BE(code, 13);
  return frame;
}
