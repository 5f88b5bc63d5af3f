// What opossum 10 documents, held against opossum 10: the same random steps on both, compared after
// each. Each group leaves out just what MIGRATING.md names as a difference, and says so.
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { advance, type Ending, fakeTime, type Options, Pair, settled } from "./opossum-pair.ts";

beforeEach(fakeTime);
afterEach(() => vi.useRealTimers());

const ending = fc.constantFrom<Ending>("succeeds", "fails", "fails", "is filtered");
const errorFilter = (error: { filtered?: boolean }) => error.filtered === true;
const runs = { numRuns: 150 };

function agree({ ours, stock }: Pair): void {
  expect(ours.view()).toEqual(stock.view());
}

// One call at a time, so that no call dilutes the rate of others; each within one slice, because
// opossum counts a call where it starts; a pause of a window before a probe, because opossum keeps
// refusals and failures beyond it. The thresholds are no quotients: opossum multiplies by 100.
test("one call after the other: thresholds, volumes, timeouts, windows, warm-up", async () => {
  const options = fc.record({
    errorThresholdPercentage: fc.oneof(
      fc.constantFrom(0, 50, 100),
      fc.integer({ min: 1, max: 99 }).map((whole) => whole + 0.3),
    ),
    volumeThreshold: fc.integer({ min: 0, max: 6 }),
    rollingCountBuckets: fc.integer({ min: 1, max: 4 }),
    resetTimeout: fc.constantFrom(100, 700, 5_000),
    timeout: fc.constantFrom<number | false>(false, 60),
    allowWarmUp: fc.boolean(),
  });
  const calls = fc.array(
    fc.record({ ending, ms: fc.constantFrom(0, 50, 90), pause: fc.constantFrom(0, 0, 300, 1_500) }),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(options, calls, async (given, calls) => {
      const rollingCountTimeout = given.rollingCountBuckets * 1_000;
      const pair = new Pair(() => ({ ...given, rollingCountTimeout, errorFilter }));
      pair.both((side) => side.watchSnapshots());
      for (const { ending, ms, pause } of calls) {
        if (!pair.stock.breaker.closed) await advance(given.resetTimeout + rollingCountTimeout);
        await pair.call(ending, ms);
        await advance(100 - ms + pause);
        agree(pair);
      }
      vi.clearAllTimers();
    }),
    runs,
  );
});

const fallbacks = {
  resolves: (arg: string, error: Error) => `${arg} instead of ${error.message}`,
  rejects: async (arg: string) => Promise.reject(new Error(`no ${arg} either`)),
  throws: () => {
    throw new Error("nothing instead");
  },
};

type Step =
  | { do: "fire"; arg: string }
  | { do: "end"; which: number; ending: Ending }
  | { do: "advance"; ms: number }
  | { do: "open" | "close" | "enable" | "disable" | "clearCache" };

const fire = fc.record({ do: fc.constant("fire" as const), arg: fc.constantFrom("a", "b") });
const end = fc.record({ do: fc.constant("end" as const), which: fc.nat({ max: 20 }), ending });
const pass = fc.record({
  do: fc.constant("advance" as const),
  ms: fc.constantFrom(1, 50, 400, 1_000),
});
const hand = (...names: ("open" | "close" | "enable" | "disable" | "clearCache")[]) =>
  fc.constantFrom(...names).map((name) => ({ do: name }));

// Does the steps on both, and compares after each. A call whose state is gone is left hanging:
// opossum would let its result move the state that is now.
async function run(
  options: () => Options,
  steps: readonly Step[],
  answer?: "resolves" | "rejects" | "throws",
): Promise<void> {
  const pair = new Pair(options);
  if (answer !== undefined) pair.both(({ breaker }) => breaker.fallback(fallbacks[answer]));
  const calls: { number: number; changes: number }[] = [];
  for (const step of steps) {
    const { breaker } = pair.stock;
    if (step.do === "fire") {
      const changes = pair.changes;
      calls.push({ number: pair.fire(step.arg), changes });
    } else if (step.do === "end") {
      const call = calls.splice(step.which % Math.max(1, calls.length), 1)[0];
      if (call?.changes === pair.changes) pair.both((side) => side.end(call.number, step.ending));
    } else if (step.do === "advance") {
      // A probe that hangs: opossum would wait for ever.
      if (!breaker.halfOpen || breaker.pendingClose) await advance(step.ms);
    } else {
      pair.both((side) => side.breaker[step.do]());
    }
    await settled();
    agree(pair);
  }
  vi.clearAllTimers();
}

// At a threshold of 0 every failure opens, and at 100 none: whatever the rate is taken of.
const extreme = fc.constantFrom(0, 100);

// A window that nothing leaves: opossum counts a call where it starts and a failure where it ends,
// and has one failure of no calls once the start has left.
const long = { rollingCountTimeout: 3_600_000 };

test("calls that overlap: states, the hand's words, fallbacks, and no timeouts", async () => {
  const options = fc.record({
    errorThresholdPercentage: extreme,
    resetTimeout: fc.constantFrom(100, 1_000, 3_000),
    enabled: fc.boolean(),
    answer: fc.constantFrom(undefined, "resolves", "rejects", "throws"),
  });
  const steps = fc.array(
    fc.oneof(fire, fire, end, end, pass, hand("open", "close", "enable", "disable")),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(options, steps, ({ answer, ...given }, steps) =>
      run(() => ({ ...given, ...long, timeout: false, errorFilter }), steps, answer),
    ),
    runs,
  );
});

test("calls that overlap: timeouts, caches, coalescing, in a closed circuit", async () => {
  const options = fc.record({
    timeout: fc.constantFrom<number | false>(false, 300, 1_000),
    cache: fc.boolean(),
    cacheTTL: fc.constantFrom(0, 400),
    cacheSize: fc.constantFrom(1, 10),
    coalesce: fc.boolean(),
    coalesceTTL: fc.constantFrom(0, 60_000),
    rollingPercentilesEnabled: fc.boolean(),
  });
  const steps = fc.array(fc.oneof(fire, fire, end, pass, hand("clearCache", "disable", "enable")), {
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(options, steps, (given, steps) =>
      run(() => ({ ...given, ...long, errorThresholdPercentage: 100, errorFilter }), steps),
    ),
    runs,
  );
});

// Without clearCache: opossum's reset then takes away the call of somebody else.
test("calls that overlap: when coalesced calls are forgotten", async () => {
  const resetOn = fc.subarray(["error", "success", "timeout"] as const);
  const steps = fc.array(fc.oneof(fire, fire, end, pass), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(resetOn, steps, (coalesceResetOn, steps) =>
      run(
        () => ({
          coalesce: true,
          coalesceResetOn,
          coalesceTTL: 0,
          timeout: 500,
          errorThresholdPercentage: 100,
          errorFilter,
          ...long,
        }),
        steps,
      ),
    ),
    runs,
  );
});

// Without timeouts: opossum gives a place back while its work goes on.
test("calls that overlap: capacity", async () => {
  const capacity = fc.integer({ min: 0, max: 3 });
  const steps = fc.array(fc.oneof(fire, fire, end, pass), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(capacity, steps, (capacity, steps) =>
      run(
        () => ({ capacity, timeout: false, errorThresholdPercentage: 100, errorFilter, ...long }),
        steps,
      ),
    ),
    runs,
  );
});
