// What the edges accept, as far as types say: both limiters, and a limiter of your own.

import type { IncomingMessage } from "node:http";
import type { RateLimiter } from "@compendium/rate-limiter";
import type { WaitingLimiter } from "@compendium/rate-limiter/fetch";
import type { Limiter, Middleware, rateLimit } from "@compendium/rate-limiter/http";
import type { RedisRateLimiter } from "@compendium/rate-limiter/redis";
import { expectTypeOf, test } from "vitest";

test("a limiter in memory and one in Redis fit every edge", () => {
  expectTypeOf<RateLimiter>().toExtend<Limiter>();
  expectTypeOf<RedisRateLimiter>().toExtend<Limiter>();
  expectTypeOf<RateLimiter>().toExtend<WaitingLimiter>();
  expectTypeOf<RedisRateLimiter>().toExtend<WaitingLimiter>();
});

test("the least that a limiter of your own must have", () => {
  expectTypeOf<Pick<RateLimiter, "name" | "rules" | "take">>().toExtend<Limiter>();
});

test("middleware knows a framework's own request", () => {
  interface Own extends IncomingMessage {
    user: { id: string };
  }
  type Options = NonNullable<Parameters<typeof rateLimit<Own>>[1]>;
  expectTypeOf<Parameters<NonNullable<Options["key"]>>[0]>().toEqualTypeOf<Own>();
  expectTypeOf<ReturnType<typeof rateLimit<Own>>>().toEqualTypeOf<Middleware<Own>>();
});
