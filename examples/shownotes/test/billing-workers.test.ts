import { ManualClock, SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { type Capacity, Workers } from "../src/workers.ts";

const two: Capacity = { workers: 2, serviceMs: 20, serviceSpread: 0, queueMax: 3 };
let clock: ManualClock;
let done: [name: string, atMs: number][];

beforeEach(() => {
  clock = new ManualClock();
  done = [];
});

const make = (capacity: Capacity = two) => new Workers(capacity, new SeededRandom(1), clock);

function ask(workers: Workers, name: string, deadlineInMs?: number): void {
  workers
    .serve(() => name, deadlineInMs)
    .then(
      () => done.push([name, clock.now()]),
      (error: { code: string }) => done.push([`${name} ${error.code}`, clock.now()]),
    );
}

test("each worker serves one request at a time, first come, first served", async () => {
  const workers = make();
  for (const name of ["a", "b", "c", "d", "e"]) ask(workers, name);
  expect(workers.stats()).toMatchObject({ running: 2, waiting: 3, started: 2 });
  await clock.advanceToAsync(100);
  expect(done).toEqual([
    ["a", 20],
    ["b", 20],
    ["c", 40],
    ["d", 40],
    ["e", 60],
  ]);
});

test("who finds the queue full is refused at once", async () => {
  const workers = make();
  for (const name of ["a", "b", "c", "d", "e", "f"]) ask(workers, name);
  await clock.advanceToAsync(0);
  expect(done).toEqual([["f BULKHEAD_FULL", 0]]);
  expect(workers.stats()).toMatchObject({ refused: 1, shed: 0 });
});

test("what has passed its deadline in the queue is not started", async () => {
  const workers = make();
  for (const name of ["a", "b"]) ask(workers, name);
  ask(workers, "late", 15);
  ask(workers, "c", 100);
  ask(workers, "never", 0);
  await clock.advanceToAsync(100);
  expect(done.map(([name]) => name)).toEqual(
    ["never DEADLINE_EXCEEDED", "a", "b", "late DEADLINE_EXCEEDED", "c"].sort(
      (x, y) => order(x) - order(y),
    ),
  );
  expect(workers.stats()).toMatchObject({ started: 3, shed: 2, refused: 0 });
});

// In the order in which they end: the deadline's wheel may be a tick late, the turn is not.
function order(name: string): number {
  return done.findIndex(([ended]) => ended === name);
}

test("what is being served keeps its worker, though its caller has been told that it is late", async () => {
  const workers = make({ ...two, workers: 1 });
  let finished = 0;
  workers.serve(() => finished++, 5).catch(() => {});
  ask(workers, "next");
  await clock.advanceToAsync(100);
  expect(finished).toBe(1);
  expect(done).toEqual([["next", 40]]);
  expect(workers.stats()).toMatchObject({ started: 2, shed: 0 });
});

test("slowed down, what begins from then on takes that much longer", async () => {
  const workers = make({ ...two, workers: 1 });
  ask(workers, "before");
  workers.slowdown = 10;
  ask(workers, "slow");
  await clock.advanceToAsync(100);
  workers.slowdown = 1;
  ask(workers, "after");
  await clock.advanceToAsync(1_000);
  expect(done).toEqual([
    ["before", 20],
    ["slow", 220],
    ["after", 240],
  ]);
});

test("timers that fire late do not make the workers slower, as long as somebody waits", async () => {
  const late = { ...clock, now: () => clock.now(), wallMs: () => 0 };
  const workers = new Workers({ ...two, workers: 1, queueMax: 100 }, new SeededRandom(1), {
    ...late,
    setTimer: (atMs, fn) => clock.setTimer(atMs + 7, fn),
  });
  for (let i = 0; i < 50; i++) ask(workers, String(i));
  await clock.advanceToAsync(2_000);
  // 50 · 20 ms, and the lateness once, not fifty times.
  expect(done.at(-1)).toEqual(["49", 1_007]);
});

test("service times stay within their spread, and are on average what was said", () => {
  fc.assert(
    fc.asyncProperty(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), async (seed, spread) => {
      const clock = new ManualClock();
      const capacity = { workers: 1, serviceMs: 20, serviceSpread: spread, queueMax: 200 };
      const workers = new Workers(capacity, new SeededRandom(seed), clock);
      const ends: number[] = [0];
      for (let i = 0; i < 100; i++) void workers.serve(() => ends.push(clock.now()));
      await clock.advanceToAsync(10_000);
      const took = ends.slice(1).map((ms, i) => ms - (ends[i] as number));
      for (const ms of took) {
        expect(ms).toBeGreaterThanOrEqual(20 * (1 - spread) - 1e-6);
        expect(ms).toBeLessThanOrEqual(20 * (1 + spread) + 1e-6);
      }
      expect((ends.at(-1) as number) / 100).toBeCloseTo(20, -1);
    }),
    { numRuns: 10 },
  );
});
