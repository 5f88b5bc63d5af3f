import { requireOrSkip } from "@compendium/metrics/testing";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Comparison } from "./compare.ts";
import { redisServer, type Server, startServer } from "./server.ts";
import { checkSetBack } from "./set-back.ts";
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

test("a step back of the server's clock locks nobody out", async () => {
  await checkSetBack(connection, makeTimedScript());
});

describe("the script and the TypeScript", () => {
  test("say the same along 400 adversarial histories", async () => {
    const comparison = new Comparison(connection, makeTimedScript());
    await comparison.run(0, 400);
    expect(comparison.decisions).toBeGreaterThan(8_000);
  });

  test("say the same where nothing but rules and the clock change", async () => {
    const verbs = ["take", "take", "peek", "refund", "rules"] as const;
    await new Comparison(connection, makeTimedScript()).run(20_000, 200, { verbs });
  });
});
