// The contestants' limiters, as alike as their options allow: so much in ten minutes for a key. The
// peers each have one algorithm, which stands beside all of ours.
import {
  conservativeSlidingCounter,
  fixedWindow,
  gcra,
  RateLimiter,
  type Rule,
  slidingWindowCounter,
  slidingWindowLog,
  tokenBucket,
} from "@compendium/rate-limiter";
import Bottleneck from "bottleneck";
import { RateLimiter as TokenBucketOfLimiter } from "limiter";
import { RateLimiterMemory } from "rate-limiter-flexible";
import type { Contestant } from "./rounds.ts";

const WINDOW_MS = 600_000;

/** Whether the limit is never reached, or has been before the first measured call. */
export type Answer = "allowed" | "denied";

/** Ours. */
export const algorithms = {
  "token bucket": (limit) => tokenBucket({ limit: rate(limit), windowMs: WINDOW_MS, burst: limit }),
  gcra: (limit) => gcra({ limit: rate(limit), windowMs: WINDOW_MS, burst: limit }),
  "fixed window": (limit) => fixedWindow({ limit, windowMs: WINDOW_MS }),
  // As long as its entries stay, a log grows; where all are allowed, they stay for a quarter of a
  // second, so that what is measured has come to rest.
  "sliding-window log": (limit) =>
    slidingWindowLog({ limit, windowMs: limit > 1000 ? 250 : WINDOW_MS }),
  "sliding-window counter": (limit) => slidingWindowCounter({ limit, windowMs: WINDOW_MS }),
  "conservative counter": (limit) => conservativeSlidingCounter({ limit, windowMs: WINDOW_MS }),
} as const satisfies Record<string, (limit: number) => Rule>;

/** The name of one of ours. */
export type Algorithm = keyof typeof algorithms;

// One a second at most: a key that is full again is forgotten, and would be a new one.
function rate(limit: number): number {
  return Math.min(limit, 600);
}

const limits = { allowed: 1_000_000_000, denied: 1 };

/** Our limiter, whose keys have taken one each. */
export function ours(algorithm: Algorithm, answer: Answer, keys: readonly string[]): Contestant {
  const limiter = new RateLimiter(algorithms[algorithm](limits[answer]));
  for (const key of keys) limiter.take(key);
  expectThat(limiter.take(keys[0]).allowed === (answer === "allowed"));
  return { name: "ours", call: (key) => limiter.take(key), isSync: true };
}

/** rate-limiter-flexible's, which counts in a fixed window and has a timer for each key. */
export async function rateLimiterFlexible(
  answer: Answer,
  keys: readonly string[],
): Promise<Contestant> {
  const limiter = new RateLimiterMemory({ points: limits[answer], duration: WINDOW_MS / 1000 });
  for (const key of keys) await limiter.consume(key);
  const call = (key: string) => limiter.consume(key);
  await expectAnswer(answer, () => call(keys[0] as string));
  return { name: "rate-limiter-flexible", call, isSync: false, times: 100_000 };
}

/** limiter's token bucket, which has no keys: a Map of them. */
export function limiter(answer: Answer, keys: readonly string[]): Contestant {
  const options = { tokensPerInterval: limits[answer], interval: WINDOW_MS };
  const buckets = new Map(keys.map((key) => [key, new TokenBucketOfLimiter(options)]));
  const call = (key: string) => {
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      bucket = new TokenBucketOfLimiter(options);
      buckets.set(key, bucket);
    }
    return bucket.tryRemoveTokens(1);
  };
  for (const key of keys) call(key);
  expectThat(call(keys[0] as string) === (answer === "allowed"));
  return { name: "limiter", call, isSync: true };
}

/** Bottleneck's reservoir: a queue of jobs, here of such that do nothing, and a timer for each. */
export async function bottleneck(answer: Answer, keys: readonly string[]): Promise<Contestant> {
  const group = new Bottleneck.Group({
    reservoir: limits[answer],
    highWater: 0,
    strategy: Bottleneck.strategy.OVERFLOW,
  });
  const job = async () => {};
  const call = (key: string) => group.key(key).schedule(job);
  for (const key of keys) await call(key);
  await expectAnswer(answer, () => call(keys[0] as string));
  return { name: "bottleneck", call, isSync: false, times: 500 };
}

async function expectAnswer(answer: Answer, call: () => Promise<unknown>): Promise<void> {
  const isAllowed = await call().then(
    () => true,
    () => false,
  );
  expectThat(isAllowed === (answer === "allowed"));
}

// A contestant that decides otherwise than the row says would be measured at something else.
function expectThat(isAsTheRowSays: boolean): void {
  if (!isAsTheRowSays) throw new Error("a contestant does not decide as the row says");
}
