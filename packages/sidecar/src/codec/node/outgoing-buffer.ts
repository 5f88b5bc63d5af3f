// What waits to be written in one direction of a stream: how much, and when there is room again.
// Node's own marks are set by whoever makes the socket and are the same for all; this one is the
// configuration's, and counts bytes until they have left for the kernel (HTTP/1.1), or for it by
// the client's window (HTTP/2). Like Envoy's it has two marks: full at the limit, room again at the
// half of it, so that the sender is not woken for every byte.

// However few bytes they have: a chunk costs objects of its own, and of node's three in HTTP/1.1. A
// megabyte byte by byte would be most of a gigabyte.
const chunksMax = 2_048;

/** What a buffer tells. */
export interface BufferEvents {
  /** Bytes have left. */
  onLeft(): void;
  /** It was full, and is half empty. */
  onRoom(): void;
}

interface Sink {
  write(chunk: Uint8Array, done: (error?: Error | null) => void): boolean;
}

/** The bytes of one direction. */
export class OutgoingBuffer {
  readonly #bytesMax: number;
  readonly #events: BufferEvents;
  #bytes = 0;
  #chunks = 0;
  #isFull = false;

  constructor(bytesMax: number, events: BufferEvents) {
    this.#bytesMax = bytesMax;
    this.#events = events;
  }

  /** Gives it to the sink; whether there is room for more. */
  write(sink: Sink, chunk: Uint8Array): boolean {
    const { length } = chunk;
    this.#bytes += length;
    this.#chunks++;
    this.#isFull ||= this.#bytes >= this.#bytesMax || this.#chunks >= chunksMax;
    sink.write(chunk, () => this.#onLeft(length));
    return !this.#isFull;
  }

  #onLeft(length: number): void {
    this.#bytes -= length;
    this.#chunks--;
    this.#events.onLeft();
    if (!this.#isFull || this.#bytes > this.#bytesMax / 2 || this.#chunks > chunksMax / 2) return;
    this.#isFull = false;
    this.#events.onRoom();
  }
}
