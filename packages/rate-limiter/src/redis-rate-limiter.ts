// A rate limit of a whole fleet: the rules of rate-limiter.ts, kept in Redis and decided there, by
// the server's clock. Every process sees the same limit; a process whose clock is an hour off
// changes nothing.
//
// The server can be slow or gone. Then the decision is a policy's, made in time and counted under
// an outcome of its own: let through (the default: a limit protects a service, and should not be
// what takes it down), deny, or hold this process to its own share of the limit.
import { type Clock, sleep, systemClock } from "@compendium/runtime";
import { BlockCache } from "./block-cache.ts";
import { decisionOf } from "./decide.ts";
import { type Decision, OUTCOMES, type Outcome, type Reservation } from "./decision.ts";
import { RateLimiterError } from "./errors.ts";
import { checkCost, checkIdempotencyKey, checkKey, storedKeyOf } from "./key.ts";
import { checkName, LimiterKeys } from "./limiter-keys.ts";
import type { AcquireOptions, PlanOptions, TakeOptions } from "./options.ts";
import { checkParts } from "./parts.ts";
import type { RedisRateLimiterOptions } from "./redis-options.ts";
import type { Rule } from "./rule.ts";
import { checkWhole, show } from "./rule-options.ts";
import { checkRules, checkSameAlgorithms } from "./rule-sets.ts";
import type { RedisRateLimiterStats } from "./stats.ts";
import { StoreFailure } from "./store-failure.ts";
import type { RedisStore } from "./stores/redis.ts";
import {
  encodeRules,
  type Reply,
  type Request,
  type Verb,
  WAIT_MS_ANY,
} from "./stores/redis-protocol.ts";
import { checkWait, delayMsMaxOf, tooEarlyMs } from "./wait.ts";

/** What one limiter has to say about a request that several decide together. */
export interface RedisPart {
  /** Who is asked. */
  limiter: RedisRateLimiter;
  /** Default: the one limit of all. */
  key?: string;
  /** Default 1. */
  cost?: number;
}

/** One rule or several, for any number of keys, shared by all processes that use the same Redis. */
export class RedisRateLimiter {
  /** Its name in keys, metrics and errors. */
  readonly name: string;
  /** Where the limit is kept. */
  readonly store: RedisStore;
  readonly #options: RedisRateLimiterOptions;
  readonly #clock: Clock;
  readonly #keys: LimiterKeys;
  readonly #blocks: BlockCache | undefined;
  readonly #failure: StoreFailure;
  readonly #idempotencyMs: number;
  #rules: readonly Rule[];
  // The rules in the script's words, by what was passed in.
  readonly #encoded = new WeakMap<object, { rules: readonly Rule[]; text: string }>();
  readonly #counts = Object.fromEntries(OUTCOMES.map((it) => [it, 0])) as Record<Outcome, number>;

  /**
   * @throws RangeError for options out of range, or rules of one name
   * @throws TypeError for what is no rule
   */
  constructor(rules: Rule | readonly Rule[], options: RedisRateLimiterOptions) {
    const { name = "rate-limiter", store, blockCacheKeysMax = 0, idempotencyMs = 60_000 } = options;
    checkName(name);
    checkWhole("blockCacheKeysMax", blockCacheKeysMax, 0, 2 ** 24 - 1);
    checkWhole("idempotencyMs", idempotencyMs, 1, 86_400_000);
    if (typeof store?.decide !== "function") {
      throw new TypeError(`store must be a RedisStore, got ${show(store)}`);
    }
    this.name = name;
    this.store = store;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#failure = new StoreFailure(options.onStoreFailure ?? "open", name, this.#clock);
    this.#keys = new LimiterKeys(store.prefix, name, options.partition);
    this.#idempotencyMs = idempotencyMs;
    this.#blocks = blockCacheKeysMax > 0 ? new BlockCache(blockCacheKeysMax) : undefined;
    this.#rules = checkRules(rules);
    this.#failure.setRules(this.#rules);
  }

  /** The rules, in order. */
  get rules(): readonly Rule[] {
    return this.#rules;
  }

  /**
   * Puts other rules in the place of the limiter's, for this process and from now on; what has been
   * taken stays taken.
   *
   * @throws TypeError unless they are of the same algorithms in the same order
   */
  setRules(rules: Rule | readonly Rule[]): void {
    this.#rules = this.#encode(rules).rules;
    this.#failure.setRules(this.#rules);
  }

  /**
   * Takes `cost` from the limit of `key`, or nothing at all. One round trip, for all rules, and for
   * all that is asked in this turn. Never rejects because of the store.
   *
   * @throws RangeError when cost is not a whole number from 1, or the key is empty or too long
   * @throws TypeError when the key is no string
   */
  async take(key?: string, cost = 1, options: TakeOptions = {}): Promise<Decision> {
    checkCost(cost);
    checkKey(storedKeyOf(key));
    const { rules: wanted, idempotencyKey, delayMsMax } = options;
    const isPlain =
      wanted === undefined && idempotencyKey === undefined && delayMsMax === undefined;
    const blocked = isPlain ? this.#findBlock(key, cost) : undefined;
    if (blocked !== undefined) return this.#count(blocked);
    const { rules } = this.#encode(wanted === undefined ? this.#rules : wanted);
    const askedAtMs = this.#blocks === undefined ? 0 : this.#clock.now();
    const argument = Math.min(delayMsMaxOf(options), WAIT_MS_ANY);
    const request = this.#request("t", key, cost, { wanted, idempotencyKey, argument });
    const decision = await this.#ask(request, rules, () => this.#failure.decide("take", key, cost));
    if (isPlain && decision.outcome === "denied") {
      this.#blocks?.add(this.#keys.blockKeyOf(key), cost, decision, askedAtMs);
    }
    return this.#count(decision);
  }

  /**
   * Takes from several limiters of one store, or from none of them, in one round trip. The answer
   * is that of the limiter that binds most.
   *
   * @throws TypeError when their keys are of different partitions, which a cluster keeps apart
   */
  static async takeTogether(parts: readonly RedisPart[]): Promise<Decision> {
    checkParts(parts, RedisRateLimiter);
    const first = checkOneStore(parts);
    const requests = parts.map(({ limiter, key, cost = 1 }) => {
      checkCost(cost);
      checkKey(storedKeyOf(key));
      return limiter.#request("t", key, cost);
    });
    checkSamePartition(requests);
    const request = {
      tokens: requests.flatMap((it) => it.tokens),
      keys: requests.flatMap((it) => it.keys),
      tag: requests[0]!.tag,
    };
    const rules = parts.flatMap(({ limiter }) => limiter.rules);
    const owners = parts.flatMap(({ limiter }) => limiter.rules.map(() => limiter));
    let reply: Reply;
    try {
      reply = await first.store.decide(request);
    } catch (error) {
      first.#tell(error);
      const decisions = parts.map(({ limiter, key, cost = 1 }) =>
        limiter.#count(limiter.#failure.decide("take", key, cost)),
      );
      return decisions.find((it) => !it.allowed) ?? decisions[0]!;
    }
    const decision = replied(reply, rules);
    if (!decision.allowed) return owners[reply.binding]!.#count(decision);
    for (const { limiter } of parts) limiter.#count(decision);
    return decision;
  }

  /** What `take` would answer. Takes nothing, and counts nothing. */
  async peek(key?: string, cost = 1, options: PlanOptions = {}): Promise<Decision> {
    checkCost(cost);
    checkKey(storedKeyOf(key));
    const { rules } = this.#encode(options.rules === undefined ? this.#rules : options.rules);
    const request = this.#request("p", key, cost, { wanted: options.rules });
    return this.#ask(request, rules, () => this.#failure.decide("peek", key, cost));
  }

  /**
   * Takes `cost` for a turn up to `waitMsMax` ahead, or nothing at all: the caller waits, and need
   * not ask again.
   *
   * @param waitMsMax up to the smallest `reserveMsMax` of the rules, which is the default
   * @throws RangeError when waitMsMax is above that
   */
  async reserve(
    key?: string,
    cost = 1,
    waitMsMax?: number,
    options: PlanOptions = {},
  ): Promise<Reservation> {
    checkCost(cost);
    checkKey(storedKeyOf(key));
    const { rules } = this.#encode(options.rules ?? this.#rules);
    const longestMs = checkWait(rules, waitMsMax);
    const argument = Math.min(longestMs, WAIT_MS_ANY);
    const request = this.#request("r", key, cost, { wanted: options.rules, argument });
    let reply: Reply;
    try {
      reply = await this.store.decide(request);
    } catch (error) {
      this.#tell(error);
      const decision = this.#count(this.#failure.decide("take", key, cost));
      if (!decision.allowed) return { allowed: false, retryAfterMs: decision.retryAfterMs };
      return { allowed: true, waitMs: decision.delayMs, lease: 0, cancel: () => {} };
    }
    const { waitUs, delayUs, lease } = reply;
    const retryAfterMs = tooEarlyMs(rules, waitUs, delayUs, longestMs);
    if (retryAfterMs > 0) {
      this.#counts[waitUs === Infinity ? "too-costly" : "denied"]++;
      return { allowed: false, retryAfterMs };
    }
    this.#counts.allowed++;
    const waitMs = Math.max(waitUs, delayUs) / 1000;
    const cancel = this.#cancel(key, cost, options, lease);
    return { allowed: true, waitMs, lease, cancel };
  }

  /**
   * Waits for its turn. Resolves when it has come, or with a refusal when that would take longer
   * than `waitMsMax`.
   */
  async acquire(key?: string, cost = 1, options: AcquireOptions = {}): Promise<Reservation> {
    const { waitMsMax, signal } = options;
    signal?.throwIfAborted();
    const reservation = await this.#untilAborted(
      this.reserve(key, cost, waitMsMax, options),
      signal,
    );
    if (!reservation.allowed || reservation.waitMs === 0) return reservation;
    try {
      await sleep(reservation.waitMs, { clock: this.#clock, ...(signal && { signal }) });
    } catch (reason) {
      reservation.cancel();
      throw reason;
    }
    return reservation;
  }

  /**
   * Gives back up to `cost` of what a key has taken, the newest first. A turn in a leaky bucket's
   * queue is lost, and a place under a concurrency limit is given back by `release`. Rejects with a
   * {@link RateLimiterError} when the store does not answer.
   */
  async refund(key?: string, cost = 1, options: PlanOptions = {}): Promise<void> {
    checkCost(cost);
    checkKey(storedKeyOf(key));
    this.#blocks?.delete(this.#keys.blockKeyOf(key));
    await this.store.decide(this.#request("f", key, cost, { wanted: options.rules }));
  }

  /**
   * Ends what `take` began, where a rule is a concurrency limit. Resolves to whether the place was
   * still held. Rejects with a {@link RateLimiterError} when the store does not answer: the lease
   * then ends by itself.
   *
   * @throws TypeError when no rule is a concurrency limit
   */
  async release(key: string | undefined, lease: number): Promise<boolean> {
    checkKey(storedKeyOf(key));
    const leases = this.#rules.filter((rule) => rule.algorithm === "concurrency-limit");
    if (leases.length === 0) {
      throw new TypeError(`${this.name} has no concurrency limit to release`);
    }
    this.#blocks?.delete(this.#keys.blockKeyOf(key));
    const tag = this.#keys.tagOf(storedKeyOf(key));
    const keys = this.#keys.windowsOf(storedKeyOf(key), tag, leases);
    const rules = encodeRules(leases);
    const token = { verb: "l", cost: 1, rules, answerMs: 0, argument: lease } as const;
    const reply = await this.store.decide({ tokens: [token], keys, tag });
    return reply.lease === 1;
  }

  /**
   * Forgets a key: its limit is full again. Rejects with a {@link RateLimiterError} when the store
   * does not answer.
   */
  async reset(key?: string): Promise<void> {
    checkKey(storedKeyOf(key));
    this.#blocks?.delete(this.#keys.blockKeyOf(key));
    await this.store.decide(this.#request("d", key, 1));
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): RedisRateLimiterStats {
    const keysBlocked = this.#blocks?.size ?? 0;
    return { name: this.name, decisions: { ...this.#counts }, keysBlocked };
  }

  #count(decision: Decision): Decision {
    this.#counts[decision.outcome]++;
    return decision;
  }

  #findBlock(key: string | undefined, cost: number): Decision | undefined {
    if (this.#blocks === undefined) return undefined;
    return this.#blocks.find(this.#keys.blockKeyOf(key), cost, this.#clock.now());
  }

  #encode(given: Rule | readonly Rule[]): { rules: readonly Rule[]; text: string } {
    const known = this.#encoded.get(given);
    if (known !== undefined) return known;
    const rules = checkRules(given);
    checkSameAlgorithms(this.#rules, rules);
    const encoded = { rules, text: encodeRules(rules) };
    this.#encoded.set(given, encoded);
    return encoded;
  }

  #request(verb: Verb, key: string | undefined, cost: number, asked: Asked = {}): Request {
    const { wanted, idempotencyKey, argument = WAIT_MS_ANY } = asked;
    const { rules, text } = this.#encode(wanted === undefined ? this.#rules : wanted);
    const storedKey = storedKeyOf(key);
    const tag = this.#keys.tagOf(storedKey);
    const keys = this.#keys.windowsOf(storedKey, tag, rules);
    if (idempotencyKey !== undefined) {
      checkIdempotencyKey(idempotencyKey);
      keys.unshift(this.#keys.answerOf(storedKey, tag, idempotencyKey));
    }
    const answerMs = idempotencyKey === undefined ? 0 : this.#idempotencyMs;
    return { tokens: [{ verb, cost, rules: text, answerMs, argument }], keys, tag };
  }

  async #ask(
    request: Request,
    rules: readonly Rule[],
    withoutStore: () => Decision,
  ): Promise<Decision> {
    let reply: Reply;
    try {
      reply = await this.store.decide(request);
    } catch (error) {
      this.#tell(error);
      return withoutStore();
    }
    return replied(reply, rules);
  }

  #tell(error: unknown): void {
    if (!(error instanceof RateLimiterError)) throw error;
    this.#options.onStoreError?.(error);
  }

  #cancel(key: string | undefined, cost: number, options: PlanOptions, lease: number): () => void {
    let isHeld = true;
    return () => {
      const tell = (error: unknown) => this.#tell(error);
      if (isHeld) this.refund(key, cost, options).catch(tell);
      if (isHeld && lease !== 0) this.release(key, lease).catch(tell);
      isHeld = false;
    };
  }

  // The store may take its time; who is aborted does not wait for it, nor keeps the place.
  #untilAborted(
    reserving: Promise<Reservation>,
    signal: AbortSignal | undefined,
  ): Promise<Reservation> {
    if (signal === undefined) return reserving;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        reject(signal.reason);
        reserving.then(
          (reservation) => reservation.allowed && reservation.cancel(),
          () => {},
        );
      };
      signal.addEventListener("abort", onAbort, { once: true });
      const done = () => signal.removeEventListener("abort", onAbort);
      reserving.then(resolve, reject).finally(done);
    });
  }
}

interface Asked {
  wanted?: Rule | readonly Rule[] | undefined;
  idempotencyKey?: string | undefined;
  argument?: number;
}

function checkOneStore(parts: readonly RedisPart[]): RedisRateLimiter {
  const first = parts[0]!.limiter;
  for (const { limiter } of parts) {
    if (limiter.store === first.store) continue;
    throw new TypeError(`${limiter.name} and ${first.name} are in different stores`);
  }
  return first;
}

function checkSamePartition(requests: readonly Request[]): void {
  const tag = requests[0]!.tag;
  for (const other of requests) {
    if (other.tag === tag) continue;
    throw new TypeError(
      `keys that are decided together must share a partition (option \`partition\`), ` +
        `got ${show(tag)} and ${show(other.tag)}`,
    );
  }
}

function replied(reply: Reply, rules: readonly Rule[]): Decision {
  const { waitUs, remaining, fullInUs, binding, delayUs, lease } = reply;
  return decisionOf(rules[binding]!, waitUs, remaining, delayUs, fullInUs, lease);
}
