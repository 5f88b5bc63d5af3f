// The trials that every limit goes through on the queueing model, and what is asked of it there.
import { aimd, gradient2, type Limit, vegas } from "@compendium/resilience";
import { SeededRandom } from "@compendium/runtime";
import { type Change, optimum, type RunResult, run, type Spread } from "./queueing-model.ts";

/** Fifty workers of 20 ms each, whose clients wait for 200 ms. */
export const SERVER = { workers: 50, serviceMs: 20, wireMs: 0 };
export const TIMEOUT_MS = 200;

/** The limits as they come; a loss needs a time from which an answer is too late. */
export const LIMITS = {
  gradient2: () => gradient2(),
  vegas: () => vegas(),
  aimd: () => aimd({ rttMsMax: 40 }),
} satisfies Record<string, () => Limit>;

/** What may happen to the server: capacity doubles or halves, by workers or by their speed. */
export const CHANGES: Record<string, Omit<Change, "atMs">> = {
  "workers ×2": { workers: 100 },
  "workers ÷2": { workers: 25 },
  "speed ×2": { serviceMs: 10 },
  "speed ÷2": { serviceMs: 40 },
};

/** How a limit stood to the optimum after a change. */
export interface Tracking {
  /** Round trips until it first came within 15 %. */
  entered: number;
  /** Mean of limit / optimum over the round trips 90 to 110. */
  at100: number;
  /** Share of the round trips 100 to 300 within 15 % of the optimum. */
  within: number;
}

/** 300 round trips under pressure, a change, 300 more. One round trip is one without a queue. */
export function track(
  make: () => Limit,
  change: Omit<Change, "atMs">,
  server: { spread: Spread; wireMs: number },
  seed: number,
): Tracking {
  const before = { ...SERVER, ...server };
  const after = { ...before, ...change };
  const changedAtMs = 300 * (before.serviceMs + before.wireMs);
  const roundTripMs = after.serviceMs + after.wireMs;
  const best = optimum(after);
  const limit = make();
  const trips: number[] = [];
  run({
    server: before,
    limit,
    random: new SeededRandom(seed),
    untilMs: changedAtMs + 300 * roundTripMs,
    arrivalsPerMs: "press",
    changes: [{ atMs: changedAtMs, ...change }],
    watch: {
      everyMs: roundTripMs / 4,
      see(_, nowMs) {
        if (nowMs >= changedAtMs) trips.push(centre(limit) / best);
      },
    },
  });
  const near = (ratio: number) => Math.abs(ratio - 1) <= 0.15;
  const entered = trips.findIndex(near);
  const late = trips.slice(400);
  return {
    entered: entered === -1 ? Infinity : entered / 4,
    at100: mean(trips.slice(360, 440)),
    within: late.filter(near).length / late.length,
  };
}

/** Useful answers in 20 s of overload by `factor`, as a share of what the workers can do. */
export function goodput(
  limit: Limit,
  factor: number,
  server: { spread: Spread; workers?: number },
  seed: number,
): RunResult & { goodput: number } {
  const options = { ...SERVER, ...server };
  const capacityPerMs = options.workers / options.serviceMs;
  const result = run({
    server: options,
    limit,
    random: new SeededRandom(seed),
    countFromMs: 4_000,
    untilMs: 24_000,
    arrivalsPerMs: factor * capacityPerMs,
    timeoutMs: TIMEOUT_MS,
  });
  return { ...result, goodput: result.useful / (20_000 * capacityPerMs) };
}

/** Where a limit stands, looked at `times` times, under pressure that does not change. */
export function drift(
  make: () => Limit,
  spread: Spread,
  seed: number,
  { everyMs, times }: { everyMs: number; times: number },
): number[] {
  const limit = make();
  const seen: number[] = [];
  run({
    server: { ...SERVER, spread },
    limit,
    random: new SeededRandom(seed),
    untilMs: everyMs * times,
    arrivalsPerMs: "press",
    watch: { everyMs, see: () => seen.push(centre(limit)) },
  });
  return seen;
}

// gradient2 swings around its estimate to measure; what it has found is the centre of the swing.
function centre(limit: Limit): number {
  return (limit as { estimate?: number }).estimate ?? limit.limit;
}

export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
