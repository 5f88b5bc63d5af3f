// Links within a process: for tests, and for nodes that live together. Messages arrive in order, in
// later turns, and each end has a bounded queue: like a network that is quick and never fails.
import {
  type ConnectOptions,
  Inbox,
  type Link,
  type Listener,
  RuntimeError,
  type Sent,
  type Transport,
} from "@compendium/runtime";

/** Options of {@link MemoryNetwork}. */
export interface MemoryNetworkOptions {
  /** The largest message in bytes. Default 4 MiB. */
  readonly messageBytesMax?: number;
  /** What may wait to be iterated over at one end, in bytes. Default 4 MiB. */
  readonly inboxBytesMax?: number;
}

/** A network inside this process. An address is any string. */
export class MemoryNetwork implements Transport {
  readonly #options: Required<MemoryNetworkOptions>;
  readonly #listeners: Map<string, (link: Link) => void> = new Map();

  constructor(options: MemoryNetworkOptions = {}) {
    const { messageBytesMax = 2 ** 22, inboxBytesMax = 2 ** 22 } = options;
    this.#options = { messageBytesMax, inboxBytesMax };
  }

  async listen(address: string, accept: (link: Link) => void): Promise<Listener> {
    if (this.#listeners.has(address)) {
      throw new RuntimeError("ADDRESS_IN_USE", `listen on ${address}`);
    }
    this.#listeners.set(address, accept);
    const close = async (): Promise<void> => {
      if (this.#listeners.get(address) === accept) this.#listeners.delete(address);
    };
    return { address, close, [Symbol.asyncDispose]: close };
  }

  async connect(address: string, { signal }: ConnectOptions = {}): Promise<Link> {
    signal?.throwIfAborted();
    const accept = this.#listeners.get(address);
    if (accept === undefined) throw new RuntimeError("CONNECT_FAILED", `connect to ${address}`);
    const near = new MemoryLink(address, this.#options);
    const far = new MemoryLink("memory", this.#options);
    MemoryLink.join(near, far);
    accept(far);
    return near;
  }
}

class MemoryLink implements Link {
  readonly peer: string;
  readonly closed: Promise<Error | undefined>;
  readonly #messageBytesMax: number;
  readonly #inbox: Inbox;
  readonly #gone = Promise.withResolvers<Error | undefined>();
  #other!: MemoryLink;
  #isOpen = true;
  #isFull = false;
  #waiters: (() => void)[] = [];

  constructor(peer: string, { messageBytesMax, inboxBytesMax }: Required<MemoryNetworkOptions>) {
    this.peer = peer;
    this.closed = this.#gone.promise;
    this.#messageBytesMax = messageBytesMax;
    this.#inbox = new Inbox({ bytesMax: inboxBytesMax, onRoom: () => this.#hasRoom() });
  }

  static join(near: MemoryLink, far: MemoryLink): void {
    near.#other = far;
    far.#other = near;
  }

  send(message: Uint8Array): Sent {
    if (message.length > this.#messageBytesMax) {
      const { length } = message;
      throw new RangeError(
        `message must have at most ${this.#messageBytesMax} bytes, got ${length}`,
      );
    }
    if (!this.#isOpen) return "closed";
    if (this.#other.#isFull) return "full";
    this.#other.#isFull = !this.#other.#inbox.push(message);
    return "queued";
  }

  drained({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (!this.#isOpen || !this.#other.#isFull) return resolve();
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#waiters.push(resolve);
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#inbox[Symbol.asyncIterator]();
  }

  async close(): Promise<void> {
    this.destroy();
  }

  destroy(): void {
    if (!this.#isOpen) return;
    this.#inbox.discard();
    this.#end();
    this.#other.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #hasRoom(): void {
    this.#isFull = false;
    this.#other.#wake();
  }

  #end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#inbox.end();
    this.#wake();
    this.#gone.resolve(undefined);
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}
