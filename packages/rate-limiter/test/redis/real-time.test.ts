// The script as it ships, on the server's own clock. (Nothing here waits for it: what happens as
// time passes is compared in virtual time, in differential.test.ts.)
import { spawn } from "node:child_process";
import { once } from "node:events";
import { requireOrSkip } from "@compendium/metrics/testing";
import { ManualClock } from "@compendium/runtime";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as subject from "../../src/index.ts";
import { RedisRateLimiter, RedisStore } from "../../src/redis.ts";
import { ALGORITHMS, makeRule } from "../support/rules.ts";
import { redisServer, type Server, startServer } from "./server.ts";

const WINDOW_MS = 3_600_000;
const HOUR_MS = 3_600_000;
let server: Server;

beforeAll(async () => {
  if (redisServer.present) server = await startServer();
});

beforeEach(async (context) => {
  requireOrSkip(context, redisServer);
  await server.client().flushall();
});

afterAll(() => server?.[Symbol.asyncDispose]());

const rules = ALGORITHMS.map((algorithm) => {
  const spec = { limit: 3, windowMs: WINDOW_MS, reserveMsMax: 0, burst: 3, parts: 4 };
  return makeRule(subject, { ...spec, algorithm, name: algorithm });
});

describe.each(rules.map((rule) => [rule.algorithm, rule] as const))("%s", (_, rule) => {
  test("a denied request leaves what is stored as it is, byte for byte", async () => {
    const client = server.client();
    await using store = new RedisStore(client, { timeoutMs: 10_000 });
    const limiter = new RedisRateLimiter(rule, { store });
    await limiter.take("ann", 3);
    const [key] = await client.keys("*");
    const before = [await client.dumpBuffer(key!), await client.pexpiretime(key!)];
    for (const cost of [1, 3, 4]) {
      expect((await limiter.take("ann", cost)).allowed).toBe(false);
      await limiter.peek("ann", cost);
    }
    expect([await client.dumpBuffer(key!), await client.pexpiretime(key!)]).toEqual(before);
  });

  test("no key is kept for ever, and none longer than two windows", async () => {
    const client = server.client();
    await using store = new RedisStore(client, { timeoutMs: 10_000 });
    const limiter = new RedisRateLimiter(rule, { store });
    await limiter.take("ann");
    await limiter.take("ann", 1, { idempotencyKey: "a" });
    const keys = await client.keys("*");
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      const leftMs = await client.pttl(key);
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(2 * WINDOW_MS);
    }
    await limiter.reset("ann");
    expect(await client.exists(...keys)).toBe(1);
  });

  test("clients whose clocks are an hour off change nothing", async () => {
    await using fleet = new AsyncDisposableStack();
    const limiters = [-HOUR_MS, 0, HOUR_MS].map((offMs) => {
      const wallMs = Date.now() + offMs;
      const clock = new ManualClock({ nowMs: HOUR_MS + offMs, wallMs });
      const store = fleet.use(new RedisStore(server.client(), { timeoutMs: 10_000, clock }));
      return new RedisRateLimiter(rule, { store, clock, blockCacheKeysMax: 10 });
    });
    let allowed = 0;
    for (let round = 0; round < 3; round++) {
      for (const limiter of limiters) if ((await limiter.take("ann")).allowed) allowed++;
    }
    expect(allowed).toBe(3);
  });
});

test("nothing is left open: a process that has disposed of its store ends", async () => {
  const index = new URL("../../src/index.ts", import.meta.url);
  const redis = new URL("../../src/redis.ts", import.meta.url);
  const program = `
    import { Redis } from "ioredis";
    import { gcra } from ${JSON.stringify(index.href)};
    import { RedisRateLimiter, RedisStore } from ${JSON.stringify(redis.href)};
    const client = new Redis(${server.port}, "127.0.0.1", { lazyConnect: true });
    {
      await using store = new RedisStore(client, { timeoutMs: 60_000 });
      const limiter = new RedisRateLimiter(gcra({ limit: 1, windowMs: 1000 }), { store });
      console.log((await limiter.take("ann")).outcome);
      limiter.take("ann");
    }
  `;
  const args = ["--conditions=@compendium/source", "--input-type=module", "-e", program];
  const child = spawn(process.execPath, args, {
    cwd: new URL("../..", import.meta.url),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(said.trim()).toBe("allowed");
});
