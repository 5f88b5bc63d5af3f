import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HybridLogicalClock, LwwRegister, STAMPS_PER_MS, wallMsOf } from "../../src/index.ts";

describe("Kulkarni et al. 2014", () => {
  test("theorem 1: an event that follows another has the higher timestamp, whatever the clocks do", () => {
    const walls = fc.array(fc.record({ at: fc.nat(2), ms: fc.nat(5_000), to: fc.nat(2) }));
    fc.assert(
      fc.property(walls, (events) => {
        const wallMs = [0, 0, 0];
        const clocks = wallMs.map(
          (_, i) => new HybridLogicalClock({ wallMs: () => wallMs[i]!, aheadMsMax: 1e9 }),
        );
        for (const { at, ms, to } of events) {
          wallMs[at] = ms;
          const before = clocks[at]!.last;
          const stamp = clocks[at]!.now();
          expect(stamp).toBeGreaterThan(before);
          clocks[to]!.receive(stamp);
          expect(clocks[to]!.now()).toBeGreaterThan(stamp);
        }
      }),
    );
  });

  test("corollary 2: it is never behind its own wall clock, and ahead only by what it has seen", () => {
    const clock = new HybridLogicalClock({ wallMs: () => 5_000 });
    expect(wallMsOf(clock.now())).toBe(5_000);
    for (let i = 0; i < STAMPS_PER_MS; i++) clock.now();
    expect(wallMsOf(clock.last)).toBe(5_001);
  });

  test("§6: refuses a timestamp too far ahead, and stays where it was", () => {
    const clock = new HybridLogicalClock({ wallMs: () => 1_000, aheadMsMax: 500 });
    clock.receive(1_500 * STAMPS_PER_MS);
    const { last } = clock;
    expect(() => clock.receive(1_501 * STAMPS_PER_MS)).toThrow(
      expect.objectContaining({ code: "CRDT_DRIFT" }),
    );
    expect(clock.last).toBe(last);
  });
});

test("a register refuses the write of a clock that is far ahead, and stays as it was", () => {
  const at = (replica: string, wallMs: number): LwwRegister<string> =>
    new LwwRegister({ replica, clock: new HybridLogicalClock({ wallMs: () => wallMs }) });
  const [here, ahead] = [at("here", 1_000), at("ahead", 10_000_000)];
  here.set("mine");
  const digest = here.digest();
  const delta = ahead.set("from the future");
  expect(() => here.join(delta)).toThrow(expect.objectContaining({ code: "CRDT_DRIFT" }));
  expect(() => here.join(delta.encode())).toThrow(expect.objectContaining({ code: "CRDT_DRIFT" }));
  expect([here.value, here.digest()]).toEqual(["mine", digest]);
});

test("whoever has seen a write overwrites it, even with a clock that is behind", () => {
  const [ahead, behind] = [50_000, 1_000].map((wallMs, i) => {
    const clock = new HybridLogicalClock({ wallMs: () => wallMs });
    return new LwwRegister<string>({ replica: `r${i}`, clock });
  }) as [LwwRegister<string>, LwwRegister<string>];
  behind.join(ahead.set("first"));
  ahead.join(behind.set("second"));
  expect([ahead.value, behind.value]).toEqual(["second", "second"]);
});

test("a clock's options are checked", () => {
  expect(() => new HybridLogicalClock({ wallMs: () => 0, aheadMsMax: -1 })).toThrow(RangeError);
});
