// How long a reservation may be asked to wait.
import type { Rule } from "./rule.ts";
import { show } from "./rule-options.ts";

/** The smallest `reserveMsMax` of the rules. */
export function reserveMsMaxOf(rules: readonly Rule[]): number {
  return Math.min(...rules.map((rule) => rule.reserveMsMax));
}

/**
 * By how many whole ms a request for a turn comes too early: 0 if it can have it, Infinity if it
 * never will.
 *
 * @param placeMs after how many whole ms its cost fits
 * @param turnMs after how many ms a leaky bucket's queue has a turn for it
 * @param waitMsMax from {@link checkWait}
 */
export function tooEarlyMs(
  rules: readonly Rule[],
  placeMs: number,
  turnMs: number,
  waitMsMax: number,
): number {
  const aheadMs = Math.min(Math.floor(waitMsMax), reserveMsMaxOf(rules));
  return Math.max(0, placeMs - aheadMs, Math.ceil(turnMs - waitMsMax));
}

/**
 * The longest wait for a turn: the one wanted, by default the longest possible.
 *
 * @throws RangeError when the rules do not reserve so far ahead
 */
export function checkWait(rules: readonly Rule[], waitMsMax: number | undefined): number {
  const reserveMsMax = reserveMsMaxOf(rules);
  // In a leaky bucket's queue everybody waits: there is nothing to reserve beyond it.
  const hasQueue = rules.some((rule) => rule.algorithm === "leaky-bucket-queue");
  if (waitMsMax === undefined) return hasQueue ? Infinity : reserveMsMax;
  if (waitMsMax >= 0 && (hasQueue || waitMsMax <= reserveMsMax)) return waitMsMax;
  throw new RangeError(
    `waitMsMax must be from 0 to the rules' smallest reserveMsMax, ${reserveMsMax}, ` +
      `got ${show(waitMsMax)}`,
  );
}
