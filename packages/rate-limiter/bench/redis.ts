// Decisions through Redis: 64 callers, each of whom asks again as soon as it has been answered, for
// one of ten thousand keys. The server is ours alone, on 127.0.0.1, and keeps nothing on disk.
//
// Operations per second are wall time, and so is their ratio to be taken with a grain of salt on a
// busy machine; what Node and the server spend on a decision is CPU time.
import { fixedWindow, type Rule, tokenBucket } from "@compendium/rate-limiter";
import type { Redis } from "ioredis";
import { redisServer, startServer } from "../test/redis/server.ts";
import type { Case, Part } from "./case.ts";
import { seededOrder } from "./order.ts";
import { blocks } from "./redis-blocks.ts";
import { type Ask, contestants, makeAsk } from "./redis-limiters.ts";
import { collectGarbage, medianOf } from "./rounds.ts";

const CALLERS = 64;
const KEYS = 10_000;
const DECISIONS = 10_000;
const WARM_UP_ROUNDS = 2;
const ROUNDS = 15;

const rules: Record<string, Rule> = {
  "token bucket": tokenBucket({ limit: 1_000, windowMs: 600_000 }),
  "fixed window": fixedWindow({ limit: 1_000, windowMs: 600_000 }),
};

/** Through Redis, and past it. */
export const redis: Part = {
  cases: [...Object.entries(rules).map(([name, rule]) => makeCase(name, rule)), ...blocks],
  missing: redisServer.present
    ? undefined
    : `Redis: not measured, there is no redis-server; ${redisServer.how}`,
};

function makeCase(algorithm: string, rule: Rule): Case {
  const name = `Redis, ${algorithm}, ${CALLERS} in flight`;
  return {
    rows: [
      { name, unit: "decisions a second" },
      { name, unit: "µs of Node's CPU a decision" },
      { name, unit: "µs of the server's CPU a decision" },
      { name, unit: "decisions a script call" },
    ],
    contestants,
    run: (names) => run(names, rule),
  };
}

interface Sample {
  readonly perSecond: number;
  readonly nodeUs: number;
  readonly serverUs: number;
}

async function run(names: readonly string[], rule: Rule): Promise<number[][]> {
  await using server = await startServer();
  const control = server.client();
  const asks = names.map((name) => makeAsk(name, server, { rule }));
  const keys = Array.from({ length: KEYS }, (_, i) => `user:${i}`);
  const order = seededOrder(DECISIONS, KEYS);
  const samples = names.map((): Sample[] => []);
  const perCall: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const [i, ask] of asks.entries()) {
      await control.config("RESETSTAT");
      const sample = await runRound(ask, control, keys, order);
      if (round < 0) continue;
      samples[i]?.push(sample);
      perCall[i] = DECISIONS / (await scriptCalls(control));
    }
  }
  // What is asked for in one turn travels in one call: all callers are answered in one turn, too.
  const ours = perCall[names.indexOf("ours")] ?? CALLERS;
  if (ours < 0.9 * CALLERS) throw new Error(`only ${ours} decisions travelled in one call`);
  return samples.map((list, i) => [
    medianOf(list.map((it) => it.perSecond)),
    medianOf(list.map((it) => it.nodeUs)),
    medianOf(list.map((it) => it.serverUs)),
    perCall[i] as number,
  ]);
}

async function runRound(
  ask: Ask,
  control: Redis,
  keys: readonly string[],
  order: Uint32Array,
): Promise<Sample> {
  collectGarbage();
  let asked = 0;
  const call = async () => {
    while (asked < DECISIONS) await ask(keys[order[asked++] as number] as string);
  };
  const serverBefore = await serverCpuUs(control);
  const before = process.cpuUsage();
  const beganMs = performance.now();
  await Promise.all(Array.from({ length: CALLERS }, call));
  const seconds = (performance.now() - beganMs) / 1000;
  const { user, system } = process.cpuUsage(before);
  const serverUs = (await serverCpuUs(control)) - serverBefore;
  return {
    perSecond: DECISIONS / seconds,
    nodeUs: (user + system) / DECISIONS,
    serverUs: serverUs / DECISIONS,
  };
}

async function serverCpuUs(control: Redis): Promise<number> {
  const info = await control.info("cpu");
  return 1e6 * (numberIn(info, "used_cpu_user:") + numberIn(info, "used_cpu_sys:"));
}

async function scriptCalls(control: Redis): Promise<number> {
  const info = await control.info("commandstats");
  return numberIn(info, "cmdstat_evalsha:calls=");
}

function numberIn(info: string, name: string): number {
  const at = info.indexOf(name);
  return at === -1 ? 0 : Number.parseFloat(info.slice(at + name.length));
}
