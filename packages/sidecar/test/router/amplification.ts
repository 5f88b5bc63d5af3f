// How much more a cluster gets because of retries while it fails entirely, in virtual time: clients
// that ask again as soon as they are answered, and an upstream that fails each request after the
// same time.
import { SeededRandom } from "@compendium/runtime";
import type { Thresholds } from "../../src/config/cluster-config.ts";
import type { Subject } from "./subject.ts";
import { policy, type TestClient, World } from "./world.ts";

export interface AmplificationOptions {
  readonly concurrency: number;
  readonly requests: number;
  /** Of upstream. */
  readonly latencyMs: number;
  /** `undefined`: nothing is tried again. */
  readonly retries?: number;
  readonly retryBudget?: Thresholds["retryBudget"];
  readonly retriesMax?: number;
  readonly seed?: number;
}

export interface Amplification {
  readonly requests: number;
  readonly attempts: number;
  /** Attempts for each request. */
  readonly factor: number;
  /** The most attempts that were under way at a time. */
  readonly attemptsMax: number;
  readonly meanMs: number;
  readonly longestMs: number;
}

const backoff = { baseMs: 25, maxMs: 250 };

export function amplify(subject: Subject, options: AmplificationOptions): Amplification {
  const { concurrency, requests, latencyMs, retries, retryBudget, retriesMax = 3 } = options;
  const random = new SeededRandom(options.seed ?? 1);
  let active = 0;
  let attemptsMax = 0;
  const world = new World(subject, {
    action: { retry: retries === undefined ? undefined : policy({ retries, backoff }) },
    breakers: { retryBudget, retriesMax, requestsMax: 1e6, pendingMax: 1e6 },
    random,
    behave: (attempt) => {
      active++;
      attemptsMax = Math.max(attemptsMax, active);
      attempt.connect();
      clock.setTimer(clock.now() + latencyMs, () => {
        active--;
        attempt.respond(503);
      });
    },
  });
  const { clock } = world;
  let left = requests;
  let open: TestClient[] = [];
  // Clients come spread over the time of one answer, or they would all stay in step.
  for (let i = 0; i < concurrency; i++) {
    clock.setTimer(clock.now() + random.below(latencyMs), () => open.push(world.request()));
  }
  left -= concurrency;
  while (clock.pendingTimers > 0) {
    clock.advance(1);
    const answered = open.filter(({ hasEnded }) => hasEnded);
    open = open.filter(({ hasEnded }) => !hasEnded);
    for (const _ of answered) if (left-- > 0) open.push(world.request());
  }
  world.assertSettled();
  const durations = world.ended.map(({ durationMs = 0 }) => durationMs);
  const attempts = world.attempts.length;
  return {
    requests: durations.length,
    attempts,
    factor: attempts / durations.length,
    attemptsMax,
    meanMs: durations.reduce((sum, ms) => sum + ms, 0) / durations.length,
    longestMs: Math.max(...durations),
  };
}
