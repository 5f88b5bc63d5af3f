// A limiter in Redis on a clock that stands still, and what it takes to look behind it. From a
// window of a day nothing comes back, so what the server has charged can be read off afterwards.
import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "@compendium/runtime";
import { Redis } from "ioredis";
import { expect, vi } from "vitest";
import type { Outcome } from "../../src/decision.ts";
import { fixedWindow } from "../../src/index.ts";
import { type OnStoreFailure, RedisRateLimiter } from "../../src/redis.ts";
import { RedisStore, type RedisStoreOptions } from "../../src/stores/redis.ts";

export const TIMEOUT_MS = 100;
export const LIMIT = 1_000_000;

export interface RigOptions extends RedisStoreOptions {
  /** Default "closed". */
  policy?: OnStoreFailure;
  password?: string;
}

export class Rig implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly client: Redis;
  readonly store: RedisStore;
  readonly limiter: RedisRateLimiter;
  readonly errors: string[] = [];

  constructor(port: number, options: RigOptions = {}) {
    const { policy = "closed", password, ...others } = options;
    this.client = new Redis({
      port,
      host: "127.0.0.1",
      lazyConnect: true,
      retryStrategy: () => 10,
      disconnectTimeout: 10,
      ...(password !== undefined && { password }),
    });
    const { clock } = this;
    this.store = new RedisStore(this.client, { clock, timeoutMs: TIMEOUT_MS, ...others });
    this.limiter = new RedisRateLimiter(fixedWindow({ limit: LIMIT, windowMs: 86_400_000 }), {
      store: this.store,
      onStoreFailure: policy,
      onStoreError: ({ code, message }) => this.errors.push(`${code}: ${message}`),
      clock,
    });
  }

  async take(idempotencyKey?: string): Promise<Outcome> {
    const options = idempotencyKey === undefined ? {} : { idempotencyKey };
    return (await this.limiter.take("ann", 1, options)).outcome;
  }

  /** Asks for `count`, which are on their way when this resolves. */
  async send(count: number): Promise<Promise<Outcome>[]> {
    const takes = Array.from({ length: count }, () => this.take());
    await turn();
    return takes;
  }

  /** Resolves once the store decides again, and to what the server has charged until then. */
  async charged(): Promise<number> {
    return vi.waitFor(
      async () => {
        const { outcome, remaining } = await this.limiter.peek("ann");
        expect(outcome).toBe("allowed");
        return LIMIT - remaining;
      },
      { timeout: 20_000, interval: 20 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    this.client.disconnect();
  }
}

/** How many of them are as wanted. */
export function count(outcomes: readonly Outcome[], wanted: Outcome): number {
  return outcomes.filter((it) => it === wanted).length;
}

/** How many times the script was run on a server, whoever sent it. */
export async function decisionsOn(client: Redis): Promise<number> {
  const stats = await client.info("commandstats");
  const lines = stats.matchAll(/cmdstat_(?:evalsha|eval):calls=(\d+).*?failed_calls=(\d+)/g);
  return [...lines].reduce((sum, [, ran, failed]) => sum + Number(ran) - Number(failed), 0);
}
