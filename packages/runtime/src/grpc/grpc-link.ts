// A link over one gRPC call. Both directions are bounded: what waits to be sent by `queueBytesMax`
// (then `send` says "full"), what waits to be iterated by `inboxBytesMax` (then no frame is asked
// for, HTTP/2's flow control stops the peer, and its queue fills in turn).
//
// Closing reads on, and throws away what comes: a peer's last word stands behind what it sent
// before, and cannot be heard past it.
import type { RuntimeError } from "../error.ts";
import { Inbox } from "../inbox.ts";
import type { Link, Sent } from "../transport.ts";
import { decodeFrame, encodeFrame, ITEM_OVERHEAD_BYTES } from "./frame.ts";
import { SendQueue } from "./send-queue.ts";
import type { Wire, WireListener } from "./wire.ts";

/** The limits of a link. */
export interface LinkLimits {
  readonly messageBytesMax: number;
  readonly queueBytesMax: number;
  readonly inboxBytesMax: number;
  readonly lingerMs: number;
}

/** What the links of a transport count together. */
export interface LinkCounts {
  /** Messages taken by `send`. */
  messagesSent: number;
  /** Messages not taken, because the queue was full. */
  messagesRefused: number;
  /** Messages received. */
  messagesReceived: number;
  /** Frames written: messages that were sent together count once. */
  framesSent: number;
  /** Frames received that were too large, or no frames; each has cost a link. */
  framesRefused: number;
}

// More does not make a frame any cheaper, and would make the messages behind it wait.
const BATCH_BYTES_MAX = 65_536;

/** A link on an accepted call, which it owns. */
export class GrpcLink implements Link, WireListener {
  readonly peer: string;
  readonly closed: Promise<Error | undefined>;
  readonly #wire: Wire;
  readonly #limits: LinkLimits;
  readonly #counts: LinkCounts;
  readonly #frameBytesMax: number;
  readonly #queue: SendQueue;
  readonly #inbox: Inbox;
  readonly #gone = Promise.withResolvers<Error | undefined>();

  #open = true;
  #fault: RuntimeError | undefined;
  #lingering: NodeJS.Timeout | undefined;

  #flushSoon = false;
  #writing = false;
  #ended = false;

  // Invariant: a frame has been asked for, or the inbox is full, or the link is gone.
  #asked = false;
  #asking = false;

  constructor(wire: Wire, limits: LinkLimits, counts: LinkCounts) {
    this.peer = wire.peer;
    this.closed = this.#gone.promise;
    this.#wire = wire;
    this.#limits = limits;
    this.#counts = counts;
    this.#frameBytesMax = Math.min(BATCH_BYTES_MAX, frameBytesMax(limits.messageBytesMax));
    this.#queue = new SendQueue(limits.queueBytesMax);
    this.#inbox = new Inbox({ bytesMax: limits.inboxBytesMax, onRoom: () => this.#ask() });
    wire.listener = this;
    this.#ask();
  }

  send(message: Uint8Array): Sent {
    const { messageBytesMax } = this.#limits;
    if (!(message.length <= messageBytesMax)) {
      const { length } = message;
      throw new RangeError(`message must have at most ${messageBytesMax} bytes, got ${length}`);
    }
    if (!this.#open) return "closed";
    if (!this.#queue.push(message)) {
      this.#counts.messagesRefused++;
      return "full";
    }
    this.#counts.messagesSent++;
    this.#scheduleFlush();
    return "queued";
  }

  // All messages of a turn leave in one frame. A tick later, because a caller's promises settle
  // before the next tick, and what they send belongs to the turn.
  #scheduleFlush(): void {
    if (this.#flushSoon || this.#writing) return;
    this.#flushSoon = true;
    process.nextTick(this.#flush);
  }

  // One frame at a time: grpc-js asks for that, and what is sent meanwhile gathers into the next.
  readonly #flush = (): void => {
    this.#flushSoon = false;
    if (this.#writing || this.#ended) return;
    if (this.#queue.isEmpty) {
      if (!this.#open) this.#end();
      return;
    }
    const { messages, bytes, cost } = this.#queue.take(this.#frameBytesMax);
    this.#writing = true;
    this.#counts.framesSent++;
    this.#wire.write(encodeFrame(messages, bytes), () => {
      this.#writing = false;
      this.#queue.release(cost);
      this.#flush();
    });
  };

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#wire.end();
  }

  drained(options?: { signal?: AbortSignal }): Promise<void> {
    return this.#queue.drained(options);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#inbox[Symbol.asyncIterator]();
  }

  // A frame that waits already is delivered within `read`; asking for the next from there would
  // take the stack deeper with every frame, and a peer may have sent thousands of empty ones.
  #ask(): void {
    this.#asked = true;
    if (this.#asking) return;
    this.#asking = true;
    while (this.#asked) {
      this.#asked = false;
      this.#wire.read();
    }
    this.#asking = false;
  }

  /** A frame has come. */
  onFrame(frame: Uint8Array): void {
    if (!this.#open) return this.#ask();
    let hasRoom = true;
    try {
      for (const message of decodeFrame(frame, this.#limits.messageBytesMax)) {
        this.#counts.messagesReceived++;
        hasRoom = this.#inbox.push(message);
      }
    } catch (error) {
      const fault = error as RuntimeError;
      this.#counts.framesRefused++;
      this.#break(fault);
      return this.#wire.refuse(fault.message);
    }
    if (hasRoom) this.#ask();
  }

  /** The peer has closed: not a word more can reach it. */
  onPeerEnd(): void {
    this.#finish();
    this.#queue.clear();
    this.#end();
    this.#linger();
  }

  /** The link is broken. */
  onFault(fault: RuntimeError): void {
    if (fault.code === "FRAME_TOO_LARGE") this.#counts.framesRefused++;
    this.#break(fault);
  }

  /** The call is over. */
  onClosed(): void {
    clearTimeout(this.#lingering);
    this.#ended = true;
    this.#finish();
    this.#queue.clear();
    this.#gone.resolve(this.#fault);
  }

  #break(fault: RuntimeError): void {
    // The first fault is the cause; what follows are its consequences, or those of a close.
    if (this.#open) this.#fault = fault;
    this.#finish();
    this.#queue.clear();
    this.#linger();
  }

  #finish(): void {
    this.#open = false;
    this.#inbox.end(this.#fault);
    this.#queue.close();
  }

  // A peer that never reads, or never answers, must not keep us.
  #linger(): void {
    this.#lingering ??= setTimeout(() => this.#wire.destroy(), this.#limits.lingerMs);
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#inbox.discard();
    this.#queue.close();
    this.#linger();
    this.#ask();
    this.#flush();
    await this.closed;
  }

  destroy(): void {
    this.#open = false;
    this.#inbox.discard();
    this.#queue.close();
    this.#queue.clear();
    this.#wire.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The largest frame that is accepted: one message of the largest size, or several smaller ones. */
export function frameBytesMax(messageBytesMax: number): number {
  return messageBytesMax + ITEM_OVERHEAD_BYTES;
}
