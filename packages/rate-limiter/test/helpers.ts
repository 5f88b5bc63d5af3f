// What the examples share: a limiter on a clock that is moved by hand.
import { ManualClock } from "@compendium/runtime";
import { RateLimiter, type RateLimiterOptions, type Rule } from "../src/index.ts";

/** A limiter on a clock that stands still. */
export function makeLimiter(
  rules: Rule | readonly Rule[],
  options: RateLimiterOptions = {},
): { limiter: RateLimiter; clock: ManualClock } {
  const clock = new ManualClock();
  return { limiter: new RateLimiter(rules, { clock, ...options }), clock };
}

/** How many requests of cost 1 are let through, one after the other. */
export function admitted(limiter: RateLimiter, key?: string, most = 100): number {
  let count = 0;
  while (count < most && limiter.take(key).allowed) count++;
  return count;
}
