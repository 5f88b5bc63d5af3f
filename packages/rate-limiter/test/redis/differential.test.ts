import { requireOrSkip } from "@compendium/metrics/testing";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Comparison } from "./compare.ts";
import { redisServer, type Server, startServer } from "./server.ts";
import { makeTimedScript } from "./timed-script.ts";

let server: Server | undefined;
let connection: Redis;

beforeAll(async () => {
  if (!redisServer.present) return;
  server = await startServer();
  connection = server.client({ enableAutoPipelining: true });
});

beforeEach((context) => requireOrSkip(context, redisServer));

afterAll(() => server?.[Symbol.asyncDispose]());

describe("the script and the TypeScript", () => {
  test("say the same along 400 adversarial histories", async () => {
    const comparison = new Comparison(connection, makeTimedScript());
    await comparison.run(0, 400);
    expect(comparison.decisions).toBeGreaterThan(8_000);
  });

  test("say the same about several rules decided together", async () => {
    await new Comparison(connection, makeTimedScript()).run(10_000, 100, {
      rulesMax: 3,
      setBack: false,
      verbs: ["take", "peek", "refund"],
    });
  });

  test("say the same when the clock is set back and when rules change", async () => {
    const verbs = ["take", "take", "peek", "refund", "rules"] as const;
    await new Comparison(connection, makeTimedScript()).run(20_001, 200, { rulesMax: 1, verbs });
  });
});
