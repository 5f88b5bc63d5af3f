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
  type Verb,
} from "../support/histories.ts";
import { makeRule, type RuleSpec } from "../support/rules.ts";
import { Journal } from "./journal.ts";
import { Lane, laneStore, NOTHING } from "./lane.ts";
import { isDecision, perform, type Said, together, type Verbs } from "./perform.ts";

const VERBS: readonly Verb[] = ["take", "peek", "reserve", "refund", "release", "cancel", "rules"];

const UNSETTLED: ReadonlySet<Verb> = new Set<Verb>(["rules", "release"]);

// As many histories as are on their way at once.
const LANES = 64;

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
    let difference: unknown;
    const work = async () => {
      const lane = new Lane(this.#connection);
      await using store = laneStore(lane, this.#script);
      while (difference === undefined && next < first + count) {
        await this.#compare(draw(next++, options), lane, store);
      }
    };
    const lanes = Array.from({ length: Math.min(LANES, count) }, () =>
      work().catch((error) => {
        difference ??= error;
      }),
    );
    await Promise.all(lanes);
    if (difference !== undefined) throw difference;
  }

  async #compare(history: History, lane: Lane, store: RedisStore): Promise<void> {
    const isGroup = isForGroup(history);
    const isAlone = history.plans[0]!.length === 1;
    // What was full and has been forgotten stays forgotten when the clock is set back.
    const forgets = maySetBack(history.seed);
    const inMemory = new Journal(history, isGroup);
    const inRedis = new RedisReplay(history, isGroup, lane, store);
    let latestUs = 0;
    let place = 0;
    for (const turn of turnsOf(history)) {
      const said = await inRedis.turn(turn);
      const { tally } = lane;
      const { key, nowUs } = turn[0]!;
      const wasSetBack = nowUs < latestUs;
      latestUs = Math.max(latestUs, nowUs);
      if (forgets && tally.expired > 0) inMemory.forget(key);
      for (const [i, operation] of turn.entries()) {
        const difference = differenceOf(inMemory.ask(operation), said[i], isGroup);
        if (difference !== undefined) throw new Error(tell(history, place, difference));
        const isMended = wasSetBack && tally.writes > 0;
        if (isMended || hasChanged(operation, said[i])) inMemory.write(operation);
        place++;
        this.decisions++;
      }
      const isGone = tally.expiresAtMs === 0 && turn[0]!.verb !== "rules";
      if (forgets && isGone) inMemory.forget(key);
      const complaint =
        (wasSetBack ? undefined : needlessWrite(turn, said, lane)) ??
        (isAlone && turn.length === 1 ? misjudgedExpiry(turn[0]!, said[0], lane) : undefined);
      if (complaint !== undefined) throw new Error(tell(history, place - 1, complaint));
    }
  }
}

// What happens at one moment is asked in one turn, and so decided in one call: in every other
// history, and unless it depends on an answer.
function turnsOf({ seed, steps }: History): Operation[][] {
  const turns: Operation[][] = [];
  for (const { operation } of steps) {
    const before = turns.at(-1);
    const isAlone = operation.verb === "release" || operation.verb === "rules";
    const first = before?.[0];
    const canJoin = seed % 4 === 0 && !isAlone && first?.verb !== "rules";
    if (canJoin && first?.nowUs === operation.nowUs) before?.push(operation);
    else turns.push([operation]);
  }
  return turns;
}

function hasChanged({ verb }: Operation, said: Said): boolean {
  if (verb === "rules" || verb === "peek") return false;
  return typeof said === "object" ? said.allowed : said !== false;
}

// Where the clock is set back, one rule, and always the same: of several, those that expire before
// it is would be forgotten one by one, and the journal is that of all of them; and what has to be
// mended is stored under the rules of whoever looks, be it only a look. And no release: numbers of
// leases begin at the time, so a number that was given before may be given again.
function draw(seed: number, options: HistoryOptions = {}): History {
  const { verbs = VERBS } = options;
  const alone = { rulesMax: 1, verbs: verbs.filter((verb) => !UNSETTLED.has(verb)) };
  const turn = maySetBack(seed) ? alone : { setBack: false };
  const history = drawHistory(seed, { ...options, ...turn });
  return { ...history, plans: history.plans.map((plan) => plan.map(keepWindow(history))) };
}

function maySetBack(seed: number): boolean {
  return seed % 2 === 1;
}

// Every other list of several rules is several limiters that take together.
function isForGroup({ seed, plans, steps }: History): boolean {
  const isReleased = steps.some(({ operation }) => operation.verb === "release");
  return plans.length === 1 && plans[0]!.length > 1 && seed % 8 < 4 && !isReleased;
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
  #error: Error | undefined;

  constructor({ seed, plans }: History, isGroup: boolean, lane: Lane, store: RedisStore) {
    this.#lane = lane;
    this.#plans = plans.map((specs) => specs.map((spec) => makeRule(subject, spec)));
    const onStoreError = (error: Error) => {
      this.#error = error;
    };
    const make = (rules: Rule | readonly Rule[], i = 0) =>
      new RedisRateLimiter(rules, { store, name: `seed-${seed}-${i}`, onStoreError });
    const rules = this.#plans[0]!;
    this.#limiter = isGroup
      ? together(rules.map(make), (parts) => RedisRateLimiter.takeTogether(parts))
      : make(rules);
  }

  /** Asks for all of it at once. */
  async turn(operations: readonly Operation[]): Promise<Said[]> {
    this.#lane.nowUs = operations[0]!.nowUs;
    this.#lane.tally = NOTHING;
    const said = await Promise.all(operations.map((it) => this.#do(it)));
    if (this.#error !== undefined) throw this.#error;
    for (const it of said) this.#leases.push(isDecision(it) ? it.lease : 0);
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
    // Each numbers its leases as it likes.
    const texts = [wanted, said].map((it) =>
      JSON.stringify(it, (name, value) => (name === "lease" ? 0 : value)),
    );
    return texts[0] === texts[1] ? undefined : `${texts[0]} in memory, ${texts[1]} in Redis`;
  }
  const [memory, redis] = [wanted.rule.name, said.rule.name];
  // In memory, limiters that decide together compare their answers, which are in whole ms: of two
  // times that end within one, either may bind.
  const areTied = isGroup && memory !== redis;
  const isFree = areTied && !said.allowed;
  const field = FIELDS.find((it) => wanted[it] !== said[it] && !(isFree && it === "resetMs"));
  if (field !== undefined) {
    return `${field} is ${wanted[field]} in memory, ${said[field]} in Redis`;
  }
  return areTied || memory === redis ? undefined : `${memory} binds in memory, ${redis} in Redis`;
}

// A denied request leaves what is stored as it is.
function needlessWrite(turn: readonly Operation[], said: readonly Said[], { tally }: Lane) {
  if (tally.writes === 0 || turn.some((it, i) => hasChanged(it, said[i]))) return undefined;
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
