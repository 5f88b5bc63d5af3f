// A link over something that takes messages and says when they have left: a socket of ws. Both
// directions are bounded here: what waits to leave by `queueBytesMax`, what waits to be
// iterated by `inboxBytesMax`; when that is full, the wire is told to stop reading, and the peer
// feels it.
import { Inbox, type Link, RuntimeError, type Sent } from "@compendium/runtime";

/** What carries the messages of a link. */
export interface Wire {
  /** The other end's address. */
  readonly peer: string;
  /** Writes a message; `written` is called when it has left, or never will. */
  write(message: Uint8Array, written: () => void): void;
  /** Reads no more for now. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Says that nothing follows. */
  end(): void;
  /** Is gone at once. */
  destroy(): void;
}

/** The limits of a link. */
export interface LinkLimits {
  /** The largest message in bytes. Default 4 MiB. */
  readonly messageBytesMax?: number;
  /** What may wait to be sent, in bytes. Default 16 MiB. */
  readonly queueBytesMax?: number;
  /** What may wait to be iterated over, in bytes. Default 4 MiB. */
  readonly inboxBytesMax?: number;
  /** How long `close` tries to send what is queued, in milliseconds. Default 1,000. */
  readonly lingerMs?: number;
}

/** The limits with their defaults, or RangeError. */
export function linkLimits(limits: LinkLimits): Required<LinkLimits> {
  const all = {
    messageBytesMax: limits.messageBytesMax ?? 2 ** 22,
    queueBytesMax: limits.queueBytesMax ?? 2 ** 24,
    inboxBytesMax: limits.inboxBytesMax ?? 2 ** 22,
    lingerMs: limits.lingerMs ?? 1_000,
  };
  for (const [name, value] of Object.entries(all)) {
    if (Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 30) continue;
    throw new RangeError(`${name} must be an integer in [1, 2^30], got ${value}`);
  }
  return all;
}

// What a waiting message costs beside its bytes; else empty messages would be free, and endless.
const MESSAGE_OVERHEAD_BYTES = 64;

/** A link on a wire, which it owns. */
export class QueuedLink implements Link {
  readonly peer: string;
  readonly closed: Promise<Error | undefined>;
  readonly #wire: Wire;
  readonly #limits: Required<LinkLimits>;
  readonly #inbox: Inbox;
  readonly #gone = Promise.withResolvers<Error | undefined>();
  readonly #waiters: Set<() => void> = new Set();
  #queuedBytes = 0;
  #isOpen = true;
  #fault: Error | undefined;
  #lingering: NodeJS.Timeout | undefined;

  constructor(wire: Wire, limits: Required<LinkLimits>) {
    this.peer = wire.peer;
    this.closed = this.#gone.promise;
    this.#wire = wire;
    this.#limits = limits;
    this.#inbox = new Inbox({ bytesMax: limits.inboxBytesMax, onRoom: () => wire.resume() });
  }

  send(message: Uint8Array): Sent {
    const { messageBytesMax, queueBytesMax } = this.#limits;
    if (message.length > messageBytesMax) {
      const { length } = message;
      throw new RangeError(`message must have at most ${messageBytesMax} bytes, got ${length}`);
    }
    if (!this.#isOpen) return "closed";
    const bytes = message.length + MESSAGE_OVERHEAD_BYTES;
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > queueBytesMax) return "full";
    this.#queuedBytes += bytes;
    this.#wire.write(message, () => {
      this.#queuedBytes -= bytes;
      if (this.#queuedBytes * 2 <= queueBytesMax) this.#wake();
      if (!this.#isOpen && this.#queuedBytes === 0) this.#wire.end();
    });
    return "queued";
  }

  drained({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (!this.#isOpen || this.#queuedBytes * 2 <= this.#limits.queueBytesMax) return resolve();
      const waiter = (): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiters.delete(waiter);
        reject(signal?.reason);
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#inbox[Symbol.asyncIterator]();
  }

  async close(): Promise<void> {
    if (this.#isOpen) {
      this.#finish();
      this.#inbox.discard();
      // Who closes reads on, and throws it away: the peer's last word stands behind the rest.
      this.#wire.resume();
      if (this.#queuedBytes === 0) this.#wire.end();
      this.#lingering = setTimeout(() => this.#wire.destroy(), this.#limits.lingerMs);
    }
    await this.closed;
  }

  destroy(): void {
    this.#finish();
    this.#inbox.discard();
    this.#wire.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For the wire: a message has come. */
  onMessage(message: Uint8Array): void {
    if (this.#isOpen && !this.#inbox.push(message)) this.#wire.pause();
  }

  /** For the wire: something is wrong with it. It ends. */
  onFault(fault: RuntimeError): void {
    // The first fault is the cause; what follows are its consequences, or those of a close.
    if (this.#isOpen) this.#fault = fault;
    this.#finish();
    this.#wire.destroy();
  }

  /** For the wire: it is gone. */
  onClosed(): void {
    clearTimeout(this.#lingering);
    this.#finish();
    this.#gone.resolve(this.#fault);
  }

  #finish(): void {
    this.#isOpen = false;
    this.#inbox.end(this.#fault);
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
    this.#waiters.clear();
  }
}

/** The parts of "host:port", where an IPv6 address has brackets around it; or RangeError. */
export function hostAndPort(address: string): { host: string; port: number } {
  const [, six, four, digits] = /^(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  const host = six ?? four;
  if (host === undefined || !(port <= 65_535)) {
    throw new RangeError(`an address is "host:port", got ${JSON.stringify(address)}`);
  }
  return { host, port };
}

/** The error of a port that cannot be listened on. */
export function listenFailed(address: string, cause: NodeJS.ErrnoException): RuntimeError {
  const code = cause.code === "EADDRINUSE" ? "ADDRESS_IN_USE" : "CONNECT_FAILED";
  return new RuntimeError(code, `listen on ${address}: ${cause.code ?? cause.message}`, cause);
}
