// What a client costs that goes on after it has been denied, where 50,000 of them do: each is
// remembered in this process, and the server is not asked. And what it costs to remember one more:
// the script call at 64 in flight, which is the same for all, and what the peer adds to it.
import { fixedWindow } from "@compendium/rate-limiter";
import { startServer } from "../test/redis/server.ts";
import type { Case } from "./case.ts";
import { seededOrder } from "./order.ts";
import { type Ask, makeAsk } from "./redis-limiters.ts";
import { collectGarbage, medianOf } from "./rounds.ts";

const DENIED = 50_000;
const MORE = 1_000;
const ROUNDS = 7;
const CALLERS = 64;

/** The local memory of denied keys. */
export const blocks: readonly Case[] = [
  {
    rows: [
      { name: "a denied key asks again, 50,000 denied", unit: "µs CPU a decision" },
      { name: "one more key is denied, 50,000 denied", unit: "µs CPU a decision" },
    ],
    contestants: ["ours", "rate-limiter-flexible, auto-pipelining"],
    run: async (names) => {
      await using server = await startServer();
      const rule = fixedWindow({ limit: 1, windowMs: 3_600_000 });
      const asks = names.map((name) => makeAsk(name, server, { rule, blocksMax: 4 * DENIED }));
      const denied = Array.from({ length: DENIED }, (_, i) => `user:${i}`);
      const again: number[][] = names.map(() => []);
      const more: number[][] = names.map(() => []);
      for (const ask of asks) await denyAll(ask, denied);
      for (let round = 0; round < ROUNDS; round++) {
        const added = Array.from({ length: MORE }, (_, i) => `more:${round}:${i}`);
        for (const [i, ask] of asks.entries()) {
          again[i]?.push(await cpuUsOf(ask, shuffled(denied)));
          await askAll(ask, added);
          more[i]?.push(await cpuUsOf(ask, added, CALLERS));
        }
      }
      return names.map((_, i) => [medianOf(again[i] ?? []), medianOf(more[i] ?? [])]);
    },
  },
];

// The first of a key is allowed, the second denied by the server.
async function denyAll(ask: Ask, keys: readonly string[]): Promise<void> {
  for (let times = 0; times < 2; times++) await askAll(ask, keys);
}

async function cpuUsOf(ask: Ask, keys: readonly string[], callers = 1): Promise<number> {
  collectGarbage();
  const before = process.cpuUsage();
  await askAll(ask, keys, callers);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / keys.length;
}

async function askAll(ask: Ask, keys: readonly string[], callers = CALLERS): Promise<void> {
  let asked = 0;
  const call = async () => {
    while (asked < keys.length) await ask(keys[asked++] as string);
  };
  await Promise.all(Array.from({ length: callers }, call));
}

function shuffled(keys: readonly string[]): string[] {
  return [...seededOrder(keys.length, keys.length)].map((i) => keys[i] as string);
}
