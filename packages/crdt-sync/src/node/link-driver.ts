// A connection on a link: what the pure object says is sent when it may be, and what comes is
// handed to it. Sending stops where the link is full and goes on when there is room; a message that
// tells of what is not durable yet waits for the disk. At most one message waits.
import type { Clock, Link } from "@compendium/runtime";
import { Connection, type ConnectionHost, type Outgoing } from "../core/connection.ts";
import { CrdtSyncError } from "../errors.ts";

/** What a driver needs of its node. */
export interface DriverHost extends ConnectionHost {
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly checkMs: number;
  /** Settles when all of that is durable; rejects when it will not be. */
  durable(after: Outgoing["after"]): Promise<void> | undefined;
  count(direction: "in" | "out", bytes: number): void;
  mergeTook(ms: number): void;
}

// A peer that was not heard of for so many heartbeats is gone.
const SILENCE_FACTOR = 3;

/** A link with a protocol on it. */
export class LinkDriver {
  readonly connection: Connection;
  readonly link: Link;
  readonly #host: DriverHost;
  #sending = false;
  #heardMs: number;
  #spokeMs: number;
  #checkedMs: number;
  #timer: Disposable | undefined;
  #hasEnded = false;
  #fault: Error | undefined;

  constructor(host: DriverHost, link: Link) {
    this.#host = host;
    this.link = link;
    this.connection = new Connection(host);
    this.#heardMs = this.#spokeMs = this.#checkedMs = host.clock.now();
  }

  /** Runs until the link is gone: to the fault that ended it, or undefined. */
  async run(): Promise<Error | undefined> {
    this.#arm();
    this.pump();
    let fault: Error | undefined;
    try {
      for await (const message of this.link) this.#receive(message);
    } catch (error) {
      fault = error instanceof Error ? error : new Error(String(error));
    }
    fault ??= this.#fault;
    this.#end();
    return fault;
  }

  /** Sends what there is. */
  pump(): void {
    if (this.#sending || this.#hasEnded) return;
    this.#sending = true;
    this.#send().catch((error: Error) => this.fail(error));
  }

  /** Ends the link. */
  fail(error: Error): void {
    this.#fault ??= error;
    this.link.destroy();
    this.#end();
  }

  async #send(): Promise<void> {
    // What else is done in this turn goes along.
    await undefined;
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      await this.#host.durable(next.after);
      for (;;) {
        const sent = this.#hasEnded ? "closed" : this.link.send(next.message);
        // The iteration of the link ends as well, and says why.
        if (sent === "closed") return;
        if (sent === "queued") break;
        await this.link.drained();
      }
      this.#spokeMs = this.#host.clock.now();
      this.#host.count("out", next.message.length);
    }
    this.#sending = false;
  }

  #take(): Outgoing | undefined {
    return this.#hasEnded ? undefined : this.connection.take();
  }

  #receive(message: Uint8Array): void {
    const { clock } = this.#host;
    this.#heardMs = clock.now();
    this.#host.count("in", message.length);
    this.connection.receive(message, this.#heardMs);
    this.#host.mergeTook(clock.now() - this.#heardMs);
    this.pump();
  }

  readonly #tick = (): void => {
    const { clock, heartbeatMs, checkMs } = this.#host;
    const nowMs = clock.now();
    if (nowMs - this.#heardMs >= SILENCE_FACTOR * heartbeatMs) {
      const silentMs = Math.round(nowMs - this.#heardMs);
      return this.fail(new CrdtSyncError("SYNC_SILENT", `nothing was heard for ${silentMs} ms`));
    }
    if (nowMs - this.#spokeMs >= heartbeatMs) this.connection.ping();
    if (nowMs - this.#checkedMs >= checkMs) {
      this.#checkedMs = nowMs;
      this.connection.recheck();
    }
    this.pump();
    this.#arm();
  };

  #arm(): void {
    const { clock, heartbeatMs, checkMs } = this.#host;
    this.#timer = clock.setTimer(clock.now() + Math.min(heartbeatMs, checkMs), this.#tick);
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#timer?.[Symbol.dispose]();
    this.link.destroy();
    this.connection.ended(this.#host.clock.now());
  }
}
