import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBilling } from "../src/billing.ts";
import type { Checkout } from "../src/checkouts.ts";
import { createEdge } from "../src/edge.ts";
import { limitsInMemory } from "../src/limits.ts";
import { scenario as x1 } from "../src/scenario.ts";
import { scenario as behind } from "../src/x2-scenario.ts";
import { judge, objectionsToX3, runX3, type X3Comparison, type X3Measurement } from "../src/x3.ts";
import { formatX3 } from "../src/x3-report.ts";
import { type X3Scenario, x3Scenario } from "../src/x3-scenario.ts";
import { edgesAt, type Switches, type X3Source } from "../src/x3-stacks.ts";
import { predictFlooded, predictLimited } from "../src/x3-theory.ts";
import { serve } from "./in-process.ts";

const flooded: X3Measurement = {
  othersWithin: 0.021,
  othersP99Ms: Infinity,
  admitted: 2_400,
  others: 240,
  flood: 2_400,
  floodMs: 4_210,
  admittedMax: 188,
  withoutStore: 0,
};
const limited: X3Measurement = {
  ...flooded,
  othersWithin: 1,
  othersP99Ms: 84.4,
  admitted: 179,
  floodMs: 4_003,
  admittedMax: 180,
};
const objections = (off: Partial<X3Measurement>, on: Partial<X3Measurement>) =>
  objectionsToX3({ ...flooded, ...off }, { ...limited, ...on }, x3Scenario);

describe("the thresholds object", () => {
  test("to nothing that is as expected", () => {
    expect(objections({}, {})).toEqual([]);
    expect(objections({ othersWithin: 0.2 }, { othersWithin: 0.99, admitted: 180 })).toEqual([]);
    expect(objections({}, { admitted: 162 })).toEqual([]);
  });

  test("where the flood did no harm", () => {
    expect(objections({ othersWithin: 0.21 }, {})).toEqual([
      "without a limit 21.0 % of the others were in time, not at most 20.0 %",
    ]);
  });

  test("where the limit spared too few, or nothing was measured", () => {
    expect(objections({}, { othersWithin: 0.98 })).toEqual([
      "with the limit 98.0 % of the others were in time, not at least 99.0 %",
    ]);
    expect(objections({ othersWithin: Number.NaN }, { othersWithin: Number.NaN })).toHaveLength(2);
  });

  test("where one more was let through than the limit says", () => {
    expect(objections({}, { admitted: 181 })).toEqual([
      "181 of the flood were let through, and the limit for 4.00 s is 180",
    ]);
  });

  test("where the limit lets next to nobody through", () => {
    expect(objections({}, { admitted: 161 })).toEqual([
      "161 of the flood were let through, not at least 162 of 180",
    ]);
  });
});

describe("judged", () => {
  const at = (dueMs: number, status: number, tookMs = 10): Checkout => ({ dueMs, status, tookMs });

  test("a checkout that was not paid for took for ever, however quickly that was said", () => {
    const others = [at(0, 200), at(1, 504, 1), at(2, 0, Infinity), at(3, 200, 1_001)];
    expect(judge(others, [], x3Scenario)).toMatchObject({
      othersWithin: 0.25,
      othersP99Ms: Infinity,
    });
  });

  test("what is no 429 has been let through, answered or not; and the time is all of it", () => {
    const flood = [at(100, 200), at(101, 504, 210), at(102, 0, Infinity), at(103, 429, 1)];
    expect(judge([], flood, x3Scenario)).toMatchObject({
      admitted: 3,
      flood: 4,
      floodMs: 211,
      admittedMax: 20 + 8,
    });
  });

  test("the interval holds every answer, so the limit for it is never too small", () => {
    const checkout = fc.record({
      dueMs: fc.nat(4_000),
      status: fc.constantFrom(200, 429),
      tookMs: fc.nat(500),
    });
    fc.assert(
      fc.property(fc.array(checkout, { minLength: 1 }), (unsorted) => {
        const flood = unsorted.toSorted((a, b) => a.dueMs - b.dueMs);
        const { floodMs } = judge([], flood, x3Scenario);
        const first = flood[0]?.dueMs ?? 0;
        for (const { dueMs, tookMs } of flood) {
          expect(dueMs + tookMs - first).toBeLessThanOrEqual(floodMs);
        }
      }),
    );
  });
});

describe("the report", () => {
  const comparison: X3Comparison = {
    edges: 1,
    off: { measured: flooded, predicted: predictFlooded(x3Scenario, behind) },
    on: { measured: limited, predicted: predictLimited(x3Scenario, behind) },
    objections: [],
  };
  const linesOf = (change: Partial<X3Comparison>) =>
    stripVTControlCharacters(formatX3({ ...comparison, ...change }, x3Scenario, behind)).split(
      "\n",
    );

  test("shows what was measured beside what was predicted, in 80 columns", () => {
    const lines = linesOf({});
    expect(lines).toEqual([
      "",
      "X3  One tenant's flood must not be everybody's",
      "  20 workspaces send 60 checkouts/s; one more sends 600/s for 4 s.",
      "  Billing can serve 200/s. A workspace may have 40 in 1 s, 20 at once.",
      "",
      "                                     off    theory        on    theory",
      "  others paid within 1 s           2.1 %     2.0 %   100.0 %   100.0 %",
      "  others, 99th percentile          never     never     84 ms     82 ms",
      "  of the flood, let through        2,400     2,400       179       180",
      "",
      "  the limit for the flood's 4.00 s: 20 + 40/s × t = 180; let through were 179",
      "",
      "  ✔ as expected: the one that flooded was held to its limit, and alone",
      "",
    ]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test("says how often an edge had to decide alone", () => {
    const on = {
      measured: { ...limited, withoutStore: 1_234 },
      predicted: comparison.on.predicted,
    };
    expect(linesOf({ on })).toContain("  1,234 times an edge decided alone: no answer from Redis");
  });

  test("says where there are several edges, and ends with the objections", () => {
    const lines = linesOf({ edges: 3, objections: ["it was cold"] });
    expect(lines[2]).toMatch(/600\/s for 4 s, to 3 edges\.$/);
    expect(lines.every((line) => line.length <= 80)).toBe(true);
    expect(lines).toContain("  ✘ it was cold");
    expect(lines.join()).not.toContain("✔");
  });
});

// X3 in a moment. What it measures means nothing; that it can be run does.
const brief: X3Scenario = { ...x3Scenario, phasesMs: { warmUp: 50, flood: 150, recovery: 50 } };

class InProcess implements X3Source {
  running = 0;
  lose: (reason: Error) => void = () => {};
  readonly switched: Switches[] = [];

  async fresh(lost: (reason: Error) => void) {
    this.lose = lost;
    const billing = await serve(createBilling(behind, true));
    const hop = { url: billing.url, retries: "budget", breaker: true } as const;
    const nobody = new URL("http://127.0.0.1:1");
    // Both edges have one limit, as with a Redis between them.
    const limits = limitsInMemory();
    const edge = () => serve(createEdge(nobody, x1, true, hop, limits));
    const edges = await Promise.all([edge(), edge()]);
    this.running++;
    const all = edgesAt(edges.map(({ url }) => url));
    const set = (switches: Switches) => {
      this.switched.push(switches);
      return all.set(switches);
    };
    const stop = async () => {
      this.running--;
      await Promise.all([...edges, billing].map((it) => it.stop()));
    };
    return { ...all, set, stop };
  }
}

describe("a run", () => {
  const never = new AbortController().signal;

  test("measures both sides, one after the other, and leaves nothing running", async () => {
    const source = new InProcess();
    const said: string[] = [];
    const { result, report } = await runX3(
      source,
      [brief, behind],
      (line) => said.push(line),
      never,
    );
    const { off, on, edges } = result;
    expect(edges).toBe(2);
    expect([off.measured.flood, off.measured.admitted]).toEqual([90, 90]);
    expect(on.measured.flood).toBe(90);
    expect(on.measured.admitted).toBeGreaterThanOrEqual(20);
    expect(on.measured.admitted).toBeLessThanOrEqual(on.measured.admittedMax);
    expect(report).toContain("X3  One tenant's flood");
    expect(said).toEqual([
      "one workspace floods billing, without a limit …",
      "the same flood, with a token bucket for each workspace …",
    ]);
    expect([off.measured.withoutStore, on.measured.withoutStore]).toEqual([0, 0]);
    expect(source.switched).toEqual([
      { limits: false, breaker: false },
      { limits: true, breaker: false },
    ]);
    expect(source.running).toBe(0);
  });

  test("is given up when a process dies, or whoever asked does not want it any more", async () => {
    for (const end of ["lost", "aborted"]) {
      const source = new InProcess();
      const stopping = new AbortController();
      const reason = new Error(end);
      const run = runX3(source, [brief, behind], () => {}, stopping.signal);
      await expect.poll(() => source.switched.length).toBe(1);
      if (end === "lost") source.lose(reason);
      else stopping.abort(reason);
      await expect(run).rejects.toBe(reason);
      expect(source.running).toBe(0);
    }
  });
});
