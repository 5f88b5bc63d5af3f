import fc from "fast-check";
import { expect, test } from "vitest";
import { InFlightLimit } from "../src/in-flight-limit.ts";

test("starts at once while there is a place, then first come, first served", () => {
  const limit = new InFlightLimit(1, 10);
  const started: string[] = [];
  const leaveA = limit.enter(() => started.push("a"));
  const leaveB = limit.enter(() => started.push("b"));
  limit.enter(() => started.push("c"));
  expect([started, limit.taken, limit.waiting]).toEqual([["a"], 1, 2]);
  leaveA?.();
  expect([started, limit.taken, limit.waiting]).toEqual([["a", "b"], 1, 1]);
  leaveB?.();
  expect([started, limit.taken, limit.waiting]).toEqual([["a", "b", "c"], 1, 0]);
});

test("whoever leaves the queue never starts, and takes nobody's place along", () => {
  const limit = new InFlightLimit(1, 10);
  const started: string[] = [];
  const leaveA = limit.enter(() => started.push("a"));
  const leaveB = limit.enter(() => started.push("b"));
  leaveB?.();
  leaveB?.();
  leaveA?.();
  expect([started, limit.taken, limit.waiting]).toEqual([["a"], 0, 0]);
});

test("leaving twice frees one place", () => {
  const limit = new InFlightLimit(2, 0);
  const leave = limit.enter(() => {});
  limit.enter(() => {});
  leave?.();
  leave?.();
  expect(limit.taken).toBe(1);
});

test("a full queue refuses, and the refused one is never started", () => {
  const limit = new InFlightLimit(1, 1);
  const started: string[] = [];
  const leaveA = limit.enter(() => started.push("a"));
  limit.enter(() => started.push("b"));
  expect(limit.enter(() => started.push("c"))).toBeUndefined();
  leaveA?.();
  expect(started).toEqual(["a", "b"]);
});

// A model: a list of those inside, a list of those who wait. Numbers pick who leaves.
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant("enter" as const) },
    { weight: 2, arbitrary: fc.nat({ max: 60 }) },
  ),
  { maxLength: 120 },
);

test("whatever the order of coming and going, it does what two plain lists do", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.nat({ max: 5 }), steps, (max, queueMax, all) => {
      const limit = new InFlightLimit(max, queueMax);
      const started: number[] = [];
      const leavers: (() => void)[] = [];
      const inside: number[] = [];
      const waiting: number[] = [];
      const everStarted: number[] = [];
      const settle = () => {
        while (inside.length < max && waiting.length > 0) {
          const next = waiting.shift() as number;
          inside.push(next);
          everStarted.push(next);
        }
      };
      for (const step of all) {
        if (step === "enter") {
          const id = leavers.length;
          const leave = limit.enter(() => started.push(id));
          const admitted = inside.length < max || waiting.length < queueMax;
          expect(leave !== undefined).toBe(admitted);
          if (leave === undefined) continue;
          leavers.push(leave);
          waiting.push(id);
        } else if (leavers.length > 0) {
          // Somebody leaves: from a place, from the queue, or for the second time.
          const id = step % leavers.length;
          leavers[id]?.();
          for (const list of [inside, waiting]) {
            if (list.includes(id)) list.splice(list.indexOf(id), 1);
          }
        }
        settle();
        expect(limit.taken).toBe(inside.length);
        expect(limit.waiting).toBe(waiting.length);
        expect(started).toEqual(everStarted);
      }
      for (const leave of leavers) leave();
      expect([limit.taken, limit.waiting]).toEqual([0, 0]);
    }),
  );
});
