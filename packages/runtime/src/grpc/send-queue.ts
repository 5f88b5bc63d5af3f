// What waits to be sent over a link, with a limit. Nothing is dropped: the sender is told that
// there is no room, and can be told when there is some again.
import { FRAME_MESSAGES_MAX, itemBytes } from "./frame.ts";

// What a waiting message costs beside its bytes; else empty messages would be free, and endless.
const MESSAGE_OVERHEAD_BYTES = 64;

/** Messages that leave together. */
export interface Batch {
  readonly messages: readonly Uint8Array[];
  /** What they take in a frame. */
  readonly bytes: number;
  /** What to {@link SendQueue.release} once they have left. */
  readonly cost: number;
}

/** A bounded queue of messages. */
export class SendQueue {
  readonly #bytesMax: number;
  #messages: Uint8Array[] = [];
  // Invariant: what waits is messages[head..].
  #head = 0;
  // Invariant: the cost of what waits, and of what was taken and not yet released.
  #bytes = 0;
  #closed = false;
  readonly #waiters = new Set<() => void>();

  /** @param bytesMax what may wait, with what a message costs beside its bytes */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#head === this.#messages.length;
  }

  /** Adds a message. False if there is no room; an empty queue takes any. */
  push(message: Uint8Array): boolean {
    const cost = message.length + MESSAGE_OVERHEAD_BYTES;
    if (this.#bytes > 0 && this.#bytes + cost > this.#bytesMax) return false;
    this.#bytes += cost;
    this.#messages.push(message);
    return true;
  }

  /** The first message, and those after it that still fit into a frame of so many bytes. */
  take(frameBytesMax: number): Batch {
    const from = this.#head;
    const last = Math.min(this.#messages.length, from + FRAME_MESSAGES_MAX);
    let [bytes, cost] = [0, 0];
    let to = from;
    for (; to < last; to++) {
      const message = this.#messages[to] as Uint8Array;
      const more = itemBytes(message);
      if (to > from && bytes + more > frameBytesMax) break;
      bytes += more;
      cost += message.length + MESSAGE_OVERHEAD_BYTES;
    }
    const messages = this.#messages.slice(from, to);
    this.#head = to;
    // Moving the rest forward only when half is gone keeps a take at O(1) a message on average.
    if (this.#head * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#head);
      this.#head = 0;
    }
    return { messages, bytes, cost };
  }

  /** Gives the room back that was taken. */
  release(cost: number): void {
    this.#bytes -= cost;
    if (this.#bytes * 2 <= this.#bytesMax) this.#wake();
  }

  /** Resolves when the queue is at most half full, or closed. */
  drained({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#closed || this.#bytes * 2 <= this.#bytesMax) return resolve();
      const waiter = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#waiters.delete(waiter);
        reject(signal?.reason);
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Nobody waits for room any more. What is in the queue can still be taken. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** Drops what waits. */
  clear(): void {
    this.#messages = [];
    this.#head = 0;
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
    this.#waiters.clear();
  }
}
