// A link that comes back. After a failure the pause doubles, and is drawn anew between nothing and
// that each time: nodes that lost the same server do not return to it at the same moment (M.
// Brooker, "Exponential Backoff and Jitter", 2015, "full jitter").
import type { Clock, Link, Random, Transport } from "@compendium/runtime";
import { CrdtSyncError } from "../errors.ts";

/** What a peering needs. */
export interface PeeringParts {
  readonly attach: (link: Link) => Promise<Error | undefined>;
  readonly onFailed: (error: Error) => void;
  readonly onClosed: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly address: string;
  readonly retryMs: number;
  readonly retryMsMax: number;
  readonly connectMs: number;
}

/** A link to one address, for as long as it is not closed. */
export class Peering implements AsyncDisposable {
  readonly #parts: PeeringParts;
  readonly #abort: AbortController = new AbortController();
  readonly #done: Promise<void>;
  #link: Link | undefined;
  #attempts = 0;

  constructor(parts: PeeringParts) {
    this.#parts = parts;
    this.#done = this.#run();
  }

  /** Whether there is a link now. */
  get isLinked(): boolean {
    return this.#link !== undefined;
  }

  /** How many attempts there were. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Ends the link, and opens no other. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#link?.destroy();
    await this.#done;
  }

  /** {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const { clock, random, retryMs, retryMsMax, onClosed } = this.#parts;
    let pauseMs = retryMs;
    while (!this.#abort.signal.aborted) {
      const beganMs = clock.now();
      const error = await this.#once();
      if (error instanceof CrdtSyncError && error.code === "SYNC_SELF") break;
      // A link that has lived for a while was no failure to connect.
      if (clock.now() - beganMs > retryMsMax) pauseMs = retryMs;
      await this.#pause(1 + random.below(Math.ceil(pauseMs)));
      pauseMs = Math.min(2 * pauseMs, retryMsMax);
    }
    onClosed();
  }

  async #once(): Promise<Error | undefined> {
    const { clock, transport, address, connectMs, attach, onFailed } = this.#parts;
    this.#attempts++;
    const attempt = new AbortController();
    const onAbort = (): void => attempt.abort();
    this.#abort.signal.addEventListener("abort", onAbort, { once: true });
    const late = clock.setTimer(clock.now() + connectMs, onAbort);
    try {
      this.#link = await transport.connect(address, { signal: attempt.signal });
    } catch (error) {
      if (!this.#abort.signal.aborted) onFailed(error as Error);
      return error as Error;
    } finally {
      late[Symbol.dispose]();
      this.#abort.signal.removeEventListener("abort", onAbort);
    }
    if (this.#abort.signal.aborted) this.#link.destroy();
    const error = await attach(this.#link);
    this.#link = undefined;
    return error;
  }

  #pause(ms: number): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        timer[Symbol.dispose]();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = clock.setTimer(clock.now() + ms, done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}
