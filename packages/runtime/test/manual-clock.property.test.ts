import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";

const time = fc.integer({ min: 0, max: 50 });

test("any set of timers fires in order of time, then of creation, whatever is disposed", () => {
  const timers = fc.array(fc.record({ atMs: time, disposed: fc.boolean() }), { maxLength: 40 });
  fc.assert(
    fc.property(timers, fc.array(time, { maxLength: 10 }), (specs, steps) => {
      const clock = new ManualClock();
      const fired: number[] = [];
      const handles = specs.map(({ atMs }, id) => clock.setTimer(atMs, () => fired.push(id)));
      specs.forEach(({ disposed }, id) => {
        if (disposed) handles[id]?.[Symbol.dispose]();
      });
      for (const step of steps) clock.advance(step);

      const expected = specs
        .map(({ atMs, disposed }, id) => ({ atMs, disposed, id }))
        .filter(({ atMs, disposed }) => !disposed && steps.length > 0 && atMs <= clock.now())
        .sort((a, b) => a.atMs - b.atMs || a.id - b.id)
        .map(({ id }) => id);
      expect(fired).toEqual(expected);
      const disposed = specs.filter((spec) => spec.disposed).length;
      expect(clock.pendingTimers).toBe(specs.length - disposed - fired.length);
    }),
  );
});

test("how an interval is cut into advances changes nothing that a timer can see", () => {
  fc.assert(
    fc.property(fc.array(time, { maxLength: 20 }), fc.array(time), (timers, cuts) => {
      const run = (steps: number[]) => {
        const clock = new ManualClock();
        const seen: [number, number][] = [];
        timers.forEach((atMs, id) => {
          clock.setTimer(atMs, () => {
            seen.push([id, clock.now()]);
            if (id % 3 === 0) clock.setTimer(clock.now() + id, () => seen.push([-id, clock.now()]));
          });
        });
        for (const atMs of steps) clock.advanceTo(atMs);
        return seen;
      };
      expect(run([...cuts.sort((a, b) => a - b), 200])).toEqual(run([200]));
    }),
  );
});
