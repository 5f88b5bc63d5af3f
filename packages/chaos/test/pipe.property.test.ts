// Every promise of FaultPipe's docstrings under virtual time: random chunks, random faults that
// change on the way, pulls at random and at due moments.

import { type DirectionFaults, FaultPipe } from "@compendium/chaos";
import { ManualClock, SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";
import { pattern } from "./helpers.ts";

const BUFFER_BYTES_MAX = 5_000;

const faults: fc.Arbitrary<DirectionFaults> = fc
  .record(
    {
      latencyMs: fc.integer({ min: 0, max: 300 }),
      jitterShare: fc.double({ min: 0, max: 1, noNaN: true }),
      bandwidthBytesPerSecond: fc.oneof(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1_000, max: 1_000_000 }),
      ),
      blackhole: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  .map(({ jitterShare = 0, ...rest }) => ({
    ...rest,
    jitterMs: (rest.latencyMs ?? 0) * jitterShare,
  }));

type Step =
  | { do: "push"; length: number }
  | { do: "wait"; ms: number }
  | { do: "waitUntilDue" }
  | { do: "set"; faults: DirectionFaults };

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("push"), length: fc.nat(2_000) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.nat(120) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("waitUntilDue") }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("set"), faults }) },
  ) as fc.Arbitrary<Step>,
  { maxLength: 60 },
);

/** A pipe, its time, and a diary of every byte that went in and came out. */
class Trial {
  readonly clock = new ManualClock();
  readonly pipe: FaultPipe;
  readonly sent: number[] = [];
  readonly arrived: number[] = [];
  readonly sentAtMs: number[] = [];
  readonly arrivedAtMs: number[] = [];
  fins = 0;

  constructor(initial: DirectionFaults, seed = 1) {
    const random = new SeededRandom(seed);
    this.pipe = new FaultPipe({
      clock: this.clock,
      random,
      bufferBytesMax: BUFFER_BYTES_MAX,
    });
    this.pipe.set(initial);
  }

  push(length: number): void {
    const bytes = pattern(Math.min(length, this.pipe.room), this.sent.length);
    this.pipe.push(bytes);
    this.sent.push(...bytes);
    for (const _ of bytes) this.sentAtMs.push(this.clock.now());
  }

  pull(bytesMax?: number): number {
    let released = 0;
    for (let next = this.pipe.pull(bytesMax); next; next = this.pipe.pull(bytesMax)) {
      released++;
      if (next.kind === "fin") this.fins++;
      if (next.kind !== "bytes") continue;
      expect(this.fins).toBe(0);
      this.arrived.push(...next.bytes);
      for (const _ of next.bytes) this.arrivedAtMs.push(this.clock.now());
    }
    return released;
  }

  /** To the next due moment, where something must come out; false if none will ever come. */
  pullWhenDue(): boolean {
    const atMs = this.pipe.nextAtMs();
    if (atMs === Number.POSITIVE_INFINITY) return false;
    this.clock.advanceTo(Math.max(atMs, this.clock.now()));
    expect(this.pull()).toBeGreaterThan(0);
    return true;
  }

  run(script: readonly Step[]): void {
    for (const step of script) {
      if (step.do === "push") this.push(step.length);
      else if (step.do === "wait") this.clock.advance(step.ms);
      else if (step.do === "set") this.pipe.set(step.faults);
      else this.pullWhenDue();
      this.pull();
      expect(this.pipe.heldBytes).toBe(this.sent.length - this.arrived.length);
      expect(this.pipe.heldBytes).toBeLessThanOrEqual(BUFFER_BYTES_MAX);
    }
  }
}

test("no byte is lost, doubled or moved, whatever faults come and go", () => {
  fc.assert(
    fc.property(faults, steps, (initial, script) => {
      const trial = new Trial(initial);
      trial.run(script);
      trial.pipe.end("fin");
      trial.pipe.set({});
      while (trial.pullWhenDue());
      expect(trial.arrived).toEqual(trial.sent);
      expect(trial.fins).toBe(1);
    }),
    { numRuns: 300 },
  );
});

test("each byte takes latency - jitter to latency + jitter, and no longer on a free line", () => {
  const free = faults.map(({ latencyMs = 0, jitterMs = 0 }) => ({ latencyMs, jitterMs }));
  fc.assert(
    fc.property(free, steps, fc.nat(), (fault, script, seed) => {
      const trial = new Trial(fault, seed);
      for (const step of script) {
        if (step.do === "push") trial.push(step.length);
        if (step.do !== "wait") continue;
        const untilMs = trial.clock.now() + step.ms;
        while (trial.pipe.nextAtMs() <= untilMs) trial.pullWhenDue();
        trial.clock.advanceTo(untilMs);
      }
      while (trial.pullWhenDue());
      let [shortestMs, longestMs] = [fault.latencyMs, fault.latencyMs];
      for (const [i, atMs] of trial.arrivedAtMs.entries()) {
        const tookMs = atMs - (trial.sentAtMs[i] as number);
        shortestMs = Math.min(shortestMs, tookMs);
        longestMs = Math.max(longestMs, tookMs);
      }
      expect(shortestMs).toBeGreaterThanOrEqual(fault.latencyMs - fault.jitterMs - 1e-6);
      expect(longestMs).toBeLessThanOrEqual(fault.latencyMs + fault.jitterMs + 1e-6);
    }),
    { numRuns: 200 },
  );
});

test("jitter spreads over its whole range, and the seed decides it", () => {
  const delays = (seed: number): number[] => {
    const trial = new Trial({ latencyMs: 100, jitterMs: 100 }, seed);
    return Array.from({ length: 300 }, () => {
      trial.push(1);
      const startedAtMs = trial.clock.now();
      trial.pullWhenDue();
      return trial.clock.now() - startedAtMs;
    });
  };
  expect(delays(7)).toEqual(delays(7));
  expect(delays(7)).not.toEqual(delays(8));
  expect(Math.min(...delays(7))).toBeLessThan(10);
  expect(Math.max(...delays(7))).toBeGreaterThan(190);
});

test("in no interval do more than rate × t + 20 ms worth + 1 byte come out", () => {
  const rates = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 90_000 }));
  fc.assert(
    fc.property(rates, steps, (rate, script) => {
      const trial = new Trial({ bandwidthBytesPerSecond: rate });
      trial.run(script.filter((step) => step.do !== "set"));
      while (trial.arrived.length < trial.sent.length - 50) trial.pullWhenDue();
      const burst = 2 * Math.ceil(rate / 100) + 1;
      // A worst interval begins and ends with a release: the largest rise of bytes - rate × t.
      let lowest = Number.POSITIVE_INFINITY;
      let rise = 0;
      for (const [i, atMs] of trial.arrivedAtMs.entries()) {
        const first = i === 0 || trial.arrivedAtMs[i - 1] !== atMs;
        if (first) lowest = Math.min(lowest, i - (rate * atMs) / 1_000);
        rise = Math.max(rise, i + 1 - (rate * atMs) / 1_000 - lowest);
      }
      expect(rise).toBeLessThanOrEqual(burst);
    }),
    { numRuns: 150 },
  );
});

test("a saturated line that is pulled when due carries its rate, slice by slice", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200_000 }), (rate) => {
      const trial = new Trial({ bandwidthBytesPerSecond: rate });
      while (trial.clock.now() < 1_000) {
        trial.push(BUFFER_BYTES_MAX);
        const before = trial.arrived.length;
        trial.pullWhenDue();
        expect(trial.arrived.length - before).toBeLessThanOrEqual(2 * Math.ceil(rate / 100));
      }
      const expected = (rate * trial.clock.now()) / 1_000;
      expect(Math.abs(trial.arrived.length - expected)).toBeLessThanOrEqual(1 + rate / 50);
    }),
    { numRuns: 20 },
  );
});

test("when nextAtMs comes something comes out, however the fractions add up", () => {
  // Sums of tenths miss a whole by a hair about once in 20,000 tries: plain repetition finds it.
  const random = new SeededRandom(1);
  for (let tries = 0; tries < 20_000; tries++) {
    const clock = new ManualClock({ nowMs: random.below(1_000_000) / 7 });
    const pipe = new FaultPipe({ clock, random, bufferBytesMax: 9 });
    pipe.set({ bandwidthBytesPerSecond: 1 + random.below(60) });
    pipe.push(pattern(9));
    for (let i = 0; i < 4; i++) {
      clock.advance(random.below(500) / 10);
      pipe.pull();
      const atMs = pipe.nextAtMs();
      if (atMs === Number.POSITIVE_INFINITY) break;
      clock.advanceTo(Math.max(clock.now(), atMs));
      if (pipe.pull() === undefined) throw new Error(`nothing came out at ${atMs}`);
    }
  }
});

test("while the gate is shut nothing comes out and no timer is asked for", () => {
  fc.assert(
    fc.property(faults, steps, (fault, script) => {
      const trial = new Trial({ ...fault, blackhole: true });
      trial.run(script.filter((step) => step.do !== "set"));
      expect(trial.arrived).toEqual([]);
      expect(trial.pipe.nextAtMs()).toBe(Number.POSITIVE_INFINITY);
    }),
    { numRuns: 50 },
  );
});

test("a change of faults never makes a byte that is inside wait longer", () => {
  fc.assert(
    fc.property(faults, faults, fc.nat(500), (before, after, waitMs) => {
      const dueUnder = (next: DirectionFaults | undefined): number => {
        const trial = new Trial({ ...before, blackhole: false }, 3);
        trial.push(1);
        trial.clock.advance(waitMs);
        if (next) trial.pipe.set(next);
        return trial.pipe.nextAtMs();
      };
      const { bandwidthBytesPerSecond: _, ...slower } = { ...after, blackhole: false };
      expect(dueUnder(slower)).toBeLessThanOrEqual(dueUnder(undefined));
    }),
  );
});

test("lowering the latency lets bytes inside go as if they had come in under the new one", () => {
  fc.assert(
    fc.property(fc.nat(300), fc.nat(300), fc.nat(400), (beforeMs, afterMs, waitMs) => {
      const trial = new Trial({ latencyMs: beforeMs });
      trial.push(1);
      trial.clock.advance(waitMs);
      trial.pipe.set({ latencyMs: afterMs });
      expect(trial.pipe.nextAtMs()).toBe(Math.max(waitMs, Math.min(beforeMs, afterMs)));
    }),
  );
});

test("setting the same faults again changes nothing, however often", () => {
  const fault = { bandwidthBytesPerSecond: 1_000, resetAfterBytes: 500 };
  const trial = new Trial(fault);
  trial.push(1_000);
  for (let ms = 0; ms < 400; ms++) {
    trial.clock.advance(1);
    trial.pipe.set({ ...fault });
    trial.pull();
  }
  expect(trial.arrived).toHaveLength(400);
  for (let ms = 0; ms < 100; ms++) {
    trial.clock.advance(1);
    trial.pipe.set({ ...fault });
    trial.pull();
  }
  expect(trial.arrived).toHaveLength(500);
  expect(trial.pipe.room).toBe(0);
});

test("resetAfterBytes lets exactly so many bytes through, then resets, and nothing follows", () => {
  fc.assert(
    fc.property(fc.nat(3_000), faults, fc.integer({ min: 1, max: 900 }), (bytes, fault, part) => {
      const trial = new Trial({ ...fault, blackhole: false, resetAfterBytes: bytes });
      trial.push(4_000);
      for (let next = trial.pipe.pull(part); ; next = trial.pipe.pull(part)) {
        if (next?.kind === "bytes") trial.arrived.push(...next.bytes);
        if (next?.kind === "reset") break;
        if (!next) trial.clock.advanceTo(Math.max(trial.clock.now(), trial.pipe.nextAtMs()));
      }
      expect(trial.arrived).toEqual(trial.sent.slice(0, bytes));
      expect(trial.pipe.room).toBe(0);
      expect(trial.pipe.nextAtMs()).toBe(Number.POSITIVE_INFINITY);
      expect(trial.pipe.pull()).toBeUndefined();
    }),
  );
});

test("a sender of single bytes fills 1,024 segments, not memory", () => {
  const trial = new Trial({ blackhole: true });
  let pushed = 0;
  for (; trial.pipe.room > 0; pushed++) trial.pipe.push(Uint8Array.of(1));
  expect(pushed).toBe(1_024);
  expect(() => trial.pipe.push(Uint8Array.of(1))).toThrow(RangeError);
  trial.pipe.set({});
  trial.pull();
  expect(trial.pipe.room).toBe(BUFFER_BYTES_MAX);
});

test("an abort comes out behind what was sent before it, and behind a FIN", () => {
  const trial = new Trial({ latencyMs: 10 });
  trial.push(3);
  trial.pipe.end("fin");
  trial.pipe.end("reset");
  trial.pipe.end("fin");
  trial.clock.advance(10);
  const kinds = Array.from({ length: 4 }, () => trial.pipe.pull()?.kind);
  expect(kinds).toEqual(["bytes", "fin", "reset", undefined]);
});
