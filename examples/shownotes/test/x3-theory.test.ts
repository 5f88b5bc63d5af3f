import { RateLimiter, tokenBucket } from "@compendium/rate-limiter";
import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scenario as behind } from "../src/x2-scenario.ts";
import { objectionsToX3 } from "../src/x3.ts";
import { type X3Scenario, x3Scenario } from "../src/x3-scenario.ts";
import { admittedMax, predictFlooded, predictLimited } from "../src/x3-theory.ts";
import { simulateX3 } from "./simulated-x3.ts";

const varied = (change: Partial<X3Scenario>): X3Scenario => ({ ...x3Scenario, ...change });
const limited = (change: Partial<X3Scenario["workspaceLimit"]>): X3Scenario =>
  varied({ workspaceLimit: { ...x3Scenario.workspaceLimit, ...change } });

describe("X3, worked out by hand: 60 + 600 a second, of which billing can serve 200", () => {
  test("off: the queue is 36 long, too long for whoever comes next, after 36 / 460 s", () => {
    expect(predictFlooded(x3Scenario, behind)).toEqual({
      othersWithin: expect.closeTo(36 / 460 / 4, 9),
      othersP99Ms: Infinity,
      admitted: 2_400,
    });
  });

  test("on: the burst leaves 16.4 to be served, 100 a second; the first hundredth waits", () => {
    const { othersWithin, othersP99Ms, admitted } = predictLimited(x3Scenario, behind);
    expect([othersWithin, admitted]).toEqual([1, 20 + 4 * 40]);
    // 20 tokens last for 20 / 560 s, in which 460 a second are too many: 16.4 are left. They take
    // 82 ms of billing's time; after 40 ms, a hundredth of the flood, 4 fewer stand there.
    const backlog = (460 * 20) / 560;
    expect(othersP99Ms).toBeCloseTo((backlog - 4) * 5 + 20, 9);
  });

  test("the limit is the bucket's own: burst and what drops in, in any time", () => {
    expect([0, 24, 25, 4_000, 4_024].map((ms) => admittedMax(x3Scenario, ms))).toEqual([
      20, 20, 21, 180, 180,
    ]);
  });
});

test("what could show nothing is refused", () => {
  const flood = { ...x3Scenario.flood, ratePerSecond: 140 };
  expect(() => predictFlooded(varied({ flood }), behind)).toThrow("no more than billing can");
  expect(() => predictLimited(limited({ limit: 140 }), behind)).toThrow("lets through more than");
  expect(() => predictLimited(limited({ burst: 44 }), behind)).toThrow("the burst alone keeps");
});

test("the bucket itself never lets through more than is predicted", () => {
  const rates = fc.record({
    limit: fc.integer({ min: 1, max: 500 }),
    windowMs: fc.integer({ min: 1, max: 5_000 }),
    burst: fc.integer({ min: 1, max: 100 }),
    gapMs: fc.integer({ min: 1, max: 20 }),
  });
  fc.assert(
    fc.property(rates, ({ gapMs, ...workspaceLimit }) => {
      const clock = new ManualClock();
      const bucket = new RateLimiter(tokenBucket(workspaceLimit), { clock });
      let admitted = 0;
      for (let ms = 0; ms <= 2_000; ms += gapMs) {
        if (bucket.take("flood").allowed) admitted++;
        expect(admitted).toBeLessThanOrEqual(admittedMax(limited(workspaceLimit), ms));
        clock.advance(gapMs);
      }
    }),
    { numRuns: 50 },
  );
});

describe("in virtual time, with billing's own workers and the edge's own policies and bucket", () => {
  const seeded = (seed: number) =>
    varied({
      others: { ...x3Scenario.others, seed },
      flood: { ...x3Scenario.flood, seed: 100 + seed },
    });

  test.each([1, 2, 3])(
    "all is as expected and as theory has it, with any seed: %i",
    async (seed) => {
      const off = await simulateX3(seeded(seed), behind, false);
      const on = await simulateX3(seeded(seed), behind, true);
      expect(objectionsToX3(off, on, x3Scenario)).toEqual([]);
      const expected = {
        off: predictFlooded(x3Scenario, behind),
        on: predictLimited(x3Scenario, behind),
      };
      expect(Math.abs(off.othersWithin - expected.off.othersWithin)).toBeLessThan(0.02);
      expect([off.othersP99Ms, off.admitted]).toEqual([Infinity, 2_400]);
      expect(on.othersWithin).toBe(1);
      expect(Math.abs(on.othersP99Ms - expected.on.othersP99Ms)).toBeLessThan(25);
      expect(on.admitted).toBeGreaterThanOrEqual(expected.on.admitted - 2);
      expect(on.admitted).toBeLessThanOrEqual(expected.on.admitted);
    },
  );

  test("a flood ten times as long is no better for the others, without the bucket", async () => {
    const phasesMs = { ...x3Scenario.phasesMs, flood: 40_000 };
    const { othersWithin } = await simulateX3(varied({ phasesMs }), behind, false);
    expect(othersWithin).toBeLessThan(0.005);
  });
});
