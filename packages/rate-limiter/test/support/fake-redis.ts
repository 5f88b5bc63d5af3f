// A client of ioredis whose server allows everything, in virtual time, and can fall silent or away.
import { EventEmitter } from "node:events";
import type { ManualClock } from "@compendium/runtime";
import type { Redis } from "ioredis";

// In the order of `Reply`: nothing to wait for, one left, full at once, the first rule binds.
const ALLOWED = Buffer.from(new Float64Array([0, 1, 0, 1, 0, 0]).buffer);

/** A server that answers `answersAfterMs` after it was asked; without that, never. */
export interface FakeRedisOptions {
  readonly clock: ManualClock;
  readonly answersAfterMs?: number;
}

/** Takes the place of a client. */
export class FakeRedis extends EventEmitter {
  readonly isCluster = false;
  status = "ready";
  /** What calls are refused with, if they are. */
  error: Error | undefined;
  /** The next call does not know the script. */
  hasForgotten = false;
  readonly #options: FakeRedisOptions;

  constructor(options: FakeRedisOptions) {
    super();
    this.#options = options;
  }

  /** As the type that a store takes. */
  get client(): Redis {
    return this as unknown as Redis;
  }

  duplicate(): this {
    return this;
  }

  disconnect(): void {
    this.status = "end";
    this.emit("error", new Error("connect ECONNREFUSED"));
  }

  async callBuffer(command: string, ...args: readonly unknown[]): Promise<Buffer[]> {
    if (command === "eval") this.hasForgotten = false;
    if (this.hasForgotten) throw new Error("NOSCRIPT No matching script. Please use EVAL.");
    return this.#answer(String(args.at(-1)));
  }

  async #answer(decisions: string): Promise<Buffer[]> {
    const { clock, answersAfterMs } = this.#options;
    if (answersAfterMs === undefined) return new Promise<never>(() => {});
    await new Promise<void>((resolve) => clock.setTimer(clock.now() + answersAfterMs, resolve));
    if (this.error !== undefined) throw this.error;
    return [Buffer.concat(decisions.split(" ").map(() => ALLOWED))];
  }
}
