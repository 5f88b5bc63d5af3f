// What a limiter remembers of a key: heap and external memory after a collection, with as many keys
// as the row says less before the first, divided by their number. Each key has taken one, and none
// has been forgotten. The caller has the keys anyway, as long as the request lasts; the row says
// whether the limiter's hold on their text is counted: 13 characters, which V8 keeps in 32 bytes.
import { RateLimiter } from "@compendium/rate-limiter";
import type { Case } from "./case.ts";
import {
  type Algorithm,
  algorithms,
  bottleneck,
  limiter,
  rateLimiterFlexible,
} from "./limiters.ts";
import { show } from "./row.ts";

const UNIT = "bytes a key";
// One key of bottleneck's takes a millisecond, and weighs as much as a hundred of the others.
const KEYS_OF_BOTTLENECK = 1_000;

/** Bytes a key. */
export const memory: readonly Case[] = [
  ...[100_000, 1_000_000].flatMap((keys) =>
    [false, true].map((withText) => makeCase("token bucket", keys, withText)),
  ),
  ...(Object.keys(algorithms) as Algorithm[])
    .filter((algorithm) => algorithm !== "token bucket")
    .map((algorithm) => makeCase(algorithm, 100_000, false)),
];

function makeCase(algorithm: Algorithm, keys: number, withText: boolean): Case {
  return {
    rows: [
      {
        name: `${algorithm}, ${show(keys)} keys ${withText ? "with" : "without"} their text`,
        unit: UNIT,
      },
    ],
    contestants: [
      "ours",
      "rate-limiter-flexible",
      ...(algorithm === "token bucket" ? ["limiter"] : []),
      ...(algorithm === "token bucket" && keys === 100_000 ? ["bottleneck"] : []),
    ],
    apart: true,
    run: async ([name = "ours"]) => {
      const count = name === "bottleneck" ? KEYS_OF_BOTTLENECK : keys;
      return [[await weigh(name, algorithm, count, withText)]];
    },
  };
}

async function weigh(
  name: string,
  algorithm: Algorithm,
  count: number,
  withText: boolean,
): Promise<number> {
  const kept = withText ? [] : Array.from({ length: count }, (_, i) => keyOf(i));
  const take = await make(name, algorithm);
  // What every limiter needs once, whatever the number of its keys, is there before.
  await take(keyOf(count));
  const before = await usedBytes();
  for (let i = 0; i < count; i++) {
    const taken = take(withText ? keyOf(i) : (kept[i] as string));
    if (taken instanceof Promise) await taken;
  }
  const bytes = ((await usedBytes()) - before) / count;
  // Used once more, so that nothing was collected too early.
  await take(kept[0] ?? keyOf(0));
  return bytes;
}

async function make(name: string, algorithm: Algorithm): Promise<(key: string) => unknown> {
  if (name === "rate-limiter-flexible") return (await rateLimiterFlexible("allowed", ["a"])).call;
  if (name === "limiter") return limiter("allowed", ["a"]).call;
  if (name === "bottleneck") return (await bottleneck("allowed", ["a"])).call;
  const subject = new RateLimiter(algorithms[algorithm](10));
  return (key) => subject.take(key);
}

// Through a buffer, as keys come from the network: in one piece, and in nobody else's memory.
function keyOf(i: number): string {
  return Buffer.from(`user:${String(i).padStart(8, "0")}`).toString("latin1");
}

async function usedBytes(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
