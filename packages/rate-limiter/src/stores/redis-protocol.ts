// What is said to the script (lua/main.ts) and what it answers, as TypeScript sees it.
import type { ConservativeSlidingCounter } from "../conservative-sliding-counter.ts";
import type { Spacing } from "../gcra.ts";
import type { Rule } from "../rule.ts";
import type { TokenBucket } from "../token-bucket.ts";

/** What the script is to do; the letters are its own. */
export type Verb = "t" | "p" | "r" | "f" | "d" | "l";

/** One limiter's part of a decision. */
export interface Token {
  readonly verb: Verb;
  readonly cost: number;
  /** The rules in the script's words, from {@link encodeRules}. */
  readonly rules: string;
  /** For how many ms the answer is kept for the idempotency key; 0: there is none. */
  readonly answerMs: number;
  /** The longest wait in ms, or the lease. */
  readonly argument: number;
}

/** A decision to be made by the script. */
export interface Request {
  /** Parts decided together; nearly always one. */
  readonly tokens: readonly Token[];
  /** The key of the answer, if there is an idempotency key, then those of all windows. */
  readonly keys: readonly string[];
  /** What the keys have in common between their braces. */
  readonly tag: string;
}

/** What the script has decided. */
export interface Reply {
  /** Infinity: never. */
  readonly waitUs: number;
  readonly remaining: number;
  readonly fullInUs: number;
  /** Which window binds, from 0, over all parts. */
  readonly binding: number;
  readonly delayUs: number;
  readonly lease: number;
}

/** No wait is too long. */
export const WAIT_MS_ANY: number = 2 ** 52;

/** How many bytes the script answers for a decision. */
export const REPLY_BYTES = 48;

const FAILED = -1;

/** The reply at a byte of the script's answer; undefined where that decision failed. */
export function decodeReply(answer: Buffer, at: number): Reply | undefined {
  const waitUs = answer.readDoubleLE(at);
  if (waitUs === FAILED) return undefined;
  return {
    waitUs,
    remaining: answer.readDoubleLE(at + 8),
    fullInUs: answer.readDoubleLE(at + 16),
    binding: answer.readDoubleLE(at + 24) - 1,
    delayUs: answer.readDoubleLE(at + 32),
    lease: answer.readDoubleLE(at + 40),
  };
}

/** A list of rules in the script's words. */
export function encodeRules(rules: readonly Rule[]): string {
  return rules.map(encodeRule).join(",");
}

/** A token in the script's words; `list` is the number of its rules, from 1. */
export function encodeToken({ verb, cost, answerMs, argument }: Token, list: number): string {
  const isOne = verb === "t" && cost === 1 && list === 1 && answerMs === 0;
  const isPlain = isOne && argument === WAIT_MS_ANY;
  return isPlain ? "t" : `${verb},${cost},${list},${answerMs},${argument}`;
}

// In the order of FIELDS in lua/main.ts.
function encodeRule(rule: Rule): string {
  const { algorithm, limit, windowMs, capacity, reserveMsMax } = rule;
  const common = `${algorithm} ${limit} ${windowMs * 1000} ${capacity} ${reserveMsMax * 1000}`;
  switch (algorithm) {
    case "token-bucket": {
      const { whole, part, parts } = (rule as TokenBucket).emission;
      return `${common} ${whole} ${part} ${parts} 0 0 0 0`;
    }
    case "gcra":
    case "leaky-bucket-queue": {
      const { emission, toleranceUs, toleranceRest, aheadUsMax } = rule as Spacing;
      const { whole, part, parts } = emission;
      return `${common} ${whole} ${part} ${parts} ${toleranceUs} ${toleranceRest} ${aheadUsMax} 0`;
    }
    case "conservative-sliding-counter": {
      const { parts, partUs } = rule as ConservativeSlidingCounter;
      return `${common} 0 0 ${parts} 0 0 0 ${partUs}`;
    }
    default:
      return `${common} 0 0 1 0 0 0 0`;
  }
}
