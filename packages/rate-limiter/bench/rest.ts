// What keys cost that nobody asks about any more: the CPU time of forgetting them, the memory they
// hold at most, and the timers that wait for their end.
import { setTimeout as sleep } from "node:timers/promises";
import { RateLimiter, tokenBucket } from "@compendium/rate-limiter";
import { RateLimiterMemory } from "rate-limiter-flexible";
import type { Case } from "./case.ts";
import { collectGarbage } from "./rounds.ts";
import { show } from "./row.ts";

const MANY = 10_000_000;
// A peer with a timer for each key needs gigabytes for more.
const FEW = 1_000_000;
const AT_ONCE = 2_000_000;
const PEER = "rate-limiter-flexible";

/** Keys that come once and never again. */
export const rest: readonly Case[] = [
  {
    rows: [
      {
        name: `a key that comes once: ${show(MANY)} of ours, ${show(FEW)} of theirs`,
        unit: "ns CPU a key, its end included",
      },
    ],
    contestants: ["ours", PEER],
    apart: true,
    run: async ([name = "ours"]) => [[await passThrough(name)]],
  },
  {
    rows: [{ name: `${show(AT_ONCE)} keys in one window, ours bounded to 1,000,000`, unit: "MB" }],
    contestants: ["ours", PEER],
    apart: true,
    run: async ([name = "ours"]) => [[await heldAtOnce(name)]],
  },
  {
    rows: [
      { name: `at rest, while the limits of ${show(FEW)} keys run out`, unit: "ns CPU a key" },
    ],
    contestants: ["ours", PEER],
    apart: true,
    run: async ([name = "ours"]) => [[await atRest(name)]],
  },
  {
    rows: [{ name: "timers", unit: "timers a key" }],
    contestants: ["ours", PEER],
    apart: true,
    run: async ([name = "ours"]) => [[await timers(name)]],
  },
];

function make(name: string, windowMs: number): (key: string) => unknown {
  if (name === PEER) {
    const limiter = new RateLimiterMemory({ points: 10, duration: windowMs / 1000 });
    return (key) => limiter.consume(key);
  }
  const limiter = new RateLimiter(tokenBucket({ limit: 10, windowMs }));
  return (key) => limiter.take(key);
}

// Their limits are full again after ten milliseconds.
async function passThrough(name: string): Promise<number> {
  const windowMs = 10;
  const keys = name === "ours" ? MANY : FEW;
  const take = make(name, windowMs);
  const before = process.cpuUsage();
  await takeOnce(take, keys);
  await sleep(10 * windowMs);
  return cpuNsSince(before) / keys;
}

async function heldAtOnce(name: string): Promise<number> {
  const take = make(name, 3_600_000);
  const before = usedBytes();
  await takeOnce(take, AT_ONCE);
  const megabytes = (usedBytes() - before) / 1e6;
  await take("the last one");
  return megabytes;
}

async function atRest(name: string): Promise<number> {
  const windowMs = 10_000;
  const take = make(name, windowMs);
  await takeOnce(take, FEW);
  // Or V8 would collect what filling them has left behind, as soon as it is quiet.
  collectGarbage();
  const before = process.cpuUsage();
  await sleep(windowMs + 2000);
  const nsPerKey = cpuNsSince(before) / FEW;
  await take("the last one");
  return nsPerKey;
}

// process.getActiveResourcesInfo() leaves out timers that do not keep the process alive, though
// they wake it up all the same. So they are counted where they are made.
async function timers(name: string): Promise<number> {
  const { setTimeout: realTimeout, setInterval: realInterval } = globalThis;
  let made = 0;
  const counting = <F extends typeof realTimeout | typeof realInterval>(real: F): F =>
    ((...args: Parameters<F>) => {
      made++;
      return (real as (...args: unknown[]) => unknown)(...args);
    }) as unknown as F;
  globalThis.setTimeout = counting(realTimeout);
  globalThis.setInterval = counting(realInterval);
  await takeOnce(make(name, 1000), 1000);
  globalThis.setTimeout = realTimeout;
  globalThis.setInterval = realInterval;
  return made / 1000;
}

async function takeOnce(take: (key: string) => unknown, keys: number): Promise<void> {
  for (let i = 0; i < keys; i++) {
    take(`user:${i}`);
    // A turn of the event loop, in which timers run.
    if (i % 1000 === 999) await new Promise((resolve) => setImmediate(resolve));
  }
}

function cpuNsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

function usedBytes(): number {
  for (let i = 0; i < 4; i++) collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
