// Bytes between two sockets, in both directions, as they come. Each direction ends on its own: what
// one side has ended is ended towards the other, and the other direction goes on (RFC 9293 §3.6).
//
// What one side does not take in time waits here, up to a limit; then the other is not read until
// half of it has left (Envoy's watermarks). A side that breaks takes the other with it, by a reset
// where that can be: a stream that was cut short must not look like one that has ended.
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** What a relay needs. */
export interface RelayOptions {
  readonly downstream: Socket;
  readonly upstream: Socket;
  /** What may wait in one direction, besides what was being read when it was reached. */
  readonly bufferBytesMax: number;
  /** Some bytes have come. */
  readonly onActivity: () => void;
  /** Both sockets are closed; which of them broke, if one did. */
  readonly onEnd: (broken: "downstream" | "upstream" | undefined) => void;
}

/** Two sockets that are connected to each other. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #there: Direction;
  readonly #back: Direction;
  #open = 2;
  #broken: "downstream" | "upstream" | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    const { downstream, upstream, bufferBytesMax, onActivity } = options;
    this.#there = new Direction(downstream, upstream, bufferBytesMax, onActivity);
    this.#back = new Direction(upstream, downstream, bufferBytesMax, onActivity);
    downstream.once("close", () => this.#onClose("downstream", downstream, upstream));
    upstream.once("close", () => this.#onClose("upstream", upstream, downstream));
  }

  /** Bytes that came from the client. */
  get bytesReceived(): number {
    return this.#there.bytes;
  }

  /** Bytes that came from upstream. */
  get bytesSent(): number {
    return this.#back.bytes;
  }

  /** Ends both. */
  destroy(): void {
    this.#options.downstream.destroy();
    this.#options.upstream.destroy();
  }

  #onClose(side: "downstream" | "upstream", socket: Socket, other: Socket): void {
    const isWhole = socket.readableEnded && socket.writableFinished;
    // The other's close after it is only the consequence.
    if (this.#open === 2 && !isWhole) {
      this.#broken = side;
      reset(other);
    }
    this.#open--;
    if (this.#open === 0) this.#options.onEnd(this.#broken);
  }
}

class Direction {
  bytes = 0;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #max: number;
  #isPaused = false;

  constructor(from: Socket, to: Socket, bufferBytesMax: number, onActivity: () => void) {
    this.#from = from;
    this.#to = to;
    this.#max = bufferBytesMax;
    from.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length;
      onActivity();
      to.write(chunk, this.#onWritten);
      if (to.writableLength < this.#max) return;
      this.#isPaused = true;
      from.pause();
    });
    from.on("end", () => to.end());
  }

  readonly #onWritten = (): void => {
    if (!this.#isPaused || this.#to.writableLength > this.#max / 2) return;
    this.#isPaused = false;
    this.#from.resume();
  };
}

function reset(socket: Socket): void {
  // TLS says that it ends before it does (RFC 8446 §6.1), so that a bare close is enough.
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
