// One end of a link: TCP as a program sees it. Messages arrive whole, in order, each at most once;
// a lost packet shows as a delay that holds up what is behind it; a path that stays cut breaks the
// link, at each end when that end finds out, so that for a while one side talks to nobody.
//
// Whatever comes from outside comes as an event of the process that it concerns: a process that is
// paused notices nothing, and one that is dead never will.

import { Inbox, type Link, RuntimeError, type Sent } from "@compendium/runtime";
import type { SimulatedEvent } from "../event-queue.ts";
import type { Process } from "../process.ts";
import type { TimeSource } from "../simulated-clock.ts";
import type { Network, Path } from "./network.ts";

// What a waiting message costs beside its bytes, as in runtime's own transport.
const MESSAGE_OVERHEAD_BYTES = 64;

/** What links need of the world around them. */
export interface LinkHost {
  readonly time: TimeSource;
  readonly network: Network;
  /** Says that a message has arrived. */
  onReceived(from: string, to: string, message: Uint8Array): void;
}

// A message, the end of them, or the news that the other side is gone.
interface Item {
  readonly content: Uint8Array | "end" | "reset";
  readonly readyUs: number;
}

/** The end of a link that one process holds. */
export class SimulatedLink implements Link {
  readonly peer: string;
  readonly closed: Promise<Error | undefined>;
  readonly #host: LinkHost;
  readonly #process: Process;
  readonly #out: Path;
  readonly #inbox: Inbox;
  readonly #waiters = new Set<() => void>();
  #other!: SimulatedLink;
  #resolveClosed!: (fault: Error | undefined) => void;
  #state: "open" | "closing" | "closed" = "open";

  // Invariant: readyUs never decreases along the queue.
  #queue: Item[] = [];
  #queuedBytes = 0;
  // Invariant: while something is queued, either #pump is set or the other end's inbox is full.
  #pump: SimulatedEvent | undefined;
  #stalledSinceUs: number | undefined;
  #inboxFull = false;

  constructor(host: LinkHost, process: Process, to: string, peer: string) {
    this.peer = peer;
    this.#host = host;
    this.#process = process;
    this.#out = host.network.path(process.name, to);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#inbox = new Inbox({
      bytesMax: host.network.options.inboxBytesMax,
      onRoom: () => {
        this.#inboxFull = false;
        this.#other.#schedule(host.time.nowUs);
      },
    });
  }

  static join(near: SimulatedLink, far: SimulatedLink): void {
    near.#other = far;
    far.#other = near;
  }

  get isOpen(): boolean {
    return this.#state !== "closed";
  }

  send(message: Uint8Array): Sent {
    const { messageBytesMax, queueBytesMax } = this.#host.network.options;
    if (message.length > messageBytesMax) {
      const { length } = message;
      throw new RangeError(`message must have at most ${messageBytesMax} bytes, got ${length}`);
    }
    if (this.#state !== "open") return "closed";
    const bytes = message.length + MESSAGE_OVERHEAD_BYTES;
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > queueBytesMax) return "full";
    const effect = this.#process.begin("send");
    if (effect === undefined) return "closed";
    this.#queuedBytes += bytes;
    this.#enqueue(message);
    effect.issued();
    return effect.happened() ? "queued" : "closed";
  }

  drained({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (!this.#process.alive) return;
      if (this.#hasRoom()) return resolve();
      const onAbort = () => {
        this.#waiters.delete(wake);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      this.#waiters.add(wake);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this.#inbox[Symbol.asyncIterator]();
  }

  async close(): Promise<void> {
    if (this.#state === "open" && this.#process.alive) {
      this.#state = "closing";
      this.#inbox.discard();
      this.#enqueue("end");
      const { time, network } = this.#host;
      time.schedule(time.nowUs + network.options.lingerUs, this.#process, () => this.destroy());
    }
    await this.closed;
  }

  destroy(): void {
    if (this.#state === "closed" || !this.#process.alive) return;
    const lost = this.#queue.some(({ content }) => content instanceof Uint8Array);
    this.#inbox.discard();
    this.#end(undefined);
    this.#tell(lost ? broken(this.#process.name) : undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The process is dead; the kernel sends some of what was queued, and then a reset. */
  orphan(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#queue.length = this.#out.below(this.#queue.length + 1);
    this.#enqueue("reset");
  }

  /** The machine is without power; the peer is told by nobody, and gives up after a while. */
  vanish(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#queue = [];
    const { time, network } = this.#host;
    time.schedule(time.nowUs + network.options.breakAfterUs, undefined, () => this.reset());
  }

  /** Tells the peer that this end is gone. */
  reset(): void {
    this.#tell(broken(this.#process.name));
  }

  #enqueue(content: Item["content"]): void {
    const { time, network } = this.#host;
    const lateUs = this.#out.isLost() ? network.options.retransmitUs : 0;
    const arrivalUs = time.nowUs + this.#out.delayUs() + lateUs;
    const readyUs = Math.max(arrivalUs, this.#queue.at(-1)?.readyUs ?? 0);
    this.#queue.push({ content, readyUs });
    this.#schedule(readyUs);
  }

  // An event of the receiver's: it is what the arrival of a message wakes.
  #schedule(atUs: number): void {
    if (this.#pump !== undefined || this.#queue.length === 0) return;
    this.#pump = this.#host.time.schedule(atUs, this.#other.#process, () => {
      this.#pump = undefined;
      this.#deliver();
    });
  }

  #deliver(): void {
    const { time } = this.#host;
    let taken = 0;
    for (const { content, readyUs } of this.#queue) {
      if (readyUs > time.nowUs || this.#other.#inboxFull || this.#out.isCut) break;
      taken++;
      if (content instanceof Uint8Array)
        this.#queuedBytes -= content.length + MESSAGE_OVERHEAD_BYTES;
      this.#other.#receive(content, this.#process.name);
    }
    if (taken > 0) {
      this.#stalledSinceUs = undefined;
      const last = this.#queue[taken - 1];
      this.#queue.splice(0, taken);
      if (last?.content === "end") this.#onProcess(() => this.#end(undefined));
      else if (this.#waiters.size > 0 && this.#hasRoom()) this.#onProcess(() => this.#wake());
    }
    const next = this.#queue[0];
    if (next === undefined) return;
    if (next.readyUs > time.nowUs) this.#schedule(next.readyUs);
    else if (this.#out.isCut) this.#stall();
  }

  #stall(): void {
    const { time, network } = this.#host;
    const { retransmitUs, breakAfterUs } = network.options;
    this.#stalledSinceUs ??= time.nowUs;
    if (time.nowUs - this.#stalledSinceUs < breakAfterUs) {
      return this.#schedule(time.nowUs + retransmitUs);
    }
    this.#queue = [];
    this.#onProcess(() => this.#end(broken(this.#other.#process.name)));
    this.reset();
  }

  #receive(content: Item["content"], from: string): void {
    if (!(content instanceof Uint8Array)) {
      return this.#end(content === "end" ? undefined : broken(from));
    }
    if (this.#state !== "open") return;
    this.#host.onReceived(from, this.#process.name, content);
    this.#inboxFull = !this.#inbox.push(content);
  }

  // Over a path that is cut the news arrives when the cut is mended.
  #tell(fault: Error | undefined): void {
    const { time, network } = this.#host;
    const other = this.#other;
    const arrive = (): void => {
      if (!this.#out.isCut) return other.#end(fault);
      time.schedule(time.nowUs + network.options.retransmitUs, other.#process, arrive);
    };
    time.schedule(time.nowUs + this.#out.delayUs(), other.#process, arrive);
  }

  #end(fault: Error | undefined): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#inbox.end(fault);
    this.#wake();
    this.#resolveClosed(fault);
  }

  #hasRoom(): boolean {
    if (this.#state === "closed") return true;
    return this.#queuedBytes * 2 <= this.#host.network.options.queueBytesMax;
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }

  #onProcess(fn: () => void): void {
    const { time } = this.#host;
    time.schedule(time.nowUs, this.#process, fn);
  }
}

function broken(by: string): RuntimeError {
  return new RuntimeError("LINK_BROKEN", `the link to ${by} broke`);
}
