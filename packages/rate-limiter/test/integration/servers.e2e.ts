// The contract, and the script as it ships, on the servers that people run: Redis 7, Redis 8 and
// Valkey 8, in containers.
import { requireOrSkip } from "@compendium/metrics/testing";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fixedWindow, gcra } from "../../src/index.ts";
import { RedisRateLimiter, RedisStore } from "../../src/redis.ts";
import { describeLimiter } from "../contract.ts";
import { Comparison } from "../redis/compare.ts";
import { makeRedisRig } from "../redis/contract-rig.ts";
import { makeTimedScript } from "../redis/timed-script.ts";
import { dockerEngine, type StartedServer, startContainer } from "./containers.ts";

beforeEach((context) => requireOrSkip(context, dockerEngine));

describe.each(["redis:7", "redis:8", "valkey/valkey:8"])("%s", (image) => {
  let server: StartedServer;
  const clients: Redis[] = [];
  const client = (options: { enableAutoPipelining?: boolean } = {}) => {
    const made = new Redis({ ...options, host: server.host, port: server.port });
    clients.push(made);
    return made;
  };

  beforeAll(async () => {
    if (dockerEngine.present) server = await startContainer(image);
  });

  afterAll(async () => {
    for (const made of clients) made.disconnect();
    await server?.stop();
  });

  describeLimiter("RedisRateLimiter", () => makeRedisRig(client()));

  test("says the same as the TypeScript along 1,000 adversarial histories", async () => {
    const comparison = new Comparison(client({ enableAutoPipelining: true }), makeTimedScript());
    await comparison.run(50_000, 1_000);
    expect(comparison.decisions).toBeGreaterThan(20_000);
  });

  test("on its own clock: admits the limit of several processes, and keeps no key for ever", async () => {
    const rules = [
      gcra({ limit: 100, windowMs: 3_600_000 }),
      fixedWindow({ limit: 150, windowMs: 86_400_000 }),
    ];
    const own = client();
    await own.flushall();
    await using fleet = new AsyncDisposableStack();
    const limiters = Array.from({ length: 4 }, () => {
      const store = fleet.use(new RedisStore(own, { timeoutMs: 10_000 }));
      return new RedisRateLimiter(rules, { store, onStoreFailure: "closed" });
    });
    const takes = Array.from({ length: 400 }, (_, i) => limiters[i % 4]!.take("ann"));
    const outcomes = (await Promise.all(takes)).map((it) => it.outcome);
    expect(outcomes.filter((it) => it === "allowed")).toHaveLength(100);
    expect(outcomes.filter((it) => it === "denied")).toHaveLength(300);
    const keys = await own.keys("*");
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(await own.pttl(key)).toBeGreaterThan(0);
  });
});
