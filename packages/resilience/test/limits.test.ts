import { aimd, gradient2, type Limit, vegas } from "@compendium/resilience";
import { SeededRandom } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import { CHANGES, drift, goodput, LIMITS, SERVER, track } from "./support/limit-trials.ts";
import { publishedGradient2 } from "./support/published-limits.ts";
import { fixed, optimum, optimumBySearch, run } from "./support/queueing-model.ts";

// A hundred seeds of each: `npm run simulate resilience`.
const SEEDS = [1, 2, 3];

describe("the model", () => {
  test.each(["constant", "uniform"] as const)(
    "throughput over response time is greatest where all workers are busy and nobody waits: %s",
    (spread) => {
      for (const wireMs of [0, 20]) {
        const server = { workers: 10, serviceMs: 20, wireMs, spread };
        const found = optimumBySearch(server, () => new SeededRandom(1), 60);
        expect(Math.abs(found / optimum(server) - 1)).toBeLessThanOrEqual(0.1);
      }
    },
  );

  test("without a limit, five times the load leaves no useful answer; with the best, nearly all", () => {
    const server = { spread: "uniform", workers: 10 } as const;
    expect(goodput(fixed(1e9), 5, server, 1).goodput).toBeLessThan(0.01);
    expect(goodput(fixed(12), 5, server, 1).goodput).toBeGreaterThan(0.97);
  });

  test("Little's law: calls in flight are throughput times response time", () => {
    const server = { ...SERVER, workers: 10, spread: "exponential" as const };
    const limit = fixed(25);
    const random = new SeededRandom(3);
    const untilMs = 20_000;
    const result = run({ server, limit, random, untilMs, arrivalsPerMs: "press" });
    expect((result.useful / untilMs) * result.rttMeanMs).toBeCloseTo(25, 0);
  });
});

describe("gradient2, the recommended one", () => {
  for (const [name, change] of Object.entries(CHANGES)) {
    test.each(["constant", "uniform"] as const)(
      `is within 15 percent of the optimum 100 round trips after ${name}, and stays: %s service times`,
      (spread) => {
        for (const seed of SEEDS) {
          for (const wireMs of [0, 20]) {
            const found = track(() => gradient2(), change, { spread, wireMs }, seed);
            expect(found.entered).toBeLessThanOrEqual(100);
            expect(Math.abs(found.at100 - 1)).toBeLessThanOrEqual(0.15);
            expect(found.within).toBeGreaterThan(0.9);
          }
        }
      },
    );
  }

  test.each([
    ["constant", 50],
    ["uniform", 50],
    ["exponential", 50],
    ["constant", 10],
    ["uniform", 10],
  ] as const)(
    "at 5 × overload, at least nine tenths of capacity are useful answers: %s, %d workers",
    (spread, workers) => {
      for (const seed of SEEDS) {
        expect(goodput(gradient2(), 5, { spread, workers }, seed).goodput).toBeGreaterThan(0.9);
      }
    },
  );

  test("under a load that stays it neither drifts upward nor sinks, for 20,000 round trips", () => {
    const limit = gradient2();
    const seen: number[] = [];
    run({
      server: { ...SERVER, workers: 10, spread: "exponential" },
      limit,
      random: new SeededRandom(7),
      untilMs: 400_000,
      arrivalsPerMs: "press",
      watch: { everyMs: 100_000 - 1, see: () => seen.push(limit.estimate) },
    });
    for (const estimate of seen) {
      expect(estimate).toBeGreaterThan(8);
      expect(estimate).toBeLessThan(14);
    }
  });

  test("the published formula drifts upward where this one stays", () => {
    const trial = { everyMs: 19_990, times: 4 };
    const [first = 0, , , last = 0] = drift(publishedGradient2, "constant", 1, trial);
    expect(last - first).toBeGreaterThan(4);
    for (const estimate of drift(() => gradient2(), "constant", 1, trial)) {
      expect(Math.abs(estimate / 50 - 1)).toBeLessThan(0.05);
    }
  });

  test("slower workers are not taken for a queue: the cut is undone, and the base learned", () => {
    const limit = gradient2();
    const random = new SeededRandom(1);
    const changes = [{ atMs: 6_000, serviceMs: 40 }];
    const server = { ...SERVER, spread: "constant" as const };
    run({ server, limit, random, untilMs: 16_000, arrivalsPerMs: "press", changes });
    expect(limit.baseRttMs).toBeCloseTo(40, 0);
    expect(limit.estimate / 50).toBeCloseTo(1, 1);
  });

  test("what is above baseRttMsMax is never taken for normal", () => {
    const limit = gradient2({ baseRttMsMax: 25 });
    const random = new SeededRandom(1);
    const changes = [{ atMs: 6_000, serviceMs: 40 }];
    const server = { ...SERVER, spread: "constant" as const };
    run({ server, limit, random, untilMs: 16_000, arrivalsPerMs: "press", changes });
    expect(limit.baseRttMs).toBeLessThanOrEqual(25);
    expect(limit.estimate).toBeLessThan(35);
  });

  test("slow start: from 20, it finds 500 workers within 50 round trips", () => {
    const limit = gradient2();
    const server = { workers: 500, serviceMs: 20, wireMs: 0, spread: "uniform" as const };
    run({ server, limit, random: new SeededRandom(2), untilMs: 1_000, arrivalsPerMs: "press" });
    expect(Math.abs(limit.estimate / 500 - 1)).toBeLessThan(0.15);
  });

  test("and finds them again after an outage in which every call was lost", () => {
    const limit = gradient2();
    const server = { workers: 500, serviceMs: 20, wireMs: 0, spread: "uniform" as const };
    for (let i = 0; i < 3_000; i++) sample(limit, { dropped: true, rttMs: 200, nowMs: i - 5_000 });
    expect(limit.limit).toBeLessThanOrEqual(3);
    run({ server, limit, random: new SeededRandom(2), untilMs: 3_000, arrivalsPerMs: "press" });
    expect(Math.abs(limit.estimate / 500 - 1)).toBeLessThan(0.15);
  });

  test("a clock too coarse to see a call is no reason to fall over", () => {
    const limit = gradient2();
    for (let i = 0; i < 5_000; i++) sample(limit, { rttMs: 0, nowMs: i });
    for (let i = 0; i < 5_000; i++) sample(limit, { rttMs: i % 3, nowMs: 5_000 + i });
    expect(Number.isInteger(limit.limit)).toBe(true);
    expect(Number.isFinite(limit.baseRttMs)).toBe(true);
  });

  test("slow answers that nobody's pressing has caused do not become normal", () => {
    const limit = gradient2({ limitMax: 20 });
    for (let i = 0; i < 1_000; i++) sample(limit, { rttMs: 20, nowMs: i });
    for (let i = 0; i < 9_000; i++) sample(limit, { rttMs: 25, inFlight: 2, nowMs: 1_000 + i });
    expect(limit.baseRttMs).toBe(20);
  });

  test("constant timeouts are no steady server: the limit goes to its minimum", () => {
    const limit = gradient2({ limitMin: 2 });
    feed(limit, 3_000, { rttMs: 5_000, dropped: true });
    expect(limit.limit).toBeLessThanOrEqual(3);
  });

  test("refusals in no time are no quick server: they are not averaged", () => {
    const limit = gradient2();
    feed(limit, 300, { rttMs: 50, dropped: false });
    const { baseRttMs } = limit;
    feed(limit, 300, { rttMs: 0.1, dropped: true });
    expect(limit.baseRttMs).toBe(baseRttMs);
  });
});

describe("aimd", () => {
  test("adds one per round trip while the limit is in use", () => {
    const limit = aimd({ initialLimit: 10 });
    for (let i = 0; i < 11; i++) sample(limit, { inFlight: limit.limit });
    expect(limit.limit).toBe(11);
  });

  test("takes a tenth once for all drops of one flight", () => {
    const limit = aimd({ initialLimit: 100 });
    // Fifty calls admitted before the first of them is lost.
    for (let i = 0; i < 50; i++) sample(limit, { dropped: true, rttMs: 1_000, nowMs: 1_000 + i });
    expect(limit.limit).toBe(90);
    sample(limit, { dropped: true, rttMs: 500, nowMs: 2_000 });
    expect(limit.limit).toBe(81);
  });

  test("an answer slower than rttMsMax is a loss", () => {
    const limit = aimd({ initialLimit: 100, rttMsMax: 40 });
    sample(limit, { rttMs: 41 });
    expect(limit.limit).toBe(90);
  });
});

describe("vegas", () => {
  test("grows by 6 log10(limit) where nobody waits", () => {
    const limit = vegas({ initialLimit: 100, window: { samplesMin: 1, precision: 0.99 } });
    for (let i = 0; i < 3; i++) sample(limit, { inFlight: 100, nowMs: 100 * i });
    expect(limit.limit).toBe(112);
  });

  test("a standing queue does not become the norm: without load is measured with half the limit", () => {
    const limit = vegas();
    const random = new SeededRandom(1);
    const server = { ...SERVER, spread: "uniform" as const };
    run({ server, limit, random, untilMs: 60_000, arrivalsPerMs: "press" });
    expect(limit.noLoadRttMs).toBeGreaterThan(18);
    expect(limit.noLoadRttMs).toBeLessThan(24);
    expect(limit.limit).toBeLessThan(70);
  });
});

describe.each(Object.entries(LIMITS))("%s", (_, make) => {
  test("does not grow while fewer than half of the limit are in flight", () => {
    const limit = make();
    const before = limit.limit;
    const random = new SeededRandom(5);
    // Half a worker's load: the limit of 20 is never half in use.
    const server = { ...SERVER, spread: "uniform" as const };
    run({ server, limit, random, untilMs: 600_000, arrivalsPerMs: 0.1 });
    expect(limit.limit).toBeLessThanOrEqual(before);
    expect(limit.limit).toBeGreaterThan(before / 2);
  });
});

test.each([
  [() => gradient2({ headroom: 0.5 }), "headroom must be above 0 and below 0.5, got 0.5"],
  [() => gradient2({ drainTo: 1 }), "drainTo must be above 0.3 and below 1, got 1"],
  [() => gradient2({ baseRttMsMax: 0 }), "baseRttMsMax must be above 0"],
  [() => gradient2({ limitMin: 0 }), "limitMin must be a whole number from 1"],
  [() => vegas({ limitMin: 9, limitMax: 8 }), "limitMax must be a whole number from 9"],
  [() => aimd({ initialLimit: 2_000 }), "initialLimit must be a whole number from 1 to 1000"],
  [() => aimd({ backoff: 1 }), "backoff must be above 0 and below 1, got 1"],
  [() => aimd({ rttMsMax: Number.NaN }), "rttMsMax must be above 0"],
  [() => vegas({ probeEvery: 0 }), "probeEvery must be a whole number from 1"],
  [() => vegas({ window: { precision: 1 } }), "window.precision must be above 0 and below 1"],
  [() => vegas({ window: { samplesMin: 0 } }), "window.samplesMin must be a whole number from 1"],
  [() => vegas({ window: { windowMsMax: 0 } }), "window.windowMsMax must be above 0"],
])(
  "an option out of range is a RangeError that names it, its value and the range (%#)",
  (make, message) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(message);
  },
);

function sample(limit: Limit, rest: Partial<Parameters<Limit["onSample"]>[0]>): void {
  limit.onSample({ rttMs: 20, inFlight: limit.limit, dropped: false, nowMs: 0, ...rest });
}

// One call after the other, each settling as the next starts.
function feed(
  limit: Limit,
  calls: number,
  { rttMs, dropped }: { rttMs: number; dropped: boolean },
) {
  for (let i = 0; i < calls; i++) sample(limit, { rttMs, dropped, nowMs: clock++ * 10 });
}
let clock = 0;
