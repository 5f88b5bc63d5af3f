// What one decision costs in memory: for a key that is alone, and for one of a hundred thousand in
// random order; allowed, and denied.

import type { Case } from "./case.ts";
import {
  type Algorithm,
  type Answer,
  algorithms,
  bottleneck,
  limiter,
  ours,
  rateLimiterFlexible,
} from "./limiters.ts";
import { seededOrder } from "./order.ts";
import { type Contestant, type Load, measure } from "./rounds.ts";
import { show } from "./row.ts";

const UNIT = "ns CPU a decision";
const KEYS = 100_000;

/** Every algorithm, in each of four situations. */
export const speed: readonly Case[] = (["allowed", "denied"] as const).flatMap((answer) =>
  [1, KEYS].flatMap((keys) =>
    (Object.keys(algorithms) as Algorithm[]).map((algorithm) => makeCase(algorithm, answer, keys)),
  ),
);

function makeCase(algorithm: Algorithm, answer: Answer, keys: number): Case {
  const isFirst = algorithm === "token bucket";
  const of = keys === 1 ? "one key" : `${show(keys)} keys`;
  return {
    rows: [{ name: `${algorithm}, ${of}${answer === "denied" ? ", denied" : ""}`, unit: UNIT }],
    contestants: isFirst
      ? ["ours", "rate-limiter-flexible", "limiter", ...(keys === 1 ? ["bottleneck"] : [])]
      : ["ours", "rate-limiter-flexible"],
    // Many keys fill the caches; those of one contestant must not push out another's.
    apart: keys > 1,
    run: async (names) => {
      const load = makeLoad(keys);
      const contestants: Contestant[] = [];
      for (const name of names) contestants.push(await make(name, algorithm, answer, load.keys));
      return (await measure(contestants, load)).map((figure) => [figure]);
    },
  };
}

async function make(
  name: string,
  algorithm: Algorithm,
  answer: Answer,
  keys: readonly string[],
): Promise<Contestant> {
  if (name === "rate-limiter-flexible") return rateLimiterFlexible(answer, keys);
  if (name === "limiter") return limiter(answer, keys);
  if (name === "bottleneck") return bottleneck(answer, keys);
  if (name === "ours") return ours(algorithm, answer, keys);
  throw new TypeError(`no contestant has the name ${name}`);
}

function makeLoad(count: number): Load {
  const keys = Array.from({ length: count }, (_, i) => `user:${i}`);
  return { keys, order: seededOrder(count === 1 ? 1 : 2 ** 20, count) };
}
