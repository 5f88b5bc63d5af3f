// Envoy's tables: "Priority levels" and "Panic threshold" of its architecture overview. Rows whose
// printed figures are not what its own formula and code give (rounded to the nearest there, or left
// over from an older version) stand here with what the code gives, and say so.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { distributeLoad } from "../../src/balance/priorities.ts";

const options = { overprovisioningFactor: 140, panicThreshold: 50 };

const levelsOf = (percents: readonly number[]) =>
  percents.map((available) => ({ hosts: 100, available }));

describe("a level's load", () => {
  test.each([
    [
      [100, 100],
      [100, 0],
    ],
    [
      [72, 100],
      [100, 0],
    ],
    [
      [71, 100],
      [99, 1],
    ],
    [
      [50, 100],
      [70, 30],
    ],
    [
      [25, 100],
      [35, 65],
    ],
    [
      [0, 100],
      [0, 100],
    ],
    [
      [72, 72],
      [100, 0],
    ],
    [
      [71, 71],
      [99, 1],
    ],
    [
      [50, 50],
      [70, 30],
    ],
    [
      [25, 25],
      [50, 50],
    ],
    [
      [100, 100, 100],
      [100, 0, 0],
    ],
    [
      [72, 72, 100],
      [100, 0, 0],
    ],
    [
      [71, 71, 100],
      [99, 1, 0],
    ],
    [
      [50, 50, 100],
      [70, 30, 0],
    ],
    [
      [25, 100, 100],
      [35, 65, 0],
    ],
    [
      [25, 25, 100],
      [35, 35, 30],
    ],
  ])("with %j %% of hosts available is %j %%, as documented", (available, loads) => {
    expect(distributeLoad(levelsOf(available), options).loads).toEqual(loads);
  });

  test("that rounding has lost goes to the first: {25, 25, 20} is 37/35/28, printed 36/36/28", () => {
    const { loads } = distributeLoad(levelsOf([25, 25, 20]), { ...options, panicThreshold: 0 });
    expect(loads).toEqual([37, 35, 28]);
  });

  test("{20, 30} in healths is normalised to {40, 60}", () => {
    const factor = { overprovisioningFactor: 100, panicThreshold: 0 };
    expect(distributeLoad(levelsOf([20, 30]), factor).loads).toEqual([40, 60]);
  });

  test("of a level that has no hosts is nothing", () => {
    const levels = [{ hosts: 0, available: 0 }, ...levelsOf([100])];
    expect(distributeLoad(levels, options)).toEqual({ loads: [0, 100], panics: [false, false] });
  });
});

describe("panic", () => {
  test.each([
    // Available in P=0 and P=1; panics; loads.
    [
      [72, 72],
      [false, false],
      [100, 0],
    ],
    [
      [71, 71],
      [false, false],
      [99, 1],
    ],
    [
      [50, 60],
      [false, false],
      [70, 30],
    ],
    [
      [25, 100],
      [false, false],
      [35, 65],
    ],
    [
      [25, 25],
      [true, true],
      [50, 50],
    ],
    // Printed as 7/93.
    [
      [5, 65],
      [true, false],
      [8, 92],
    ],
  ])("with %j %% of hosts available is %j", (available, panics, loads) => {
    expect(distributeLoad(levelsOf(available), options)).toEqual({ loads, panics });
  });

  test("with total health at 100, no level panics, however few hosts it has", () => {
    expect(distributeLoad(levelsOf([1, 100]), options).panics).toEqual([false, false]);
  });

  test("the threshold itself is no panic", () => {
    const strict = { overprovisioningFactor: 100, panicThreshold: 50 };
    expect(distributeLoad(levelsOf([50]), strict).panics).toEqual([false]);
    expect(distributeLoad(levelsOf([49]), strict).panics).toEqual([true]);
  });

  test("of every level distributes load by the number of hosts", () => {
    const levels = [
      { hosts: 1, available: 0 },
      { hosts: 2, available: 0 },
    ];
    expect(distributeLoad(levels, options)).toEqual({ loads: [34, 66], panics: [true, true] });
  });

  test("is switched off by a threshold of 0: with nobody available, P=0 gets all and has nobody", () => {
    const none = distributeLoad(levelsOf([0, 0]), { ...options, panicThreshold: 0 });
    expect(none).toEqual({ loads: [100, 0], panics: [false, false] });
  });

  test("without any host gives all to P=0", () => {
    expect(distributeLoad([{ hosts: 0, available: 0 }], options).loads).toEqual([100]);
  });
});

test("loads are whole, none is negative, and together they are 100", () => {
  const level = fc
    .record({ hosts: fc.nat(50), part: fc.nat(100) })
    .map(({ hosts, part }) => ({ hosts, available: Math.floor((hosts * part) / 100) }));
  const any = fc.record({
    overprovisioningFactor: fc.integer({ min: 100, max: 300 }),
    panicThreshold: fc.nat(100),
  });
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 6 }), any, (levels, some) => {
      const { loads, panics } = distributeLoad(levels, some);
      expect(loads.every((load) => Number.isInteger(load) && load >= 0)).toBe(true);
      expect(loads.reduce((a, b) => a + b)).toBe(100);
      const canChoose = levels.some(({ available }) => available > 0) || some.panicThreshold > 0;
      for (const [i, { hosts, available }] of levels.entries()) {
        // Nothing goes where nobody can take it, if somebody else can.
        const takes = panics[i] ? hosts > 0 : available > 0;
        const anyHost = levels.some((each) => each.hosts > 0);
        if (!takes && canChoose && anyHost) expect(loads[i]).toBe(0);
      }
    }),
    { numRuns: 1_000 },
  );
});
