// What the server edges have in common: asking a limiter about a request, waiting for a turn, and
// giving back at the end. A limiter in memory answers at once, and then nothing here waits.
//
// What goes wrong? A limiter says by a decision that its store has failed (`onFailure` there). What
// throws is a mistake: in `key`, in `cost`, or a limiter that has been shut down. It goes where the
// framework's errors go, unless `onError` says to let the request through: a limit that is off
// without anybody knowing is worse than an error that somebody sees.
import { type Clock, sleep, systemClock } from "@compendium/runtime";
import type { Decision } from "./decision.ts";
import { KEY_LENGTH_MAX } from "./key.ts";
import type { PlanOptions, TakeOptions } from "./options.ts";
import type { Rule } from "./rule.ts";
import { checkWhole, show } from "./rule-options.ts";

/** A limiter, as the edges see it: it answers at once, as in memory, or later. */
export interface Limiter {
  /** Names it in errors. */
  readonly name: string;
  /** What it says, as long as a request has no rules of its own. */
  readonly rules: readonly Rule[];
  /** Takes `cost` from the limit of `key`, or nothing at all. */
  take(
    key?: string,
    cost?: number,
    options?: Pick<TakeOptions, "rules" | "delayMsMax">,
  ): Decision | PromiseLike<Decision>;
  /** Gives back what was taken. */
  refund?(key?: string, cost?: number, options?: PlanOptions): unknown;
  /** Ends what was begun under a concurrency limit. */
  release?(key: string | undefined, lease: number): unknown;
}

/** Options that every server edge takes. */
export interface ServeOptions<R> {
  /**
   * Whose limit it is. Undefined: the one limit of all who have no key. Default: the address of the
   * client, by {@link addressKey}.
   */
  key?: (request: R) => string | undefined;
  /** What a request costs. A whole number from 0, where 0 passes unasked; default 1. */
  cost?: number | ((request: R) => number);
  /** Requests that pass unasked. Default: none. */
  skip?: (request: R) => boolean;
  /** Rules for this request instead of the limiter's, as `take` has them: a customer's plan. */
  rules?: (request: R) => Rule | readonly Rule[] | undefined;
  /**
   * Requests that are given back when their answer has this status: a sign-in that succeeded. Not
   * where the client went away before it had its answer.
   */
  refundIf?: (status: number, request: R) => boolean;
  /** The longest wait for a turn in a leaky bucket's queue, in ms; else refused. Default 10,000. */
  delayMsMax?: number;
  /** How many requests may wait for their turn at once; others are refused. Default 1,000. */
  waitingMax?: number;
  /** Told of every decision. What it throws is told to `onError`, and changes nothing. */
  onDecision?: (decision: Decision, request: R) => void;
  /**
   * Told of what `key`, `cost` or the limiter threw; true lets the request through. Default: it
   * goes the way of the framework's own errors.
   */
  onError?: (error: unknown, request: R) => boolean;
  /** Measures waits for a turn. Default: the process's monotonic clock. */
  clock?: Clock;
}

/** What is to become of a request. */
export type Verdict =
  /** It was not asked about. */
  | { readonly kind: "skip" }
  /** Its key is empty, too long or ill-formed. */
  | { readonly kind: "bad-key" }
  | { readonly kind: "refuse"; readonly decision: Decision; readonly rules: readonly Rule[] }
  | {
      readonly kind: "pass";
      readonly decision: Decision;
      readonly rules: readonly Rule[];
      /** To be called once it is answered, with the status; undefined: it was cut off. */
      readonly end: ((status?: number) => void) | undefined;
    };

const SKIP: Verdict = { kind: "skip" };
const BAD_KEY: Verdict = { kind: "bad-key" };

/** Asks a limiter about requests; made once for an edge. */
export class Gate<R> {
  readonly #limiter: Limiter;
  readonly #options: ServeOptions<R>;
  readonly #key: (request: R) => string | undefined;
  readonly #delayMsMax: number;
  readonly #waitingMax: number;
  readonly #clock: Clock;
  // Invariant: a place for each "pass" with a delay until `turn` settles.
  #waiting = 0;

  /**
   * @throws TypeError for what is no limiter, or cannot give back what is to be refunded
   * @throws RangeError for options out of range
   */
  constructor(
    limiter: Limiter,
    options: ServeOptions<R>,
    defaultKey: (request: R) => string | undefined,
  ) {
    const { delayMsMax = 10_000, waitingMax = 1_000, clock = systemClock } = options;
    if (typeof limiter?.take !== "function") {
      throw new TypeError(`limiter must have a method "take", got ${show(limiter)}`);
    }
    if (typeof options.cost !== "function" && options.cost !== undefined) {
      checkWhole("cost", options.cost, 0, Number.MAX_SAFE_INTEGER);
    }
    checkWhole("delayMsMax", delayMsMax, 0, Number.MAX_SAFE_INTEGER);
    checkWhole("waitingMax", waitingMax, 0, Number.MAX_SAFE_INTEGER);
    if (options.refundIf !== undefined) checkRefundable(limiter);
    this.#limiter = limiter;
    this.#options = options;
    this.#key = options.key ?? defaultKey;
    this.#delayMsMax = delayMsMax;
    this.#waitingMax = waitingMax;
    this.#clock = clock;
  }

  /** What is to become of a request; a promise only where the limiter gave one. */
  ask(request: R): Verdict | Promise<Verdict> {
    const { skip, cost: price = 1, rules: rulesFor } = this.#options;
    try {
      if (skip?.(request) === true) return SKIP;
      const cost = typeof price === "function" ? price(request) : price;
      if (cost === 0) return SKIP;
      const key = this.#key(request);
      if (key !== undefined && !isUsable(key)) return BAD_KEY;
      const rules = rulesFor?.(request);
      const asked: Asked<R> = { request, key, cost, rules: listOf(rules) ?? this.#limiter.rules };
      const decision = this.#take(asked, rules);
      if (!isPromiseLike(decision)) return this.#heed(asked, decision);
      return Promise.resolve(decision).then(
        (decision) => this.#heed(asked, decision),
        (error) => this.#fail(error, request),
      );
    } catch (error) {
      return this.#fail(error, request);
    }
  }

  /**
   * Waits for the turn of a request that has passed; to be called once if its decision has a delay.
   * Rejects in the turn in which the signal is aborted.
   */
  async turn({ delayMs }: Decision, signal: AbortSignal): Promise<void> {
    try {
      await sleep(delayMs, { clock: this.#clock, signal });
    } finally {
      this.#waiting--;
    }
  }

  #heed(asked: Asked<R>, decision: Decision): Verdict {
    const heeded = decision.delayMs > 0 ? this.#queue(asked, decision) : decision;
    const { onDecision } = this.#options;
    if (onDecision !== undefined) {
      this.#tellingErrors(asked.request, () => onDecision(heeded, asked.request));
    }
    const { rules } = asked;
    if (!heeded.allowed) return { kind: "refuse", decision: heeded, rules };
    return { kind: "pass", decision: heeded, rules, end: this.#ending(asked, heeded) };
  }

  // Most limiters have no queue, and are asked without options: that is their fastest way.
  #take(
    { key, cost, rules }: Asked<R>,
    plan: Rule | readonly Rule[] | undefined,
  ): Decision | PromiseLike<Decision> {
    const hasQueue = rules.some((rule) => rule.algorithm === "leaky-bucket-queue");
    if (plan === undefined && !hasQueue) return this.#limiter.take(key, cost);
    return this.#limiter.take(key, cost, {
      ...(plan !== undefined && { rules: plan }),
      ...(hasQueue && { delayMsMax: this.#delayMsMax }),
    });
  }

  // Takes a place among those who wait. Where there is none, the turn is lost: given back, it would
  // go to the next to come, who would then go at the same time as somebody who waits.
  #queue(asked: Asked<R>, decision: Decision): Decision {
    const { delayMs, lease } = decision;
    if (this.#waiting < this.#waitingMax) {
      this.#waiting++;
      return decision;
    }
    if (lease > 0) this.#release(asked, lease);
    const retryAfterMs = Math.ceil(delayMs);
    return { ...decision, allowed: false, outcome: "denied", retryAfterMs, delayMs: 0, lease: 0 };
  }

  // What is to be done when the request is over; undefined: nothing.
  #ending(asked: Asked<R>, { lease }: Decision): ((status?: number) => void) | undefined {
    const { refundIf } = this.#options;
    if (lease === 0 && refundIf === undefined) return undefined;
    let over = false;
    return (status) => {
      if (over) return;
      over = true;
      if (lease > 0) this.#release(asked, lease);
      if (status !== undefined && refundIf?.(status, asked.request) === true) this.#refund(asked);
    };
  }

  #release({ request, key }: Asked<R>, lease: number): void {
    this.#tellingErrors(request, () => this.#limiter.release?.(key, lease));
  }

  #refund({ request, key, cost, rules }: Asked<R>): void {
    // The rules under which it was taken; the same list, by which limiters know them.
    const options = rules === this.#limiter.rules ? undefined : { rules };
    this.#tellingErrors(request, () => this.#limiter.refund?.(key, cost, options));
  }

  // For what no longer changes the answer. A lease that cannot be given back runs out by itself.
  #tellingErrors(request: R, act: () => unknown): void {
    const tell = (error: unknown) => void this.#options.onError?.(error, request);
    try {
      const acted = act();
      if (isPromiseLike(acted)) acted.then(undefined, tell);
    } catch (error) {
      tell(error);
    }
  }

  #fail(error: unknown, request: R): Verdict {
    if (this.#options.onError?.(error, request) === true) return SKIP;
    throw error;
  }
}

interface Asked<R> {
  readonly request: R;
  readonly key: string | undefined;
  readonly cost: number;
  readonly rules: readonly Rule[];
}

// What the limiter would throw for, and the client's own doing.
function isUsable(key: string): boolean {
  if (typeof key !== "string") return true; // Not the client's: let the limiter complain.
  return key.length > 0 && key.length <= KEY_LENGTH_MAX && key.isWellFormed();
}

// Those who wait for a turn keep it, and a lease ends by its release: neither can be given back
// without somebody else's going with it.
function checkRefundable({ name, rules, refund }: Limiter): void {
  if (typeof refund !== "function") throw new TypeError(`refundIf: ${name} has no "refund"`);
  for (const { algorithm } of rules) {
    if (algorithm === "leaky-bucket-queue" || algorithm === "concurrency-limit") {
      throw new TypeError(`refundIf: ${name} has a ${algorithm}, which takes nothing back`);
    }
  }
}

// Lists by the rule, so that the text of its field is made once.
const lists = new WeakMap<Rule, readonly Rule[]>();

function listOf(rules: Rule | readonly Rule[] | undefined): readonly Rule[] | undefined {
  if (rules === undefined || Array.isArray(rules)) return rules;
  const rule = rules as Rule;
  const list = lists.get(rule) ?? [rule];
  lists.set(rule, list);
  return list;
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === "function";
}
