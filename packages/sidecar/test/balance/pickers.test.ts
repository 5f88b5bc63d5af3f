// Round robin, random, least request and peak-EWMA: who gets how much.
import { ManualClock, SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AliasTable } from "../../src/balance/alias-table.ts";
import { leastRequest } from "../../src/balance/least-request.ts";
import { observeLatency, PeakEwmaPicker, peakEwmaCost } from "../../src/balance/peak-ewma.ts";
import { RandomPicker } from "../../src/balance/random.ts";
import { roundRobin } from "../../src/balance/round-robin.ts";
import { countPicks, equal, makeHosts, weighted } from "./helpers.ts";

const weightLists = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 });
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe("round robin", () => {
  test("with equal weights takes each host once before any comes again", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), seeds, (count, seed) => {
        const hosts = makeHosts(count);
        const picker = roundRobin(equal(hosts), undefined, new SeededRandom(seed));
        expect(countPicks(picker, hosts, 3 * count)).toEqual(hosts.map(() => 3));
      }),
    );
  });

  test("begins anywhere", () => {
    const hosts = makeHosts(4);
    const random = new SeededRandom(1);
    const firsts = Array.from({ length: 100 }, () => {
      return roundRobin(equal(hosts), undefined, random).pick(0, 0);
    });
    expect(new Set(firsts)).toEqual(new Set(hosts));
  });

  test("begins anywhere by schedule, too: with each host as often as its weight says", () => {
    const all = weighted([1, 3]);
    const random = new SeededRandom(1);
    const firsts = Array.from({ length: 2_000 }, () =>
      roundRobin(all, undefined, random).pick(0, 0),
    );
    const heavy = firsts.filter((host) => host === all.hosts[1]).length;
    // 1 / u₁ against 3 / u₂: the light one is first in a sixth of the cases.
    expect(heavy / 2_000).toBeCloseTo(5 / 6, 1);
  });

  test("between two picks of weight w, weight v comes v / w times, rounded down or up", () => {
    fc.assert(
      fc.property(weightLists, seeds, (weights, seed) => {
        const { hosts } = weighted(weights);
        const picker = roundRobin({ hosts, weights }, undefined, new SeededRandom(seed));
        const picks = Array.from({ length: 400 }, () => hosts.indexOf(picker.pick(0, 0)));
        for (const [w, weight] of weights.entries()) {
          const places = [...picks.keys()].filter((i) => picks[i] === w);
          for (let i = 1; i < places.length; i++) {
            const between = picks.slice(places[i - 1]! + 1, places[i]);
            for (const [v, other] of weights.entries()) {
              if (v === w) continue;
              const times = between.filter((pick) => pick === v).length;
              expect(times).toBeGreaterThanOrEqual(Math.floor(other / weight));
              expect(times).toBeLessThanOrEqual(Math.ceil(other / weight));
            }
          }
        }
      }),
    );
  });

  test("in a thousand rounds, each has its share up to one round", () => {
    const weights = [1, 2, 3, 10, 100];
    const all = weighted(weights);
    const counts = countPicks(roundRobin(all, undefined, new SeededRandom(3)), all.hosts, 116_000);
    for (const [i, weight] of weights.entries()) {
      expect(Math.abs(counts[i]! - 1_000 * weight)).toBeLessThanOrEqual(weight + 1);
    }
  });
});

describe("the alias table and random choice", () => {
  test("draw each item by its share, within five standard deviations", () => {
    fc.assert(
      fc.property(weightLists, seeds, (weights, seed) => {
        const table = new AliasTable(weights, new SeededRandom(seed));
        const sum = weights.reduce((a, b) => a + b);
        const counts = weights.map(() => 0);
        for (let i = 0; i < 5_000; i++) counts[table.draw()]!++;
        for (const [i, weight] of weights.entries()) {
          const share = weight / sum;
          const deviation = Math.sqrt(5_000 * share * (1 - share));
          expect(Math.abs(counts[i]! - 5_000 * share)).toBeLessThanOrEqual(5 * deviation + 1);
        }
      }),
    );
  });

  test("pick hosts of equal weight equally", () => {
    const hosts = makeHosts(10);
    const counts = countPicks(new RandomPicker(equal(hosts), new SeededRandom(5)), hosts, 20_000);
    for (const count of counts) expect(Math.abs(count - 2_000)).toBeLessThan(220);
  });

  test("pick hosts of unequal weight by it", () => {
    const all = weighted([1, 9]);
    const [light] = countPicks(new RandomPicker(all, new SeededRandom(5)), all.hosts, 20_000);
    expect(Math.abs(light! - 2_000)).toBeLessThan(220);
  });
});

describe("least request", () => {
  const options = { choices: 2, activeBias: 1 };

  test("never takes the busiest of two that it has drawn", () => {
    const hosts = makeHosts(2);
    hosts[0]!.numbers.activeRequests = 1;
    const picker = leastRequest(equal(hosts), options, undefined, new SeededRandom(1));
    // It is taken only when it has been drawn twice: with replacement, as Envoy draws.
    const [busy] = countPicks(picker, hosts, 10_000);
    expect(Math.abs(busy! - 2_500)).toBeLessThan(220);
  });

  test("with as many choices as it takes finds the idle one", () => {
    const hosts = makeHosts(5);
    for (const host of hosts.slice(1)) host.numbers.activeRequests = 3;
    const many = leastRequest(
      equal(hosts),
      { ...options, choices: 60 },
      undefined,
      new SeededRandom(1),
    );
    expect(countPicks(many, hosts, 100)).toEqual([100, 0, 0, 0, 0]);
  });

  test("two choices keep the fullest of a hundred hosts far below one choice", () => {
    const fullest = (choices: number): number => {
      const hosts = makeHosts(100);
      const picker = leastRequest(
        equal(hosts),
        { ...options, choices },
        undefined,
        new SeededRandom(1),
      );
      for (let i = 0; i < 100; i++) picker.pick(0, 0).numbers.activeRequests++;
      return Math.max(...hosts.map((host) => host.numbers.activeRequests));
    };
    expect(fullest(2)).toBeLessThan(fullest(1));
    expect(fullest(2)).toBeLessThanOrEqual(3);
  });

  test("with unequal weights is weight / (active + 1) ^ bias", () => {
    const all = weighted([2, 8]);
    all.hosts[1]!.numbers.activeRequests = 3;
    const picks = (activeBias: number): number[] => {
      const picker = leastRequest(all, { choices: 2, activeBias }, undefined, new SeededRandom(1));
      return countPicks(picker, all.hosts, 2_000);
    };
    // 8 / 4 = 2; 8 / 4² = 1/2; 8 / 4⁰ = 8.
    expect(Math.abs(picks(1)[0]! - 1_000)).toBeLessThan(5);
    expect(Math.abs(picks(2)[0]! - 1_600)).toBeLessThan(5);
    expect(Math.abs(picks(0)[0]! - 400)).toBeLessThan(5);
  });
});

describe("peak-EWMA", () => {
  const decayMs = 10_000;

  test("a latency above the average becomes the average at once", () => {
    const [host] = makeHosts(1);
    observeLatency(host!, 10, 0, decayMs);
    observeLatency(host!, 500, 1, decayMs);
    expect(peakEwmaCost(host!, 1, decayMs)).toBe(500);
  });

  test("one below pulls it down by how much time has passed", () => {
    const [host] = makeHosts(1);
    observeLatency(host!, 500, 0, decayMs);
    observeLatency(host!, 10, decayMs, decayMs);
    const remembered = Math.exp(-1);
    const expected = 500 * remembered + 10 * (1 - remembered);
    expect(peakEwmaCost(host!, decayMs, decayMs)).toBeCloseTo(expected, 9);
  });

  test("silence decays the average, and requests under way multiply it", () => {
    const [host] = makeHosts(1);
    observeLatency(host!, 100, 0, decayMs);
    host!.numbers.activeRequests = 4;
    expect(peakEwmaCost(host!, 0, decayMs)).toBe(500);
    expect(peakEwmaCost(host!, 2 * decayMs, decayMs)).toBeCloseTo(500 * Math.exp(-2), 9);
  });

  test("an unknown host is tried by one request, and not by two", () => {
    const hosts = makeHosts(2);
    observeLatency(hosts[0]!, 100, 0, decayMs);
    const picker = new PeakEwmaPicker(
      equal(hosts),
      decayMs,
      new ManualClock(),
      new SeededRandom(1),
    );
    const first = picker.pick();
    expect(first).toBe(hosts[1]);
    first.numbers.activeRequests++;
    expect(picker.pick()).toBe(hosts[0]);
  });

  test("always takes the cheaper of two, and equal ones by weight", () => {
    const clock = new ManualClock();
    const two = makeHosts(2);
    for (const [i, host] of two.entries()) observeLatency(host, 10 + i, 0, decayMs);
    const picker = new PeakEwmaPicker(equal(two), decayMs, clock, new SeededRandom(1));
    expect(countPicks(picker, two, 100)).toEqual([100, 0]);

    const all = weighted([1, 4]);
    for (const host of all.hosts) observeLatency(host, 10, 0, decayMs);
    const byWeight = new PeakEwmaPicker(all, decayMs, clock, new SeededRandom(1));
    const [light] = countPicks(byWeight, all.hosts, 10_000);
    expect(Math.abs(light! - 2_000)).toBeLessThan(200);
  });

  test("of one host takes that one", () => {
    const hosts = makeHosts(1);
    const picker = new PeakEwmaPicker(
      equal(hosts),
      decayMs,
      new ManualClock(),
      new SeededRandom(1),
    );
    expect(picker.pick()).toBe(hosts[0]);
  });
});
