// One TCP connection as a link. Both directions are bounded: what waits to be sent by
// `queueBytesMax` (then `send` says "full"), what waits to be iterated by `inboxBytesMax` (then
// the socket is no longer read, the kernel's buffers fill, and the peer's queue fills in turn).
//
// Closing reads on, and throws away what comes: a socket closed with unread bytes makes the kernel
// send a reset, which would destroy what we have sent and the peer has not read yet (RFC 1122
// §4.2.2.13, RFC 9293 §3.6).

import type { Socket } from "node:net";
import { RuntimeError } from "../error.ts";
import { Inbox } from "../inbox.ts";
import type { Link, Sent } from "../transport.ts";
import { formatAddress } from "./address.ts";
import { FRAME_HEADER_BYTES, FrameDecoder, frameHeader } from "./frames.ts";

/** The limits of a link. */
export interface LinkLimits {
  readonly messageBytesMax: number;
  readonly queueBytesMax: number;
  readonly inboxBytesMax: number;
  readonly lingerMs: number;
}

/** What the links of a transport count together. */
export interface LinkCounts {
  messagesSent: number;
  messagesRefused: number;
  messagesReceived: number;
  framesRefused: number;
}

// A queued message costs a buffer object and a callback beside its bytes; else empty messages would
// be free, and their number unlimited.
const MESSAGE_OVERHEAD_BYTES = 64;

const KEEP_ALIVE_AFTER_MS = 10_000;

/** A link on a connected socket, which it owns. */
export class NodeLink implements Link {
  readonly peer: string;
  readonly closed: Promise<Error | undefined>;
  readonly #socket: Socket;
  readonly #limits: LinkLimits;
  readonly #counts: LinkCounts;
  readonly #decoder: FrameDecoder;
  readonly #inbox: Inbox;
  readonly #drainedWaiters = new Set<() => void>();

  // Invariant: what send() has taken and the kernel has not, with the overhead of each message.
  #queuedBytes = 0;
  #corked = false;
  #open = true;
  #fault: RuntimeError | undefined;

  constructor(socket: Socket, limits: LinkLimits, counts: LinkCounts) {
    this.peer = formatAddress(socket.remoteAddress, socket.remotePort);
    this.#socket = socket;
    this.#limits = limits;
    this.#counts = counts;
    this.#decoder = new FrameDecoder(limits.messageBytesMax);
    this.#inbox = new Inbox({
      bytesMax: limits.inboxBytesMax,
      onRoom: () => socket.resume(),
    });
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#finish();
        resolve(this.#fault);
      });
    });
    // Nagle's algorithm would hold back a small message until the last one is acknowledged.
    socket.setNoDelay(true);
    // Else a peer that lost its power is noticed only when something is sent to it.
    socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    socket.on("data", this.#receive);
    socket.on("end", this.#peerEnded);
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      this.#fail(new RuntimeError("LINK_BROKEN", `${this.peer}: ${cause.code}`, cause));
    });
  }

  send(message: Uint8Array): Sent {
    const { messageBytesMax, queueBytesMax } = this.#limits;
    if (!(message.length <= messageBytesMax)) {
      const { length } = message;
      throw new RangeError(`message must have at most ${messageBytesMax} bytes, got ${length}`);
    }
    if (!this.#open) return "closed";
    const cost = FRAME_HEADER_BYTES + message.length + MESSAGE_OVERHEAD_BYTES;
    // An empty queue takes any message that the transport takes at all.
    if (this.#queuedBytes > 0 && this.#queuedBytes + cost > queueBytesMax) {
      this.#counts.messagesRefused++;
      return "full";
    }
    this.#counts.messagesSent++;
    this.#queuedBytes += cost;
    this.#cork();
    this.#socket.write(frameHeader(message.length));
    this.#socket.write(message, () => this.#left(cost));
    return "queued";
  }

  // All messages of a turn leave in one system call.
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }

  #left(cost: number): void {
    this.#queuedBytes -= cost;
    if (this.#queuedBytes * 2 <= this.#limits.queueBytesMax) this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#drainedWaiters) waiter();
    this.#drainedWaiters.clear();
  }

  drained({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (!this.#open || this.#queuedBytes * 2 <= this.#limits.queueBytesMax) return resolve();
      const waiter = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#drainedWaiters.delete(waiter);
        reject(signal?.reason);
      };
      this.#drainedWaiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#inbox[Symbol.asyncIterator]();
  }

  readonly #receive = (bytes: Uint8Array): void => {
    if (!this.#open) return;
    try {
      for (const message of this.#decoder.push(bytes)) {
        this.#counts.messagesReceived++;
        if (!this.#inbox.push(message)) this.#socket.pause();
      }
    } catch (error) {
      this.#counts.framesRefused++;
      this.#fail(error as RuntimeError);
      this.#socket.destroy();
    }
  };

  readonly #peerEnded = (): void => {
    // After our own close nothing is decoded any more: the message under way is not missed.
    if (this.#open && !this.#decoder.idle) {
      this.#fail(new RuntimeError("LINK_BROKEN", `${this.peer}: closed within a message`));
    }
    // Not a word more can reach the peer; the socket closes by itself once the queue is written.
    this.#finish();
  };

  #fail(fault: RuntimeError): void {
    // The first fault is the cause; what follows are its consequences.
    this.#fault ??= fault;
    this.#finish();
  }

  #finish(): void {
    this.#open = false;
    this.#inbox.end(this.#fault);
    this.#wake();
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#inbox.discard();
    this.#wake();
    this.#socket.resume();
    this.#socket.end();
    // A peer that never reads, or never answers, must not keep us.
    const timer = setTimeout(() => this.#socket.destroy(), this.#limits.lingerMs);
    await this.closed;
    clearTimeout(timer);
  }

  destroy(): void {
    this.#open = false;
    this.#inbox.discard();
    this.#wake();
    this.#socket.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
