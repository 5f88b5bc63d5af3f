// The comparison must kill each mutant of the script. Only its text is changed.
import { requireOrSkip } from "@compendium/metrics/testing";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { makeScript } from "../../src/lua/script.ts";
import { Comparison } from "./compare.ts";
import { mutants } from "./mutants.ts";
import { redisServer, type Server, startServer } from "./server.ts";
import { checkSetBack } from "./set-back.ts";
import { makeTimedScript } from "./timed-script.ts";

const SEEDS = 2_000;
const SEEDS_AT_ONCE = 100;
let server: Server | undefined;
let connection: Redis;

beforeAll(async () => {
  if (!redisServer.present) return;
  server = await startServer();
  connection = server.client({ enableAutoPipelining: true });
});

beforeEach((context) => requireOrSkip(context, redisServer));

afterAll(() => server?.[Symbol.asyncDispose]());

test("the original survives", async () => {
  expect(await judge((text) => text)).toBe("survives");
});

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  "killed: %s",
  async (_, { search, replacement }) => {
    const places = makeScript().text.split(search).length - 1;
    expect(places, `the script must hold this once: ${search}`).toBe(1);
    expect(await judge((text) => text.replace(search, () => replacement))).not.toBe("survives");
  },
);

/** What kills the script, or "survives". */
async function judge(mutate: (text: string) => string): Promise<string> {
  await connection.flushall();
  const script = makeTimedScript(mutate);
  try {
    await checkSetBack(connection, script);
    const comparison = new Comparison(connection, script);
    for (let seed = 0; seed < SEEDS; seed += SEEDS_AT_ONCE) {
      await comparison.run(seed, SEEDS_AT_ONCE);
    }
  } catch (error) {
    return String(error);
  }
  return "survives";
}
