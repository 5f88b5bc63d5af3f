// What a response says about the limit, so that a good client never meets it: the fields of
// draft-ietf-httpapi-ratelimit-headers-11, Lists of Structured Fields (RFC 9651), and Retry-After
// (RFC 9110 §10.2.3).
//
//     RateLimit-Policy: "minute";q=100;w=60, "day";q=5000;w=86400     the rules, all of them
//     RateLimit: "minute";r=57;t=35                                   the one that binds
//     Retry-After: 12                                                 with a refusal
//
// All times are whole seconds, and rounded up, so that whoever waits as told is let in. A window
// that is no whole number of seconds is therefore shown longer than it is, one of 100 ms as `w=1`:
// a client that keeps to what it reads sends less than it might, and is never refused.
//
// `t` is the time in which the client can use no more than `r`. With a refusal it is Retry-After's
// (§6 wants the latter no earlier). Else it is, for a limit of fixed windows, what is left of the
// window. A bucket has no window to wait for, it fills steadily: `t` is the time in which the pace
// of the rule gives one unit more than `r`. So `r=0;t=1` is worth a try in a second, and `r / t`
// never tells a faster pace than the rule's own (§6, §8.5).
//
// Left out: `pk`, because a key may be somebody's address or secret.
import type { Decision } from "./decision.ts";
import type { Rule } from "./rule.ts";

/** Fields of a response, as name and value. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** Which fields a response carries. */
export interface FieldOptions {
  /** `RateLimit` and `RateLimit-Policy`. Default true. */
  standardFields?: boolean;
  /** `X-RateLimit-Limit`, `-Remaining` and `-Reset` (in seconds from now). Default false. */
  legacyFields?: boolean;
}

// RFC 9651 §3.3.1: no more than fifteen digits.
const INTEGER_MAX = 999_999_999_999_999;
const NOTHING: Fields = [];

/** The fields for a decision, taken under these rules. */
export function fieldsOf(
  decision: Decision,
  rules: readonly Rule[],
  { standardFields = true, legacyFields = false }: FieldOptions,
): Fields {
  if (!standardFields && !legacyFields) return NOTHING;
  const known = isCounted(decision);
  const fields: [string, string][] = [];
  if (standardFields) {
    fields.push(["RateLimit-Policy", policyField(rules)]);
    if (known) fields.push(["RateLimit", limitField(decision)]);
  }
  if (legacyFields && known) {
    const windowS = effectiveWindowS(decision);
    fields.push(["X-RateLimit-Limit", String(quotaOf(decision.rule))]);
    fields.push(["X-RateLimit-Remaining", String(remainingOf(decision))]);
    if (windowS !== undefined) fields.push(["X-RateLimit-Reset", String(windowS)]);
  }
  return fields;
}

/** `RateLimit-Policy`: what all rules say, whoever asks. */
export function policyField(rules: readonly Rule[]): string {
  let field = policies.get(rules);
  if (field === undefined) {
    field = rules.map(policyItem).join(", ");
    policies.set(rules, field);
  }
  return field;
}

/** `RateLimit`: what is left of the rule that binds. */
export function limitField(decision: Decision): string {
  const windowS = effectiveWindowS(decision);
  const left = `${quotedName(decision.rule)};r=${remainingOf(decision)}`;
  return windowS === undefined ? left : `${left};t=${windowS}`;
}

/**
 * After how many ms it makes sense to ask again; undefined: never. A place under a concurrency
 * limit is free when somebody leaves it, long before a lease runs out; where nobody knows, soon.
 */
export function retryAfterMsOf({ outcome, rule, retryAfterMs }: Decision): number | undefined {
  if (outcome === "too-costly") return undefined;
  if (rule.algorithm === "concurrency-limit") return Math.min(retryAfterMs, SOON_MS);
  return Number.isFinite(retryAfterMs) ? retryAfterMs : SOON_MS;
}

/** A wait as Retry-After says it: whole seconds, rounded up, and never "at once". */
export function secondsOf(waitMs: number): number {
  return Math.min(Math.max(1, Math.ceil(waitMs / 1000)), INTEGER_MAX);
}

const SOON_MS = 1000;
const policies = new WeakMap<readonly Rule[], string>();
const names = new WeakMap<Rule, string>();

// When the store has not answered, or there was no room for the key, nobody has counted.
function isCounted({ outcome }: Decision): boolean {
  return outcome !== "store-open" && outcome !== "store-closed" && outcome !== "keys-max";
}

function policyItem(rule: Rule): string {
  const quota = `${quotedName(rule)};q=${quotaOf(rule)}`;
  // A lease is no window: a place is used again as soon as it is free.
  if (rule.algorithm === "concurrency-limit") return `${quota};qu="concurrent-requests"`;
  return `${quota};w=${secondsOf(rule.windowMs)}`;
}

function quotaOf(rule: Rule): number {
  return Math.min(rule.limit, INTEGER_MAX);
}

// A bucket may hold more than its window's quota. Whoever reckons with q - r must not get below 0.
function remainingOf({ rule, remaining }: Decision): number {
  return Math.min(remaining, quotaOf(rule));
}

function effectiveWindowS(decision: Decision): number | undefined {
  const { allowed, rule, resetMs } = decision;
  if (rule.algorithm === "concurrency-limit") return undefined;
  if (!allowed) {
    const waitMs = retryAfterMsOf(decision);
    return waitMs === undefined ? undefined : secondsOf(waitMs);
  }
  return secondsOf(isSteady(rule) ? paceMs(rule, remainingOf(decision) + 1) : resetMs);
}

function isSteady({ algorithm }: Rule): boolean {
  return algorithm === "token-bucket" || algorithm === "gcra" || algorithm === "leaky-bucket-queue";
}

function paceMs({ windowMs, limit }: Rule, cost: number): number {
  return (windowMs / limit) * cost;
}

// A String of Structured Fields is printable ASCII. Names that the rules of this package take need
// none of this; a rule of your own may have another.
function quotedName(rule: Rule): string {
  let name = names.get(rule);
  if (name === undefined) {
    const printable = rule.name.replaceAll(/[^ -~]/g, "?").replaceAll(/["\\]/g, "\\$&");
    name = `"${printable}"`;
    names.set(rule, name);
  }
  return name;
}
