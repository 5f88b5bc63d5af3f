// The script against the TypeScript, decision by decision: both are led through the same history
// (../support/histories.ts), and have to say the same at every step.
import type { Redis } from "ioredis";
import * as subject from "../../src/index.ts";
import type { Script } from "../../src/lua/script.ts";
import { RedisRateLimiter } from "../../src/redis-rate-limiter.ts";
import type { Rule } from "../../src/rule.ts";
import type { RedisStore } from "../../src/stores/redis.ts";
import {
  drawHistory,
  type History,
  type HistoryOptions,
  type Operation,
} from "../support/histories.ts";
import { makeRule, type RuleSpec } from "../support/rules.ts";
import { Journal } from "./journal.ts";
import { Lane, laneStore } from "./lane.ts";
import { isDecision, perform, type Said, together, type Verbs } from "./perform.ts";

/** Compares along the histories of seeds, many of them at once. */
export class Comparison {
  readonly #connection: Redis;
  readonly #script: Script;
  decisions = 0;

  constructor(connection: Redis, script: Script) {
    this.#connection = connection;
    this.#script = script;
  }

  /** Rejects with an Error that tells the history at the first difference. */
  async run(first: number, count: number, options?: HistoryOptions): Promise<void> {
    let next = first;
    const work = async () => {
      const lane = new Lane(this.#connection);
      await using store = laneStore(lane, this.#script);
      for (let seed = next++; seed < first + count; seed = next++) {
        await this.#compare(draw(seed, options), lane, store);
      }
    };
    await Promise.all(Array.from({ length: Math.min(64, count) }, work));
  }

  async #compare(history: History, lane: Lane, store: RedisStore): Promise<void> {
    const isGroup = isForGroup(history);
    const inMemory = new Journal(history, isGroup);
    const inRedis = new RedisReplay(history, isGroup, lane, store);
    const isAlone = history.plans[0]!.length === 1;
    let latestUs = 0;
    for (const [place, { operation }] of history.steps.entries()) {
      const said = await inRedis.step(operation);
      if (isAlone && operation.verb !== "rules" && lane.tally.expired > 0) {
        inMemory.forget(operation.key);
      }
      const wanted = inMemory.ask(operation);
      this.decisions++;
      latestUs = Math.max(latestUs, operation.nowUs);
      const difference =
        differenceOf(wanted, said, isGroup) ??
        needlessWrite(operation, said, lane, operation.nowUs < latestUs) ??
        (isAlone ? misjudgedExpiry(operation, said, lane) : undefined);
      if (difference !== undefined) throw new Error(tell(history, place, difference));
      if (operation.verb === "rules") continue;
      if (lane.tally.writes > 0) inMemory.write(operation);
      if (isAlone && lane.tally.expiresAtMs === 0) inMemory.forget(operation.key);
    }
  }
}

// Where the clock is set back, one rule: of several, those that expire before it is would be
// forgotten one by one, and the journal is that of all of them.
function draw(seed: number, options: HistoryOptions = {}): History {
  const turn = seed % 2 === 0 ? { setBack: false } : { rulesMax: 1 };
  const history = drawHistory(seed, { ...turn, ...options });
  return { ...history, plans: history.plans.map((plan) => plan.map(keepWindow(history))) };
}

// Every other list of several rules is several limiters that take together.
function isForGroup({ seed, plans, steps }: History): boolean {
  const isReleased = steps.some(({ operation }) => operation.verb === "release");
  return plans.length === 1 && plans[0]!.length > 1 && seed % 4 === 0 && !isReleased;
}

// What is listed one by one is not listed with the window that it was taken under: a longer one
// sees again what has not been trimmed yet, in Redis and in memory at different times.
function keepWindow({ plans }: History) {
  return (spec: RuleSpec, i: number): RuleSpec => {
    const isList = ["sliding-window-log", "concurrency-limit"].includes(spec.algorithm);
    return isList ? { ...spec, windowMs: plans[0]![i]!.windowMs } : spec;
  };
}

/** Leads a limiter in Redis through a history. */
class RedisReplay {
  readonly #limiter: Verbs;
  readonly #lane: Lane;
  readonly #plans: readonly (readonly Rule[])[];
  readonly #leases: number[] = [];

  constructor({ seed, plans }: History, isGroup: boolean, lane: Lane, store: RedisStore) {
    this.#lane = lane;
    this.#plans = plans.map((specs) => specs.map((spec) => makeRule(subject, spec)));
    const onStoreError = (error: Error) => {
      throw error;
    };
    const make = (rules: Rule | readonly Rule[], i = 0) =>
      new RedisRateLimiter(rules, { store, name: `seed-${seed}-${i}`, onStoreError });
    const rules = this.#plans[0]!;
    this.#limiter = isGroup
      ? together(rules.map(make), (parts) => RedisRateLimiter.takeTogether(parts))
      : make(rules);
  }

  async step(operation: Operation): Promise<Said> {
    this.#lane.nowUs = operation.nowUs;
    const said = await this.#do(operation);
    this.#leases.push(isDecision(said) ? said.lease : 0);
    return said;
  }

  #do(operation: Operation): Said | Promise<Said> {
    const { verb, plan } = operation;
    if (verb !== "rules") return perform(this.#limiter, operation, (place) => this.#leases[place]!);
    return void (this.#limiter as RedisRateLimiter).setRules(this.#plans[plan!]!);
  }
}

const FIELDS = ["allowed", "outcome", "remaining", "retryAfterMs", "delayMs", "resetMs"] as const;

function differenceOf(wanted: Said, said: Said, isGroup: boolean): string | undefined {
  if (!isDecision(wanted) || !isDecision(said)) {
    const texts = [wanted, said].map((it) => JSON.stringify(it));
    return texts[0] === texts[1] ? undefined : `${texts[0]} in memory, ${texts[1]} in Redis`;
  }
  const [memory, redis] = [wanted.rule.name, said.rule.name];
  // In memory, limiters that refuse together compare their answers, which are in whole ms: of two
  // waits that end within one, either may bind.
  const areTied = isGroup && !said.allowed && memory !== redis;
  const field = FIELDS.find((it) => wanted[it] !== said[it] && !(areTied && it === "resetMs"));
  if (field !== undefined) {
    return `${field} is ${wanted[field]} in memory, ${said[field]} in Redis`;
  }
  return areTied || memory === redis ? undefined : `${memory} binds in memory, ${redis} in Redis`;
}

// A denied request leaves what is stored as it is.
function needlessWrite(
  { verb }: Operation,
  said: Said,
  { tally }: Lane,
  wasSetBack: boolean,
): string | undefined {
  if (typeof said !== "object" || (verb !== "peek" && said.allowed)) return undefined;
  if (tally.writes === 0 || wasSetBack) return undefined;
  return `nothing is taken, and ${tally.writes} commands write`;
}

// A key goes when it is full again: not before, and not later.
function misjudgedExpiry({ verb, nowUs }: Operation, said: Said, { tally }: Lane) {
  if (verb !== "take" || !isDecision(said) || !said.allowed) return undefined;
  const keptMs = tally.expiresAtMs - Math.floor(nowUs / 1000);
  if (keptMs === said.resetMs) return undefined;
  return `full in ${said.resetMs} ms, but kept for ${keptMs} ms`;
}

function tell({ seed, plans, steps }: History, place: number, difference: string): string {
  const lines = steps
    .slice(0, place + 1)
    .map(({ operation: { verb, nowUs, key, cost, waitMsMax, of, plan } }) => {
      const more = [verb === "reserve" && `up to ${waitMsMax} ms`, of >= 0 && `of ${of}`];
      return `${nowUs} ${verb} ${key} ${cost} ${more.filter(Boolean).join(" ")} ${plan ?? ""}`;
    });
  const rules = plans.map((plan) => JSON.stringify(plan)).join("\n");
  return `seed ${seed}, step ${place}: ${difference}\n${rules}\n${lines.join("\n")}`;
}
