// How long a reservation may be asked to wait.
import type { Rule } from "./rule.ts";
import { checkWhole, show } from "./rule-options.ts";

/**
 * The furthest turn in a queue that is of use, in ms.
 *
 * @throws RangeError for what is no such time
 */
export function delayMsMaxOf({ delayMsMax }: { readonly delayMsMax?: number }): number {
  if (delayMsMax === undefined) return Infinity;
  checkWhole("delayMsMax", delayMsMax, 0, Number.MAX_SAFE_INTEGER);
  return delayMsMax;
}

/** The smallest `reserveMsMax` of the rules. */
export function reserveMsMaxOf(rules: readonly Rule[]): number {
  return Math.min(...rules.map((rule) => rule.reserveMsMax));
}

/**
 * By how many whole ms a request for a turn comes too early: 0 if it can have it, Infinity if it
 * never will.
 *
 * @param placeUs after how many µs its cost fits
 * @param turnUs after how many µs a leaky bucket's queue has a turn for it
 * @param waitMsMax from {@link checkWait}
 */
export function tooEarlyMs(
  rules: readonly Rule[],
  placeUs: number,
  turnUs: number,
  waitMsMax: number,
): number {
  const aheadMs = Math.min(waitMsMax, reserveMsMaxOf(rules));
  return Math.max(0, Math.ceil(placeUs / 1000) - aheadMs, Math.ceil(turnUs / 1000) - waitMsMax);
}

/**
 * The longest wait for a turn in whole ms: the one wanted, by default the longest possible.
 *
 * @throws RangeError when the rules do not reserve so far ahead
 */
export function checkWait(rules: readonly Rule[], waitMsMax: number | undefined): number {
  const reserveMsMax = reserveMsMaxOf(rules);
  // In a leaky bucket's queue everybody waits: there is nothing to reserve beyond it.
  const hasQueue = rules.some((rule) => rule.algorithm === "leaky-bucket-queue");
  if (waitMsMax === undefined) return hasQueue ? Infinity : reserveMsMax;
  const isWait = typeof waitMsMax === "number" && waitMsMax >= 0;
  if (isWait && (hasQueue || waitMsMax <= reserveMsMax)) return Math.floor(waitMsMax);
  throw new RangeError(
    `waitMsMax must be from 0 to the rules' smallest reserveMsMax, ${reserveMsMax}, ` +
      `got ${show(waitMsMax)}`,
  );
}
