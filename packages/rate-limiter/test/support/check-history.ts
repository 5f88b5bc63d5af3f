// Holds a limiter against the models along a history.
import {
  type Answer,
  drawHistory,
  type History,
  type HistoryOptions,
  type Step,
} from "./histories.ts";
import { Replay, type Said } from "./replay.ts";
import type { Subject } from "./rules.ts";

const FIELDS = ["allowed", "retryAfterMs", "remaining", "delayMs", "resetMs", "rule"] as const;

/** Leads a limiter through the history of a seed. Throws an Error that names it. */
export function checkSeed(subject: Subject, seed: number, options?: HistoryOptions): void {
  checkHistory(subject, drawHistory(seed, options));
}

export function checkHistory(subject: Subject, history: History): void {
  const replay = new Replay(subject, history);
  for (const [place, step] of history.steps.entries()) {
    const difference = compare(replay.step(step.operation), step);
    if (difference !== undefined) throw new Error(tell(history, place, difference));
  }
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
