import {
  chance,
  pick,
  type Random,
  SeededRandom,
  shuffle,
  systemRandom,
} from "@compendium/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

describe("SeededRandom", () => {
  describeRandom(() => new SeededRandom(7));

  test("is xoshiro128** 1.1: the reference implementation's output from 1, 2, 3, 4", () => {
    const random = SeededRandom.fromState([1, 2, 3, 4]);
    expect(Array.from({ length: 10 }, () => random.word32())).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
      4258142804,
    ]);
    expect(random.state()).toEqual([939045227, 1864939416, 1451579149, 2199351389]);
  });

  test("a seed means the same sequence for ever", () => {
    const draws = (seed: number) => {
      const random = new SeededRandom(seed);
      return [10, 1_000, 2 ** 32, 2 ** 53].map((n) => random.below(n));
    };
    expect([0, 1, 42, 2 ** 53 - 1].map(draws)).toMatchInlineSnapshot(`
      [
        [
          7,
          150,
          1654315219,
          2621714808786636,
        ],
        [
          0,
          797,
          1764717425,
          8769919392087414,
        ],
        [
          0,
          388,
          439704051,
          1431194071401204,
        ],
        [
          7,
          192,
          1863037394,
          6052572264249959,
        ],
      ]
    `);
  });

  test("the same seed gives the same sequence; different seeds give different states", () => {
    const seed = fc.maxSafeNat();
    fc.assert(
      fc.property(seed, seed, (a, b) => {
        const same = `${new SeededRandom(a).state()}` === `${new SeededRandom(b).state()}`;
        expect(same).toBe(a === b);
      }),
    );
    expect(new SeededRandom(2 ** 32).state()).not.toEqual(new SeededRandom(0).state());
  });

  test("continues from a state as if nothing had happened", () => {
    const random = new SeededRandom(9);
    for (let i = 0; i < 100; i++) random.word32();
    const twin = SeededRandom.fromState(random.state());
    for (let i = 0; i < 100; i++) expect(twin.word32()).toBe(random.word32());
  });

  test("a fork goes its own way: its draws change nothing for parent and siblings", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(20), (seed, draws) => {
        const [a, b] = [new SeededRandom(seed), new SeededRandom(seed)];
        const child = a.fork();
        b.fork();
        for (let i = 0; i < draws; i++) child.word32();
        expect(a.state()).toEqual(b.state());
        expect(a.fork().state()).toEqual(b.fork().state());
        expect(child.state()).not.toEqual(a.state());
      }),
    );
  });

  test("refuses what is no seed and what is no state", () => {
    for (const seed of [-1, 0.5, 2 ** 53, Number.NaN]) {
      expect(() => new SeededRandom(seed)).toThrow(/seed must be an integer in \[0, 2\^53\), got/);
    }
    for (const state of [
      [0, 0, 0, 0],
      [1, 2, 3],
      [1, 2, 3, 2 ** 32],
      [1, 2, 3, -1],
    ]) {
      expect(() => SeededRandom.fromState(state as never)).toThrow(RangeError);
    }
  });
});

describe("systemRandom", () => {
  describeRandom(() => systemRandom);

  test("does not repeat itself", () => {
    const draws = Array.from({ length: 1_000 }, () => systemRandom.below(2 ** 53));
    expect(new Set(draws).size).toBe(1_000);
  });
});

describe("helpers", () => {
  test("chance is true numerator times in denominator, never at 0, always at the whole", () => {
    const random = new SeededRandom(3);
    const hits = Array.from({ length: 10_000 }, () => chance(random, 1, 4)).filter(Boolean).length;
    expect(hits).toBeGreaterThan(2_300);
    expect(hits).toBeLessThan(2_700);
    for (let i = 0; i < 100; i++) {
      expect(chance(random, 0, 3)).toBe(false);
      expect(chance(random, 3, 3)).toBe(true);
    }
    expect(() => chance(random, 2, 1)).toThrow("numerator must be an integer in [0, 1], got 2");
    expect(() => chance(random, 0, 0)).toThrow(RangeError);
  });

  test("shuffle keeps every item and makes every order equally likely", () => {
    const random = new SeededRandom(5);
    const seen = new Map<string, number>();
    for (let i = 0; i < 6_000; i++) {
      const order = shuffle(random, [1, 2, 3]).join("");
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual(["123", "132", "213", "231", "312", "321"]);
    for (const count of seen.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  test("pick takes one of the items, and refuses to pick from none", () => {
    const items = ["a", "b", "c"];
    const random = new SeededRandom(1);
    expect(new Set(Array.from({ length: 100 }, () => pick(random, items)))).toEqual(new Set(items));
    expect(() => pick(random, [])).toThrow("items must not be empty");
  });
});

/** What every Random promises. */
function describeRandom(make: () => Random): void {
  test("below(n) is an integer in [0, n), for every n up to 2^53", () => {
    const random = make();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 53 - 1 }), (n) => {
        const value = random.below(n);
        expect(Number.isInteger(value) && value >= 0 && value < n).toBe(true);
      }),
    );
    expect(random.below(1)).toBe(0);
    expect(random.below(2 ** 53)).toBeLessThan(2 ** 53);
  });

  test("below(n) is uniform: chi-squared over ten buckets", () => {
    const random = make();
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) (counts[random.below(10)] as number)++;
    const chiSquared = counts.reduce((sum, count) => sum + (count - 2_000) ** 2 / 2_000, 0);
    // 9 degrees of freedom: above 39.3 once in 100,000 honest runs.
    expect(chiSquared).toBeLessThan(39.3);
  });

  test("below(n) has no modulo bias: at 3/4 of the range each third gets its third", () => {
    // With a plain modulo the first third of [0, 3 * 2^30) would be drawn half of the time.
    const random = make();
    const n = 3 * 2 ** 30;
    let low = 0;
    for (let i = 0; i < 9_000; i++) if (random.below(n) < n / 3) low++;
    expect(Math.abs(low - 3_000)).toBeLessThan(250);
  });

  test.each([0, -1, 1.5, 2 ** 53 + 2, Number.NaN, Number.POSITIVE_INFINITY])(
    "refuses below(%s)",
    (n) => {
      expect(() => make().below(n)).toThrow(/n must be an integer in \[1, 2\^53\], got/);
    },
  );
}
