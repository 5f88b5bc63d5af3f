// Holds a limiter against the models along a history.

import { checkBounds } from "./bounds.ts";
import {
  type Answer,
  drawHistory,
  type History,
  type HistoryOptions,
  type Step,
} from "./histories.ts";
import { Replay, type Said } from "./replay.ts";
import { isPaced, type RuleSpec, type Subject } from "./rules.ts";

const FIELDS = ["allowed", "retryAfterMs", "remaining", "delayMs", "resetMs", "rule"] as const;

/** Leads a limiter through the history of a seed. Throws an Error that names it. */
export function checkSeed(subject: Subject, seed: number, options?: HistoryOptions): void {
  checkHistory(subject, drawHistory(seed, options));
}

export function checkHistory(subject: Subject, history: History): void {
  // Every other history in a crowd: forgetting keys must change nothing.
  const replay = new Replay(subject, history, history.seed % 2 === 1);
  const said: Said[] = [];
  for (const [place, step] of history.steps.entries()) {
    const answer = replay.step(step.operation);
    said.push(answer);
    const difference = compare(answer, step) ?? lockedOut(history, answer);
    if (difference !== undefined) throw new Error(tell(history, place, difference));
  }
  const found = checkBounds(history, said);
  if (found !== undefined) throw new Error(tell(history, said.length - 1, found));
}

// However the clock is set, nobody waits for longer than after the worst that could be taken.
function lockedOut({ plans }: History, said: Said): string | undefined {
  if (said === undefined || said.allowed || said.retryAfterMs === Infinity) return undefined;
  const longestMs = Math.max(...plans.flat().map(longestWaitMs));
  if (said.retryAfterMs <= longestMs) return undefined;
  return `retryAfterMs is ${said.retryAfterMs}, more than ${longestMs}`;
}

function longestWaitMs(spec: RuleSpec): number {
  const { algorithm, limit, windowMs, reserveMsMax, burst, parts } = spec;
  if (isPaced(algorithm)) return Math.ceil((burst / limit) * windowMs) + 1 + reserveMsMax;
  if (algorithm === "sliding-window-counter") return 2 * windowMs + reserveMsMax;
  if (algorithm === "conservative-sliding-counter") {
    return Math.ceil(windowMs * (1 + 1 / parts)) + 1 + reserveMsMax;
  }
  return windowMs + reserveMsMax;
}

function compare(said: Said, { expected }: Step): string | undefined {
  if (said === undefined || expected === undefined) return undefined;
  if (!("remaining" in said)) {
    const { allowed } = said;
    if (allowed !== expected.allowed) return `allowed is ${allowed}, not ${expected.allowed}`;
    const name = allowed ? "waitMs" : "retryAfterMs";
    const value = allowed ? said.waitMs : said.retryAfterMs;
    return value === expected[name] ? undefined : `${name} is ${value}, not ${expected[name]}`;
  }
  const answer: Pick<Answer, (typeof FIELDS)[number]> = { ...said, rule: said.rule.name };
  for (const field of FIELDS) {
    if (answer[field] !== expected[field]) {
      return `${field} is ${answer[field]}, not ${expected[field]}`;
    }
  }
  return undefined;
}

/** A history up to a place, for people. */
function tell({ seed, plans, steps }: History, place: number, difference: string): string {
  const lines = steps.slice(0, place + 1).map(({ operation }) => {
    const { verb, nowUs, key, cost, waitMsMax, of, plan } = operation;
    const more = [verb === "reserve" && `up to ${waitMsMax} ms`, of >= 0 && `of ${of}`];
    return `${nowUs} ${verb} ${key} ${cost} ${more.filter(Boolean).join(" ")} ${plan ?? ""}`.trim();
  });
  const rules = plans.map((plan) => JSON.stringify(plan)).join("\n");
  return `seed ${seed}, step ${place}: ${difference}\n${rules}\n${lines.join("\n")}`;
}
