// A pipeline of four policies beside a naive one, on the same schedules: the same attempts start at
// the same moments, every call ends at the same time in the same way, and the breakers agree.
// Works ignore their aborts, so that they go on after timeouts and abandoned calls.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { bulkhead, circuitBreaker, pipelineOn, retry, timeout } from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Naive, type Script, type Settings, type Start } from "./naive.ts";

const settings: fc.Arbitrary<Settings> = fc.record({
  attemptsMax: fc.integer({ min: 1, max: 3 }),
  timeoutMs: fc.integer({ min: 1, max: 100 }),
  concurrencyMax: fc.integer({ min: 1, max: 3 }),
  lengthMax: fc.integer({ min: 0, max: 3 }),
});

const attempt = fc.record({ lastsMs: fc.integer({ min: 0, max: 150 }), succeeds: fc.boolean() });

const caller = fc.record({
  comesAtMs: fc.integer({ min: 0, max: 400 }),
  backoffMs: fc.integer({ min: 1, max: 60 }),
  abortsAfterMs: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined, freq: 3 }),
  script: fc.array(attempt, { minLength: 3, maxLength: 3 }),
});

type Caller = typeof caller extends fc.Arbitrary<infer C> ? C : never;
type Run = (start: Start, signal: AbortSignal, backoffMs: number) => Promise<unknown>;
type World = { clock: ManualClock; breaker: CircuitBreaker };

async function history(callers: readonly Caller[], make: (world: World) => Run): Promise<unknown> {
  const clock = new ManualClock();
  const limits = { consecutiveFailures: 3, openForMs: 100, openGrowth: 1, halfOpenCalls: 1 };
  const breaker = new CircuitBreaker({ clock, openJitter: 0, ...limits });
  const run = make({ clock, breaker });
  const log: unknown[][] = callers.map(() => []);
  for (const [i, { comesAtMs, backoffMs, abortsAfterMs, script }] of callers.entries()) {
    // Every call has fractions of a millisecond of its own: no two calls start, return or end at
    // once, except at the ticks of the wheel.
    const atMs = comesAtMs + (i + 1) / 64;
    const ownBackoffMs = backoffMs + 1 / (PRIMES[i] as number);
    const controller = new AbortController();
    clock.setTimer(atMs, () => {
      const end = (outcome: unknown) => log[i]?.push(clock.now(), outcome);
      const work = worker(clock, script, log[i] as unknown[]);
      const call = run(work, controller.signal, ownBackoffMs);
      call.then(end, (error) => end(error?.code ?? error));
    });
    if (abortsAfterMs !== undefined) {
      clock.setTimer(atMs + abortsAfterMs + 1 / 128, () => controller.abort("given up"));
    }
  }
  await clock.advanceAsync(5_000);
  const { counts, state, inFlight } = breaker.stats();
  return { log, counts, state, inFlight };
}

const PRIMES = [67, 71, 73, 79, 83, 89, 97, 101];

function worker(clock: ManualClock, script: Script, log: unknown[]): Start {
  let attempts = 0;
  return () => {
    log.push(clock.now());
    const { lastsMs, succeeds } = script[attempts++] as Script[number];
    return new Promise((resolve, reject) => {
      clock.setTimer(clock.now() + lastsMs, () => (succeeds ? resolve("done") : reject("failed")));
    });
  };
}

test("retry, breaker, timeout and bulkhead together do what the naive model does", async () => {
  await fc.assert(
    fc.asyncProperty(settings, fc.array(caller, { maxLength: 8 }), async (settings, callers) => {
      const { attemptsMax, timeoutMs, concurrencyMax, lengthMax } = settings;
      const ours = await history(callers, ({ clock, breaker }) => {
        const shared = [
          circuitBreaker(breaker),
          timeout({ timeoutMs }),
          bulkhead({ concurrencyMax, queue: { lengthMax } }),
        ];
        return (start, signal, baseMs) => {
          const again = retry({ attemptsMax, backoff: { baseMs, jitter: "none" } });
          return pipelineOn(clock, again, ...shared).call(start, { signal, idempotent: true });
        };
      });
      const model = await history(callers, ({ clock, breaker }) => {
        const naive = new Naive(settings, clock, breaker);
        return (...given) => naive.call(...given);
      });
      expect(ours).toEqual(model);
    }),
    { numRuns: 150 },
  );
});
