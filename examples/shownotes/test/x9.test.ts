import { describe, expect, test } from "vitest";
import { getJson, postJson } from "../src/http.ts";
import { createPreview, failing } from "../src/preview.ts";
import type { PreviewState } from "../src/stack.ts";
import { objectionsToX9, runX9, type X9Comparison, type X9Measurement } from "../src/x9.ts";
import { formatX9 } from "../src/x9-report.ts";
import { type X9Scenario, x9Scenario } from "../src/x9-scenario.ts";
import { predictDetected, predictUndetected } from "../src/x9-theory.ts";
import { brief as quick, serve } from "./in-process.ts";
import { InProcessX9 } from "./in-process-mesh.ts";

const undetected: X9Measurement = {
  errorShare: 0.049,
  canaryShare: 0.1,
  callsUntilFound: Number.POSITIVE_INFINITY,
  failuresUntilFound: Number.POSITIVE_INFINITY,
  previews: 1_000,
  canaryCalls: 100,
};
const detected: X9Measurement = {
  errorShare: 0,
  canaryShare: 0,
  callsUntilFound: 12,
  failuresUntilFound: 6,
  previews: 1_000,
  canaryCalls: 0,
};
const objections = (off: Partial<X9Measurement>, on: Partial<X9Measurement>) =>
  objectionsToX9({ ...undetected, ...off }, { ...detected, ...on }, x9Scenario);

describe("the thresholds object", () => {
  test("to nothing that is as expected", () => {
    expect(objections({}, {})).toEqual([]);
    expect(objections({ errorShare: 0.03 }, { errorShare: 0.0049 })).toEqual([]);
  });

  test("where the canary did no harm, or nothing was measured", () => {
    expect(objections({ errorShare: 0.029 }, {})).toEqual([
      "without detection 2.90 % got no preview, not at least 3.00 %",
    ]);
    expect(objections({ errorShare: Number.NaN }, { errorShare: Number.NaN })).toHaveLength(2);
  });

  test("where its users went on meeting it", () => {
    const onward = { errorShare: 0.05, canaryShare: 0.1, canaryCalls: 100 };
    const never = { callsUntilFound: Number.POSITIVE_INFINITY };
    expect(objections({}, { ...onward, ...never })).toEqual([
      "with detection 5.00 % got no preview, not below 0.50 %",
      "with detection the canary was not put aside within 2 s, or came back",
      "with detection 100 calls reached the canary all the same",
    ]);
  });
});

describe("the report", () => {
  const comparison: X9Comparison = {
    off: { measured: undetected, predicted: predictUndetected(x9Scenario) },
    on: { measured: detected, predicted: predictDetected(x9Scenario) },
    objections: [],
  };

  test("shows what was measured beside what was predicted, in 80 columns", () => {
    const lines = formatX9(comparison, x9Scenario).split("\n");
    expect(lines).toContain(
      "  previews that failed             4.9 %     5.0 %     0.0 %     0.0 %",
    );
    expect(lines).toContain(
      "  its calls until put aside        never     never        12        14",
    );
    expect(lines).toContain("  ✔ as expected: the canary was put aside, and its failures with it");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test("ends with the objections, where there are any", () => {
    const report = formatX9({ ...comparison, objections: ["it was cold"] }, x9Scenario);
    expect(report).toContain("\n  ✘ it was cold\n");
    expect(report).not.toContain("✔");
  });
});

describe("a version that fails", () => {
  test("fails the stated share of its calls; the same seed gives the same", () => {
    const take = (seed: number) => {
      const next = failing({ failureShare: 0.3, seed });
      return Array.from({ length: 10_000 }, next);
    };
    expect(take(1)).toEqual(take(1));
    expect(take(1)).not.toEqual(take(2));
    const share = take(1).filter(Boolean).length / 10_000;
    expect(Math.abs(share - 0.3)).toBeLessThan(0.015);
  });

  test("answers them with 500, and counts them, while it is switched on", async () => {
    const all = createPreview(quick, undefined, { failureShare: 1, seed: 1 });
    const service = await serve(all);
    const state = () => getJson<PreviewState>(new URL("/control", service.url));
    const control = (body: object) => postJson(new URL("/control/failures", service.url), body);
    const ask = () => fetch(new URL("/preview?url=a", service.url)).then(({ status }) => status);
    expect(await ask()).toBe(200);
    await control({ on: true });
    expect(await ask()).toBe(500);
    expect(await state()).toMatchObject({ failures: true, calls: 2, failedCalls: 1 });
    await control({ on: false });
    expect(await ask()).toBe(200);
    await expect(control({})).rejects.toThrow("on must be true or false");
    await service.stop();
  });
});

describe("a run", () => {
  // X9 in a moment, with a canary that fails always: how many calls that takes, no chance decides.
  const brief: X9Scenario = {
    ...x9Scenario,
    load: { ratePerSecond: 400, seed: 1 },
    phasesMs: { found: 400, measured: 200 },
    canary: { failureShare: 1, seed: 1 },
  };
  const never = new AbortController().signal;

  test("puts aside who fails, on, and nobody, off; and leaves nothing running", async () => {
    const stacks = new InProcessX9(brief);
    const { off, on, objections } = await runX9(stacks, brief, () => {}, never);
    expect(objections).toEqual([]);
    expect(off.measured).toMatchObject({ previews: 80, canaryCalls: 8, errorShare: 0.1 });
    expect(on.measured).toMatchObject({ previews: 80, canaryCalls: 0, errorShare: 0 });
    // Three, and what was under way when the third had failed.
    expect(on.measured.callsUntilFound).toBeGreaterThanOrEqual(3);
    expect(on.measured.callsUntilFound).toBeLessThan(16);
    expect(stacks.running).toBe(0);
  });

  test("is given up when a process dies, or whoever asked does not want it any more", async () => {
    for (const end of ["lost", "aborted"]) {
      const stacks = new InProcessX9(brief);
      const stopping = new AbortController();
      const reason = new Error(end);
      const run = runX9(stacks, brief, () => {}, stopping.signal);
      await expect.poll(() => stacks.running).toBe(2);
      if (end === "lost") stacks.lost[1]?.(reason);
      else stopping.abort(reason);
      await expect(run).rejects.toBe(reason);
      expect(stacks.running).toBe(0);
    }
  });
});
