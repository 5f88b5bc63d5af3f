// Random schedules against the promises of the header of adaptive-limit.ts. The limit jumps about
// as it likes: what holds for any limit holds for those that find themselves.
import { adaptiveLimit, type Call, type Limit, pipelineOn } from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";

const SHARES = { live: 0.7, batch: 0.2 };
const SHARE_OF: Record<string, number> = { ...SHARES, other: 0.1 };

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("call" as const),
      key: fc.constantFrom("live", "batch", "other"),
      ends: fc.constantFrom("hangs", "hangs", "hangs", "throws", "answers"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("succeed" as const, "fail" as const, "abort" as const),
      which: fc.nat(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("limit" as const), to: fc.integer({ min: 1, max: 8 }) }),
  },
);

interface Running {
  succeed(value: unknown): void;
  fail(error: unknown): void;
}

test("no more in flight at an admission than the limit; shares are kept; no place is lost", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 60 }),
      fc.integer({ min: 0, max: 3 }),
      async (steps, lengthMax) => {
        const clock = new ManualClock();
        let next = 4;
        const limit: Limit = {
          get limit() {
            return current;
          },
          onSample: () => (current = next),
        };
        let current = next;
        const policy = adaptiveLimit({
          limit,
          queue: { lengthMax },
          partitions: { shares: SHARES, classify: (call: Call) => call.key as string },
        });
        const line = pipelineOn(clock, policy);
        const running: Running[] = [];
        const controllers: AbortController[] = [];
        const settled: Promise<unknown>[] = [];
        // Classes of calls that started their work, since it was last emptied.
        let started: string[] = [];

        for (const step of steps) {
          if (step.do === "limit") {
            next = step.to;
          } else if (step.do === "call") {
            const before = policy.stats();
            started = [];
            const controller = new AbortController();
            controllers.push(controller);
            const work = () => {
              started.push(step.key);
              const { inFlight } = policy.stats();
              expect(inFlight).toBeLessThanOrEqual(current);
              if (step.ends === "throws") throw new Error("thrown");
              if (step.ends === "answers") return "at once";
              return new Promise((succeed, fail) => running.push({ succeed, fail }));
            };
            const options = { key: step.key, signal: controller.signal };
            const answer = line.call(work, options);
            settled.push(
              answer.then(
                () => "ok",
                (error) => error,
              ),
            );
            const below = (name: string) =>
              (before.classes[name]?.inFlight ?? 0) < (SHARE_OF[name] ?? 0) * current;
            const nobodyAbove = Object.entries(before.classes).every(
              ([name, { inFlight }]) => inFlight <= (SHARE_OF[name] ?? 0) * current,
            );
            // "admitted at once while no class is above its own"
            if (below(step.key) && nobodyAbove) expect(started).toEqual([step.key]);
            // Refused only when the limit is reached and the class's own queue is full.
            const { classes } = policy.stats();
            if ((classes[step.key]?.refused ?? 0) > (before.classes[step.key]?.refused ?? 0)) {
              expect(before.inFlight).toBeGreaterThanOrEqual(current);
              expect(before.classes[step.key]?.waiting).toBe(lengthMax);
            }
          } else if (step.do === "abort") {
            controllers[step.which % Math.max(1, controllers.length)]?.abort(new Error("enough"));
          } else {
            const [call] = running.splice(step.which % Math.max(1, running.length), 1);
            if (step.do === "succeed") call?.succeed("ok");
            else call?.fail(new Error("failed"));
          }
          await clock.advanceAsync(1);
          const { inFlight, waiting, classes } = policy.stats();
          const parts = Object.values(classes);
          expect(inFlight).toBe(parts.reduce((sum, part) => sum + part.inFlight, 0));
          // Nobody waits for a place that is free.
          if (waiting > 0) expect(inFlight).toBeGreaterThanOrEqual(current);
        }

        while (running.length > 0) {
          for (const call of running.splice(0)) call.succeed("ok");
          await clock.advanceAsync(1);
        }
        expect(policy.stats()).toMatchObject({ inFlight: 0, waiting: 0 });
        await Promise.all(settled);
        expect(clock.pendingTimers).toBe(0);
      },
    ),
    { numRuns: 150 },
  ));

test("a free place goes to a waiting class below its share before any that is above", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("live", "batch", "other"), { minLength: 12, maxLength: 40 }),
      fc.array(fc.nat(), { maxLength: 40 }),
      async (keys, leaving) => {
        const clock = new ManualClock();
        const limit: Limit = { limit: 10, onSample: () => 10 };
        const partitions = { shares: SHARES, classify: (call: Call) => call.key as string };
        const policy = adaptiveLimit({ limit, queue: { lengthMax: 40 }, partitions });
        const line = pipelineOn(clock, policy);
        const running: (() => void)[] = [];
        const starts: string[] = [];
        for (const key of keys) {
          const work = () => {
            starts.push(key);
            return new Promise<void>((resolve) => running.push(resolve));
          };
          line.call(work, { key });
        }
        for (const which of leaving) {
          starts.length = 0;
          running.splice(which % Math.max(1, running.length), 1)[0]?.();
          const waitingBefore = policy.stats().classes;
          await clock.advanceAsync(1);
          const [admitted] = starts;
          if (admitted === undefined) continue;
          const { classes } = policy.stats();
          const usedBy = (name: string) => {
            const { inFlight = 0 } = classes[name] ?? {};
            return (inFlight - (name === admitted ? 1 : 0)) / (SHARE_OF[name] as number);
          };
          if (usedBy(admitted) < 10) continue;
          for (const [name, { waiting }] of Object.entries(waitingBefore)) {
            if (waiting > 0) expect(usedBy(name)).toBeGreaterThanOrEqual(10 - 1e-9);
          }
        }
      },
    ),
    { numRuns: 150 },
  ));
