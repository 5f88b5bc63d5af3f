// A network in memory, as small as the contract allows: a message is in the peer's inbox a
// microtask after it was sent, unless that inbox is full.

import {
  type ConnectOptions,
  Inbox,
  type Link,
  type Listener,
  RuntimeError,
  type Sent,
  type Transport,
} from "@compendium/runtime";

const MESSAGE_BYTES_MAX = 1_024;
const QUEUE_BYTES_MAX = 4_096;

export class MemoryNetwork {
  readonly listeners: Map<string, (link: Link) => void> = new Map();

  /** The network as the node of that name sees it. */
  transport(name: string): Transport {
    return new MemoryTransport(this, name);
  }
}

class MemoryTransport implements Transport {
  readonly #network: MemoryNetwork;
  readonly #name: string;

  constructor(network: MemoryNetwork, name: string) {
    this.#network = network;
    this.#name = name;
  }

  async listen(address: string, accept: (link: Link) => void): Promise<Listener> {
    const { listeners } = this.#network;
    if (listeners.has(address)) throw new RuntimeError("ADDRESS_IN_USE", `listen on ${address}`);
    listeners.set(address, accept);
    const close = async () => {
      listeners.delete(address);
    };
    return { address, close, [Symbol.asyncDispose]: close };
  }

  async connect(address: string, { signal }: ConnectOptions = {}): Promise<Link> {
    signal?.throwIfAborted();
    await null;
    signal?.throwIfAborted();
    const accept = this.#network.listeners.get(address);
    if (accept === undefined) throw new RuntimeError("CONNECT_FAILED", `connect to ${address}`);
    const near = new MemoryLink(address);
    const far = new MemoryLink(this.#name);
    near.other = far;
    far.other = near;
    accept(far);
    return near;
  }
}

class MemoryLink implements Link {
  readonly peer: string;
  readonly closed: Promise<Error | undefined>;
  other: MemoryLink | undefined;
  readonly #inbox: Inbox = new Inbox({
    bytesMax: QUEUE_BYTES_MAX,
    onRoom: () => this.#resume(),
  });
  readonly #queue: Uint8Array[] = [];
  readonly #waiters = new Set<() => void>();
  #paused = false;
  #open = true;
  #resolveClosed!: (fault: Error | undefined) => void;

  constructor(peer: string) {
    this.peer = peer;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  send(message: Uint8Array): Sent {
    if (message.length > MESSAGE_BYTES_MAX) {
      const { length } = message;
      throw new RangeError(`message must have at most ${MESSAGE_BYTES_MAX} bytes, got ${length}`);
    }
    if (!this.#open) return "closed";
    if (this.#queuedBytes() + message.length > QUEUE_BYTES_MAX) return "full";
    this.#queue.push(message);
    queueMicrotask(() => this.flush());
    return "queued";
  }

  #queuedBytes(): number {
    return this.#queue.reduce((sum, { length }) => sum + length, 0);
  }

  flush(): void {
    while (this.#queue.length > 0 && this.other?.paused === false) {
      this.other.deliver(this.#queue.shift() as Uint8Array);
    }
    if (!this.#open || this.#queuedBytes() * 2 <= QUEUE_BYTES_MAX) this.#wake();
  }

  #resume(): void {
    this.#paused = false;
    this.other?.flush();
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
    this.#waiters.clear();
  }

  drained({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (signal?.aborted) reject(signal.reason);
    this.#waiters.add(resolve);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    this.flush();
    return promise;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#inbox[Symbol.asyncIterator]();
  }

  async close(): Promise<void> {
    for (const message of this.#queue.splice(0)) this.other?.deliver(message);
    this.destroy();
  }

  deliver(message: Uint8Array): void {
    this.#paused = !this.#inbox.push(message);
  }

  get paused(): boolean {
    return this.#paused;
  }

  destroy(): void {
    this.#inbox.discard();
    this.end();
    this.other?.end();
  }

  end(): void {
    this.#open = false;
    this.#inbox.end();
    this.#wake();
    this.#resolveClosed(undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
