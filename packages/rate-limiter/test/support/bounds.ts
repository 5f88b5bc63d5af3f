// The bounds that callers rely on, counted over what a limiter let through: no model, no state,
// only a list of moments and costs. Whatever an algorithm remembers, this is what it must not
// exceed.
import type { Decision } from "../../src/decision.ts";
import type { History } from "./histories.ts";
import type { Said } from "./replay.ts";
import type { RuleSpec } from "./rules.ts";

/** Cost that was let through, on an axis that does not go back; below 0 where it was given back. */
export interface Passed {
  readonly atUs: number;
  readonly cost: number;
}

/** Names the first bound that was exceeded. */
export function checkBounds(history: History, said: readonly Said[]): string | undefined {
  const keys = new Set(history.steps.map(({ operation }) => operation.key));
  const slackUs = history.steps.some(({ operation }) => operation.verb === "reserve") ? 1 : 0;
  for (const key of keys) {
    for (const [index, spec] of history.plans[0]!.entries()) {
      if (!isCounted(history, key, spec)) continue;
      for (const { plan, passed } of segmentsOf(history, said, key, spec)) {
        const found = exceeded(history.plans[plan]![index]!, passed, slackUs);
        if (found !== undefined) return `key ${key}, ${spec.algorithm}: ${found}`;
      }
    }
  }
  return isLeasedOut(history, said);
}

// A place that is given back while others wait behind it does not move them up. And several rules
// count a reservation each at the moment that it fits for itself.
function isCounted({ plans, steps }: History, key: string, spec: RuleSpec): boolean {
  const verbs = new Set<string>();
  for (const { operation } of steps) if (operation.key === key) verbs.add(operation.verb);
  const returns = verbs.has("refund") || verbs.has("cancel");
  const isPaced = spec.algorithm === "token-bucket" || spec.algorithm === "gcra";
  if (spec.algorithm === "concurrency-limit") return false;
  const isStepped = steps.some(
    ({ operation }, i) => i > 0 && operation.nowUs < steps[i - 1]!.operation.nowUs,
  );
  // Who has been told to wait, waits on the axis of the clock, and that has gone back.
  // And two queues make each other's turns late.
  if (spec.algorithm === "leaky-bucket-queue") {
    const queues = plans[0]!.filter(({ algorithm }) => algorithm === "leaky-bucket-queue");
    if (isStepped || queues.length > 1) return false;
  }
  if (verbs.has("reserve")) return plans[0]!.length === 1 && !returns && !isStepped;
  return isPaced || !returns;
}

interface Segment {
  readonly plan: number;
  readonly passed: Passed[];
}

// What passed under one plan after the other. A step back of the clock takes no time away: the axis
// is the sum of all its steps forward.
function segmentsOf(
  history: History,
  said: readonly Said[],
  key: string,
  { algorithm }: RuleSpec,
): Segment[] {
  const segments: Segment[] = [{ plan: 0, passed: [] }];
  let beforeUs = 0;
  let backUs = 0;
  for (const [place, { operation }] of history.steps.entries()) {
    backUs += Math.max(0, beforeUs - operation.nowUs);
    beforeUs = operation.nowUs;
    const nowUs = operation.nowUs + backUs;
    const { passed } = segments.at(-1)!;
    if (operation.verb === "rules") segments.push({ plan: operation.plan!, passed: [] });
    if (operation.key !== key) continue;
    const answer = said[place];
    if (operation.verb === "refund") passed.push({ atUs: nowUs, cost: -operation.cost });
    if (!answer?.allowed || operation.verb === "peek") continue;
    // Beside a queue, the other rules count what is let in, not whose turn has come.
    const delayMs = algorithm === "leaky-bucket-queue" && "delayMs" in answer ? answer.delayMs : 0;
    const waitMs = "waitMs" in answer ? answer.waitMs : delayMs;
    passed.push({ atUs: nowUs + Math.round(waitMs * 1000), cost: operation.cost });
  }
  return segments;
}

function exceeded(spec: RuleSpec, passed: readonly Passed[], slackUs: number): string | undefined {
  switch (spec.algorithm) {
    case "token-bucket":
    case "gcra":
      return burstAndRate(spec, passed, slackUs);
    case "leaky-bucket-queue":
      return spaced(spec, passed);
    case "sliding-window-log":
    case "conservative-sliding-counter":
      return inEveryWindow(spec, passed, spec.limit);
    default:
      return inEveryWindow(spec, passed, 2 * spec.limit);
  }
}

/**
 * In every interval of length t, burst + ⌊limit / window × t⌋ at most.
 *
 * An interval that begins at one admission and ends at another is the worst of all that hold the
 * same ones, so there are finitely many: sum(i…j) <= burst + rate × (at(j) − at(i)) for all i <= j.
 * With S(j) the sum up to j, that is
 *
 *     (S(j) − rate × at(j)) − (S(i − 1) − rate × at(i)) <= burst
 *
 * and the least of the second terms so far is the only one that has to be kept. All of it times the
 * window, so that nothing is divided. A sum of whole costs that is not above burst + rate × t is
 * not above its floor either.
 *
 * @param slackUs 1 where there are reservations: they go a part of a µs later than they could
 */
export function burstAndRate(
  { limit, windowMs, burst }: RuleSpec,
  passed: readonly Passed[],
  slackUs = 0,
): string | undefined {
  const windowUs = BigInt(windowMs) * 1000n;
  const most = BigInt(burst) * windowUs + BigInt(slackUs * limit);
  let sum = 0n;
  let least: bigint | undefined;
  for (const { atUs, cost } of passed) {
    const grown = BigInt(limit) * BigInt(atUs);
    const before = sum * windowUs - grown;
    if (least === undefined || before < least) least = before;
    sum += BigInt(cost);
    const over = sum * windowUs - grown - least - most;
    if (over > 0n) return `over burst + rate × t at ${atUs} by ${Number(over) / Number(windowUs)}`;
  }
  return undefined;
}

/** A turn of cost c comes c intervals before the next, to the µs to which turns are rounded up. */
export function spaced(
  { limit, windowMs }: RuleSpec,
  passed: readonly Passed[],
): string | undefined {
  for (const [i, { atUs, cost }] of passed.entries()) {
    const next = passed[i + 1];
    if (next === undefined) continue;
    const apart = BigInt(next.atUs - atUs + 1) * BigInt(limit);
    if (apart <= BigInt(cost) * BigInt(windowMs) * 1000n) return `turns too close at ${atUs}`;
  }
  return undefined;
}

/** In every half-open interval as long as the window, `most`. */
export function inEveryWindow(
  { windowMs }: RuleSpec,
  passed: readonly Passed[],
  most: number,
): string | undefined {
  let sum = 0;
  let first = 0;
  for (const { atUs, cost } of passed) {
    sum += cost;
    while (passed[first]!.atUs <= atUs - windowMs * 1000) sum -= passed[first++]!.cost;
    if (sum > most) return `${sum} in the window up to ${atUs}`;
  }
  return undefined;
}

// Never more in flight than the limit: of a lease that is not released, until it runs out.
function isLeasedOut(history: History, said: readonly Said[]): string | undefined {
  const spec = history.plans[0]!.find(({ algorithm }) => algorithm === "concurrency-limit");
  if (spec === undefined || history.plans.length > 1) return undefined;
  const held = new Map<number, { readonly key: string; cost: number; readonly untilUs: number }>();
  let beforeUs = 0;
  let backUs = 0;
  for (const [place, { operation }] of history.steps.entries()) {
    const { verb, key, cost, of } = operation;
    // A refund ends the newest leases, in part.
    if (verb === "refund" || verb === "reserve") return undefined;
    backUs += Math.max(0, beforeUs - operation.nowUs);
    beforeUs = operation.nowUs;
    const nowUs = operation.nowUs + backUs;
    if (verb === "release") held.delete(of);
    if (verb !== "take" || !(said[place] as Decision).allowed) continue;
    held.set(place, { key, cost, untilUs: nowUs + spec.windowMs * 1000 });
    let inFlight = 0;
    for (const lease of held.values()) {
      if (lease.key === key && lease.untilUs > nowUs) inFlight += lease.cost;
    }
    if (inFlight > spec.limit) return `${inFlight} in flight at ${nowUs}`;
  }
  return undefined;
}
