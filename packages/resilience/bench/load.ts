// A load and a dependency in virtual time, and what became of the calls.
import { type Policy, pipelineOn } from "@compendium/resilience";
import { ManualClock, SeededRandom } from "@compendium/runtime";

/** What the dependency does with one attempt. */
export type Behaviour = "answers" | "fails" | "hangs";

/** Calls at an even pace, and the dependency that they go to. */
export interface Load {
  readonly calls: number;
  readonly everyMs: number;
  /** How long an answer or a failure takes. */
  readonly workMs: number;
  /** What an attempt at a time meets; `draw` is a number from 0 to 99. */
  readonly behaves: (atMs: number, draw: number) => Behaviour;
  /** Whether work that is given up on stops. Default true. */
  readonly heedsAbort?: boolean;
}

/** What policies are made of: the world of one run. */
export interface World {
  readonly clock: ManualClock;
  readonly random: SeededRandom;
}

/** What became of the calls. */
export interface Outcome {
  readonly calls: number;
  /** Answered by the dependency, and by a fallback. */
  readonly answered: number;
  readonly fellBack: number;
  /** How many failed with each code; without one: "error". */
  readonly failed: Readonly<Record<string, number>>;
  /** How long callers waited, sorted. */
  readonly tookMs: readonly number[];
  /** Attempts that reached the dependency, and how many it had at once at most. */
  readonly attempts: number;
  readonly runningMax: number;
  /** Attempts that reached it while it failed every one. */
  readonly attemptsWhileDown: number;
}

const FALLBACK = "instead";

/** Answers that a fallback gives in these experiments. */
export const fallBack = (): string => FALLBACK;

/** Sends the load through the policies, on a new clock. */
export async function runLoad(
  load: Load,
  make: (world: World) => readonly Policy<unknown>[],
): Promise<Outcome> {
  const clock = new ManualClock();
  const draws = new SeededRandom(1);
  const calls = pipelineOn(clock, ...make({ clock, random: new SeededRandom(2) }));
  const outcome = { calls: load.calls, answered: 0, fellBack: 0, attempts: 0, runningMax: 0 };
  const failed: Record<string, number> = {};
  const tookMs: number[] = [];
  let running = 0;
  let attemptsWhileDown = 0;

  const work = (call: { onAbort(notify: (reason: unknown) => void): unknown }) => {
    const behaviour = load.behaves(clock.now(), draws.below(100));
    outcome.attempts++;
    if (load.behaves(clock.now(), 99) !== "answers") attemptsWhileDown++;
    outcome.runningMax = Math.max(outcome.runningMax, ++running);
    return new Promise<string>((resolve, reject) => {
      let ended = false;
      const end = (settle: () => void) => () => {
        if (ended) return;
        ended = true;
        running--;
        settle();
      };
      const settle = behaviour === "answers" ? () => resolve("done") : () => reject(new Error());
      const lastsMs = behaviour === "hangs" ? 60_000 : load.workMs;
      clock.setTimer(clock.now() + lastsMs, end(settle));
      if (load.heedsAbort !== false) call.onAbort((reason) => end(() => reject(reason))());
    });
  };

  for (let i = 0; i < load.calls; i++) {
    const startedAtMs = clock.now();
    calls.call(work, { idempotent: true }).then(
      (answer) => {
        tookMs.push(clock.now() - startedAtMs);
        if (answer === FALLBACK) outcome.fellBack++;
        else outcome.answered++;
      },
      (error: { code?: string }) => {
        tookMs.push(clock.now() - startedAtMs);
        const code = error.code ?? "error";
        failed[code] = (failed[code] ?? 0) + 1;
      },
    );
    await clock.advanceAsync(load.everyMs);
  }
  await clock.advanceAsync(120_000);
  tookMs.sort((a, b) => a - b);
  return { ...outcome, failed, tookMs, attemptsWhileDown };
}

/** A share of the calls, in per cent. */
export function share(count: number, { calls }: Outcome): string {
  return `${((100 * count) / calls).toFixed(1)} %`;
}

/** The share of the calls that failed with a code. */
export function failedWith(code: string, outcome: Outcome): string {
  return share(outcome.failed[code] ?? 0, outcome);
}

/** A percentile of how long callers waited, in ms. */
export function waited({ tookMs }: Outcome, percentile: number): string {
  const index = Math.ceil((percentile / 100) * tookMs.length) - 1;
  return `${Math.round(tookMs[Math.max(0, index)] as number)} ms`;
}
