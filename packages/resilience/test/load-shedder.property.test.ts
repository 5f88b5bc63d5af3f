import { bulkhead, type Criticality, loadShedder, pipelineOn } from "@compendium/resilience";
import { ManualClock, SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";
import { takes } from "./support/virtual.ts";

const CLASSES: Criticality[] = ["critical-plus", "critical", "sheddable-plus", "sheddable"];

const arrival = fc.record({
  gapMs: fc.integer({ min: 0, max: 12 }),
  workMs: fc.integer({ min: 1, max: 300 }),
  criticality: fc.constantFrom(...CLASSES),
  key: fc.option(fc.string({ maxLength: 8 }), { nil: undefined }),
  deadlineInMs: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined }),
});
const options = fc.record({
  targetMs: fc.integer({ min: 1, max: 20 }),
  intervalMs: fc.integer({ min: 1, max: 50 }),
  inFlightMax: fc.constantFrom(2, 5, 10, Infinity),
});

test("nobody is turned away while someone less critical is let in, in the same state", () =>
  fc.assert(
    fc.asyncProperty(
      options,
      fc.array(arrival, { minLength: 5, maxLength: 60 }),
      fc.nat(1_000),
      async (options, arrivals, seed) => {
        const clock = new ManualClock();
        const policy = loadShedder({ ...options, random: new SeededRandom(seed) });
        const queue = bulkhead({ concurrencyMax: 2, queue: { lengthMax: 20 } });
        const calls = pipelineOn(clock, policy, queue);
        let inFlightMax = 0;
        let startedLate = 0;
        for (const { gapMs, workMs, ...options } of arrivals) {
          await clock.advanceAsync(gapMs);
          const before = policy.stats().shed[options.criticality];
          const deadlineMs = clock.now() + (options.deadlineInMs ?? Infinity);
          calls
            .call((call) => {
              if (clock.now() >= deadlineMs) startedLate++;
              return takes(clock, workMs, "ok")(call);
            }, options)
            .catch(() => {});
          const { shed, pressure, inFlight } = policy.stats();
          inFlightMax = Math.max(inFlightMax, inFlight);
          // The pressure that was decided by leaves whole classes outside or inside; only one class
          // is divided.
          const from = 3 - CLASSES.indexOf(options.criticality);
          const wasShed = shed[options.criticality] > before;
          if (wasShed) expect(pressure).toBeGreaterThan(from);
          else expect(pressure).toBeLessThan(from + 1);
        }
        expect(startedLate).toBe(0);
        expect(inFlightMax).toBeLessThanOrEqual(options.inFlightMax);
        await clock.advanceAsync(60_000);
        expect(policy.stats()).toMatchObject({ inFlight: 0, waiting: 0 });
        // When nothing comes, the pressure has gone within 80 intervals.
        expect(await calls.call(() => "in", { criticality: "sheddable" })).toBe("in");
        expect(policy.stats().pressure).toBe(0);
      },
    ),
    { numRuns: 60 },
  ));
