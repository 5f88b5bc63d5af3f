// An operation of a history, done to whatever has a limiter's verbs: at once in memory, some time
// later in Redis.
import type { Decision, Reservation } from "../../src/decision.ts";
import type { Operation } from "../support/histories.ts";

/** What a limiter said; nothing, where it has nothing to say. */
export type Said = Decision | Reservation | boolean | undefined;

type Soon<T> = T | Promise<T>;

/** The verbs of both limiters. */
export interface Verbs {
  take(key: string, cost: number): Soon<Decision>;
  peek(key: string, cost: number): Soon<Decision>;
  reserve(key: string, cost: number, waitMsMax: number): Soon<Reservation>;
  refund(key: string, cost: number): Soon<void>;
  release(key: string, lease: number): Soon<boolean>;
}

/** `leaseOf` knows the leases by the operations that took them. */
export function perform(
  limiter: Verbs,
  { verb, key, cost, waitMsMax, of }: Operation,
  leaseOf: (place: number) => number,
): Soon<Said> {
  switch (verb) {
    case "take":
      return limiter.take(key, cost);
    case "peek":
      return limiter.peek(key, cost);
    case "reserve":
      return limiter.reserve(key, cost, waitMsMax);
    case "release":
      return limiter.release(key, leaseOf(of));
    // What a reservation took is given back like anything else.
    case "cancel":
    case "refund":
      return limiter.refund(key, cost) as Soon<undefined>;
    case "rules":
      return undefined;
  }
}

/** Several limiters as one: they take together, and are asked for the rest one at a time. */
export function together<T extends Verbs>(
  limiters: readonly T[],
  takeTogether: (parts: { limiter: T; key: string; cost: number }[]) => Soon<Decision>,
): Verbs {
  const one = (cost: number) => limiters[cost % limiters.length]!;
  return {
    take: (key, cost) => takeTogether(limiters.map((limiter) => ({ limiter, key, cost }))),
    peek: (key, cost) => one(cost).peek(key, cost),
    reserve: (key, cost) => one(cost).reserve(key, cost, 0),
    refund: (key, cost) => one(cost).refund(key, cost),
    release: async (key, lease) => {
      throw new Error(`not in a group: ${key} ${lease}`);
    },
  };
}

export function isDecision(said: Said): said is Decision {
  return typeof said === "object" && "outcome" in said;
}
