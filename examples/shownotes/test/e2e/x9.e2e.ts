// X9 as real processes, by the load generator of the demo.
import { describe, expect, test } from "vitest";
import { runX9 } from "../../src/x9.ts";
import { x9Scenario } from "../../src/x9-scenario.ts";
import { X9ChildStacks, type X9Source } from "../../src/x9-stacks.ts";
import { describeNightly } from "./run.ts";

const never = new AbortController().signal;

describe("by the demo's own load", () => {
  test("off, one preview in twenty fails; on, the canary is put aside, and none does", async () => {
    const deaths: string[] = [];
    const source = new X9ChildStacks(x9Scenario, (line) => deaths.push(line));
    const { off, on, objections } = await runX9(source, x9Scenario, () => {}, never);
    console.log(
      `X9: ${off.measured.errorShare} failed off, ${on.measured.errorShare} on; ` +
        `put aside after ${on.measured.callsUntilFound} calls`,
    );
    expect(objections).toEqual([]);
    expect(off.measured).toMatchObject({ previews: 1_000, canaryShare: 0.1 });
    expect(Math.abs(off.measured.errorShare - off.predicted.errorShare)).toBeLessThan(0.02);
    expect(on.measured).toMatchObject({ previews: 1_000, errorShare: 0, canaryCalls: 0 });
    expect(deaths).toEqual([]);
  });
});

describeNightly("control", () => {
  test("taken away, outlier detection is missed", async () => {
    const source = new X9ChildStacks(x9Scenario, () => {});
    const without: X9Source = {
      fresh: async (lost) => {
        const stack = await source.fresh(lost);
        return { ...stack, detect: () => stack.detect(false) };
      },
    };
    const { objections } = await runX9(without, x9Scenario, () => {}, never);
    expect(objections).toEqual([
      expect.stringMatching(/^with detection \d\.\d\d % got no preview, not below 0\.50 %$/),
      "with detection the canary was not put aside within 2 s, or came back",
      "with detection 100 calls reached the canary all the same",
    ]);
  });
});
