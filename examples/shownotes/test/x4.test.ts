import { describe, expect, test } from "vitest";
import { endpointsAt, type SidecarSettings } from "../src/mesh.ts";
import { MeshStack } from "../src/mesh-stacks.ts";
import type { StackSource } from "../src/stack.ts";
import { objectionsToX4, runX4, type X4Comparison, type X4Measurement } from "../src/x4.ts";
import { formatX4 } from "../src/x4-report.ts";
import { type X4Scenario, x4Scenario } from "../src/x4-scenario.ts";
import { predictHedged, predictMeshHedged, predictUnhedged } from "../src/x4-theory.ts";
import { InProcessStacks } from "./in-process.ts";
import { InProcessSidecar } from "./in-process-mesh.ts";

const unhedged: X4Measurement = {
  p50Ms: 15.8,
  p99Ms: 801.6,
  p999Ms: 802.1,
  extraShare: 0,
  previews: 1_000,
  extraCalls: 0,
  abandonedCalls: 0,
  bareLinks: 0,
};
const hedged: X4Measurement = {
  ...unhedged,
  p99Ms: 42.2,
  p999Ms: 48.7,
  extraShare: 0.021,
  extraCalls: 21,
  abandonedCalls: 21,
};
const objections = (off: Partial<X4Measurement>, on: Partial<X4Measurement>) =>
  objectionsToX4({ ...unhedged, ...off }, { ...hedged, ...on }, x4Scenario);

describe("the thresholds object", () => {
  test("to nothing that is as expected", () => {
    expect(objections({}, {})).toEqual([]);
    const atLimits = { p99Ms: 200, extraShare: 0.05, extraCalls: 50, abandonedCalls: 40 };
    expect(objections({ p99Ms: 400 }, { ...atLimits, bareLinks: 10 })).toEqual([]);
  });

  test("where there was nothing slow to overtake", () => {
    expect(objections({ p99Ms: 399 }, {})).toEqual([
      "without hedging the 99th percentile was 399 ms, not at least 400 ms",
    ]);
  });

  test("where hedging changed too little, or nothing was measured", () => {
    const said = "with hedging the 99th percentile was 401 ms, not at most 50.0 % of 802 ms";
    expect(objections({}, { p99Ms: 401 })).toEqual([said]);
    expect(objections({ p99Ms: Number.NaN }, { p99Ms: Number.NaN })).toHaveLength(2);
  });

  test("where it took too many calls", () => {
    const many = { extraShare: 0.051, extraCalls: 51, abandonedCalls: 51 };
    expect(objections({}, many)).toEqual(["hedging took 5.1 % more calls, not at most 5.0 %"]);
  });

  test("where calls that lost went on", () => {
    expect(objections({}, { abandonedCalls: 16 })).toEqual([
      "16 of the calls that lost were given up, not at least 80.0 % of 21",
    ]);
  });

  test("where callers were quick only because they got a bare link", () => {
    expect(objections({ bareLinks: 11 }, { bareLinks: 25 })).toEqual([
      "without hedging 1.1 % got no preview, more than 1.0 %",
      "with hedging 2.5 % got no preview, more than 1.0 %",
    ]);
  });
});

describe("the report", () => {
  const comparison: X4Comparison = {
    off: { measured: unhedged, predicted: predictUnhedged(x4Scenario) },
    on: { measured: hedged, predicted: predictHedged(x4Scenario) },
    objections: [],
  };

  test("shows what was measured beside what was predicted, in 80 columns", () => {
    const lines = formatX4(comparison, x4Scenario).split("\n");
    expect(lines).toContain(
      "  previews, 99th percentile       802 ms    800 ms     42 ms     39 ms",
    );
    expect(lines).toContain(
      "  calls beyond one each            0.0 %     0.0 %     2.1 %     2.0 %",
    );
    expect(lines).toContain("  ✔ as expected: a second call overtook nearly every slow first one");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test("says who hedges", () => {
    const [edge, sidecar] = [undefined, "sidecar" as const].map((hedger) =>
      formatX4(comparison, x4Scenario, hedger).split("\n"),
    );
    expect(edge).toContain(
      "  With hedging, whoever waits longer than 95 % of calls take asks again.",
    );
    expect(sidecar).toContain(
      "  With hedging, preview's sidecar asks again after 40 ms; the edge never does.",
    );
    expect(Math.max(...(sidecar ?? []).map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test("ends with the objections, where there are any", () => {
    const report = formatX4({ ...comparison, objections: ["it was cold"] }, x4Scenario);
    expect(report).toContain("\n  ✘ it was cold\n");
    expect(report).not.toContain("✔");
  });
});

describe("a run", () => {
  // X4 in a moment. What it measures means nothing; that it can be run does.
  const brief: X4Scenario = {
    ...x4Scenario,
    load: { ratePerSecond: 200, seed: 1 },
    phasesMs: { warmUp: 50, measured: 100 },
  };
  const never = new AbortController().signal;

  test("measures both sides on stacks of its own, and leaves none", async () => {
    const stacks = new InProcessStacks();
    const said: string[] = [];
    const { off, on } = await runX4(stacks, brief, (line) => said.push(line), never);
    expect(off.measured).toMatchObject({ previews: 20, extraCalls: 0, bareLinks: 0 });
    expect(on.measured).toMatchObject({ previews: 20, bareLinks: 0 });
    expect(said).toEqual([
      "warming up …",
      "previews without hedging …",
      "the same previews, hedged …",
    ]);
    expect(stacks.made).toHaveLength(2);
    expect(stacks.running).toBe(0);
  });

  test("with sidecars, preview's is told to hedge, and the edge does not", async () => {
    const source = new InProcessStacks();
    const told: (number | undefined)[] = [];
    const meshed: StackSource = {
      independent: true,
      fresh: async (protection) => {
        const stack = await source.fresh(protection);
        const { edgeUrl, previewUrl, lost } = stack;
        const sidecar = await InProcessSidecar.start({
          name: "preview",
          endpoints: endpointsAt([previewUrl]),
        });
        const configure = (change: Partial<SidecarSettings>) => {
          told.push(change.hedgeAfterMs);
          return sidecar.configure(change);
        };
        const children = [stack, sidecar];
        const addresses = { entryUrl: edgeUrl, edgeUrl, previewUrl };
        return new MeshStack(addresses, { configure }, { children, lost });
      },
    };
    const { off, on } = await runX4(meshed, brief, () => {}, never, "sidecar");
    expect(told.toSorted()).toEqual([brief.mesh.hedgeAfterMs, undefined]);
    expect(on.predicted).toEqual(predictMeshHedged(brief));
    for (const { measured } of [off, on]) expect(measured).toMatchObject({ previews: 20 });
    expect(source.running).toBe(0);
  });

  test("is given up when a process dies, or whoever asked does not want it any more", async () => {
    for (const end of ["lost", "aborted"]) {
      const stacks = new InProcessStacks();
      const stopping = new AbortController();
      const reason = new Error(end);
      const run = runX4(stacks, brief, () => {}, stopping.signal);
      await expect.poll(() => stacks.made.length).toBe(2);
      if (end === "lost") stacks.made[1]?.lose(reason);
      else stopping.abort(reason);
      await expect(run).rejects.toBe(reason);
      expect(stacks.running).toBe(0);
    }
  });
});
