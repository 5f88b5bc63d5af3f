import fc from "fast-check";
import { expect, test } from "vitest";
import { objectionsToX2, type X2Measurement } from "../src/x2.ts";
import { scenario, VARIANTS, type Variant, type X2Scenario } from "../src/x2-scenario.ts";
import { capacityPerSecond, predictX2 } from "../src/x2-theory.ts";
import { simulateX2 } from "./simulated-x2.ts";

const seeded = (seed: number): X2Scenario => ({
  ...scenario,
  load: { ...scenario.load, seed },
  billing: { ...scenario.billing, seed: seed + 100 },
});

async function simulateAll(of: X2Scenario): Promise<Record<Variant, X2Measurement>> {
  const runs = VARIANTS.map(async (variant) => [variant, await simulateX2(of, variant)]);
  return Object.fromEntries(await Promise.all(runs));
}

test("in virtual time, with any seed, all is as expected and as theory has it", async () => {
  const predicted = predictX2(scenario);
  for (const seed of [1, 2]) {
    const measured = await simulateAll(seeded(seed));
    expect(objectionsToX2(measured, scenario)).toEqual([]);
    for (const variant of VARIANTS) {
      const { recoveryMs, attemptsPerCheckout } = measured[variant];
      const theory = predicted[variant];
      if (theory.recoveryMs === Infinity) {
        expect(recoveryMs).toBe(Infinity);
        expect(Math.abs(attemptsPerCheckout - theory.attemptsPerCheckout)).toBeLessThan(0.02);
      } else {
        expect(Math.abs(recoveryMs - theory.recoveryMs)).toBeLessThan(600);
        expect(attemptsPerCheckout).toBeLessThanOrEqual(theory.attemptsPerCheckout);
      }
    }
  }
});

test("without a blip there is no storm: the same retries do no harm", async () => {
  const calm = { ...scenario, billing: { ...scenario.billing, slowdown: 1 } };
  const { lastSecond, attemptsPerCheckout } = await simulateX2(calm, "naive");
  expect([lastSecond, attemptsPerCheckout]).toEqual([1, 1]);
});

test("a storm is metastable: ten times as long after the blip, naive retries still fail", async () => {
  const phasesMs = { ...scenario.phasesMs, recovery: 20_000 };
  const { lastSecond } = await simulateX2({ ...scenario, phasesMs }, "jitter");
  expect(lastSecond).toBe(0);
});

test("theory refuses a scenario that could show nothing", () => {
  const { load, billing, edge } = scenario;
  expect(() => predictX2({ ...scenario, load: { ...load, ratePerSecond: 190 } })).toThrow(
    "the load alone is more than billing can",
  );
  expect(() => predictX2({ ...scenario, billing: { ...billing, slowdown: 1.2 } })).toThrow(
    "this blip leaves no backlog",
  );
  expect(() => predictX2({ ...scenario, edge: { ...edge, attemptsMax: 1 } })).toThrow(
    "these retries sustain no storm",
  );
});

test("the longer the blip, the longer a budget alone takes; with shedding it makes no difference", () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 9_999 }), (blip) => {
      const at = (ms: number) =>
        predictX2({ ...scenario, phasesMs: { ...scenario.phasesMs, blip: ms } });
      const [shorter, longer] = [at(blip), at(blip + 100)];
      expect(longer.budget.recoveryMs).toBeGreaterThanOrEqual(shorter.budget.recoveryMs);
      expect(longer["budget+shed"].recoveryMs).toBe(shorter["budget+shed"].recoveryMs);
      expect(shorter.budget.recoveryMs).toBeGreaterThan(0);
    }),
  );
  expect(capacityPerSecond(scenario)).toBe(200);
});
