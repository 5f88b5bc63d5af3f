// Slow start: the curve of the formula, and what it does to round robin and least request.
import { ManualClock, SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { leastRequest } from "../../src/balance/least-request.ts";
import { roundRobin } from "../../src/balance/round-robin.ts";
import { SlowStart } from "../../src/balance/slow-start.ts";
import { makeHost } from "../../src/cluster/host.ts";
import { equal, makeHosts } from "./helpers.ts";

const windowMs = 60_000;

function factorAt(forMs: number, aggression = 1, weightMin = 10): number {
  const clock = new ManualClock();
  const host = makeHost({ address: "a:1", port: 1 });
  clock.advance(forMs);
  return new SlowStart({ windowMs, aggression, weightMin }, clock).factor(host);
}

describe("the factor", () => {
  test.each([
    [0, 0.1],
    [6_000, 0.1],
    [15_000, 0.25],
    [30_000, 0.5],
    [59_999, 59_999 / 60_000],
    [60_000, 1],
    [600_000, 1],
  ])("grows in a line from 10 %%: after %i ms it is %d", (forMs, factor) => {
    expect(factorAt(forMs)).toBeCloseTo(factor, 9);
  });

  test("(t / window) ^ (1 / aggression): an aggression of 2 gives a half after a quarter", () => {
    expect(factorAt(15_000, 2)).toBeCloseTo(0.5, 9);
    expect(factorAt(30_000, 0.5)).toBeCloseTo(0.25, 9);
  });

  test("is above 0 and at most 1 and never sinks", () => {
    const ms = fc.integer({ min: 0, max: 70_000 });
    const aggression = fc.double({ min: 0.1, max: 10, noNaN: true });
    fc.assert(
      fc.property(ms, ms, aggression, fc.nat(100), (a, b, some, weightMin) => {
        const early = factorAt(Math.min(a, b), some, weightMin);
        const late = factorAt(Math.max(a, b), some, weightMin);
        expect(early).toBeGreaterThan(0);
        expect(late).toBeGreaterThanOrEqual(early);
        expect(late).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("is 1 for a host that is not available: who is used in a panic is used", () => {
    const host = makeHost({ address: "a:1", port: 1, isHealthy: false });
    const slowStart = new SlowStart({ windowMs, aggression: 1, weightMin: 10 }, new ManualClock());
    expect(slowStart.factor(host)).toBe(1);
  });
});

describe.each(["round robin", "least request"] as const)("%s", (name) => {
  const make = name === "round robin" ? roundRobin : undefined;
  const options = { choices: 2, activeBias: 1 };

  test("gives a host that has just come a tenth of a share at first, and its whole share later", () => {
    const clock = new ManualClock();
    const hosts = makeHosts(4);
    for (const host of hosts.slice(1)) host.healthySinceMs = -windowMs;
    const slowStart = new SlowStart({ windowMs, aggression: 1, weightMin: 10 }, clock);
    const random = new SeededRandom(1);
    const picker =
      make?.(equal(hosts), slowStart, random) ??
      leastRequest(equal(hosts), options, slowStart, random);
    const share = (): number => {
      let picks = 0;
      for (let i = 0; i < 3_100; i++) if (picker.pick(0, 0) === hosts[0]) picks++;
      return picks / 3_100;
    };
    expect(share()).toBeCloseTo(0.1 / 3.1, 2);
    clock.advance(windowMs / 2);
    expect(share()).toBeCloseTo(0.5 / 3.5, 2);
    clock.advance(windowMs / 2);
    expect(share()).toBeCloseTo(1 / 4, 2);
  });
});
