// X4 as real processes: by the load generator of the demo, and under k6.
import { requireOrSkip } from "@compendium/metrics/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { MeshStacks } from "../../src/mesh-stacks.ts";
import { ChildStacks, Stack, type StackSource } from "../../src/stack.ts";
import { runX4 } from "../../src/x4.ts";
import { x4Scenario } from "../../src/x4-scenario.ts";
import { expectExit, THRESHOLD_CROSSED } from "./k6.ts";
import { describeNightly, type Ended, k6, run } from "./run.ts";

const never = new AbortController().signal;

// The services as they would be if hedging did nothing.
class WithoutHedging extends Stack {
  override hedge(): Promise<void> {
    return super.hedge(false);
  }
}

function stacks(): { source: StackSource; deaths: string[] } {
  const deaths: string[] = [];
  return { source: new ChildStacks((line) => deaths.push(line)), deaths };
}

describe("by the demo's own load", () => {
  test("off, the 99th percentile is a straggler; on, it is not, for few calls more", async () => {
    const { source, deaths } = stacks();
    const startedAt = performance.now();
    const { off, on, objections } = await runX4(source, x4Scenario, () => {}, never);
    const tookMs = performance.now() - startedAt;
    const { p99Ms, extraShare, extraCalls, abandonedCalls } = on.measured;
    console.log(
      `X4: p99 ${off.measured.p99Ms} ms off, ${p99Ms} ms on; ` +
        `${extraCalls} calls more, ${abandonedCalls} given up; ${tookMs} ms`,
    );
    expect(objections).toEqual([]);
    expect(off.measured.previews).toBe(1_000);
    expect(off.measured.extraCalls).toBe(0);
    expect(off.measured.p99Ms).toBeGreaterThanOrEqual(off.predicted.p99Ms);
    expect(p99Ms).toBeLessThan(off.measured.p99Ms / 2);
    expect(extraShare).toBeGreaterThan(0);
    expect(extraShare).toBeLessThanOrEqual(0.05);
    expect(deaths).toEqual([]);
  });

  test("taken away, hedging is missed", async () => {
    const { source } = stacks();
    const made: Stack[] = [];
    const without: StackSource = {
      independent: true,
      fresh: async (protection) => {
        const stack = await source.fresh(protection);
        made.push(stack);
        const { lost } = stack;
        return new WithoutHedging(stack.edgeUrl, stack.previewUrl, { children: [stack], lost });
      },
    };
    const { objections } = await runX4(without, x4Scenario, () => {}, never);
    expect(made).toHaveLength(2);
    // A machine that is too busy may be objected to as well.
    expect(objections).toContainEqual(
      expect.stringMatching(/^with hedging the 99th percentile was \d+ ms, not at most 50\.0 % of/),
    );
  });
});

describe("through sidecars, of which preview's hedges and the edge does not", () => {
  // The demo's own is as long as the one above; here it is about who hedges.
  const shorter = { ...x4Scenario, phasesMs: { ...x4Scenario.phasesMs, measured: 2_500 } };

  test("a change of its configuration is all that it takes", async () => {
    const deaths: string[] = [];
    const source = new MeshStacks((line) => deaths.push(line));
    const { off, on, objections } = await runX4(source, shorter, () => {}, never, "sidecar");
    const { p99Ms, extraShare, extraCalls, abandonedCalls } = on.measured;
    console.log(
      `X4 through sidecars: p99 ${off.measured.p99Ms} ms off, ${p99Ms} ms on; ` +
        `${extraCalls} calls more, ${abandonedCalls} given up`,
    );
    expect(objections).toEqual([]);
    expect(off.measured).toMatchObject({ previews: 625, extraCalls: 0, abandonedCalls: 0 });
    expect(extraShare).toBeGreaterThan(0);
    expect(deaths).toEqual([]);
  });
});

describeNightly("under k6", () => {
  beforeEach((context) => requireOrSkip(context, k6()));

  const runK6 = async (settings: Record<string, string>): Promise<Ended> => {
    const { source, deaths } = stacks();
    const stack = await source.fresh(true);
    try {
      const env = {
        EDGE: stack.edgeUrl.href,
        PREVIEW: stack.previewUrl.href,
        K6_NO_USAGE_REPORT: "true",
        K6_AUTO_EXTENSION_RESOLUTION: "false",
        // k6 serves its own control API while it runs; here nobody asks, and its port may be taken.
        K6_ADDRESS: "",
        ...settings,
      };
      const ended = await run(["k6", "run", "--quiet", "load-tests/x4.ts"], { env });
      expect(deaths).toEqual([]);
      return ended;
    } finally {
      await stack.stop();
    }
  };
  const p99Ms = ({ output }: Ended) => Number(/x4_preview_ms .* ([\d.]+) ms/.exec(output)?.[1]);

  test("without hedging the 99th percentile is a straggler", async () => {
    const ended = await runK6({ HEDGING: "off" });
    expectExit(ended, 0);
    expect(p99Ms(ended)).toBeGreaterThanOrEqual(x4Scenario.preview.stragglerMs);
  });

  test("with hedging it is not, for at most 5 % more calls, and losers are given up", async () => {
    const ended = await runK6({ HEDGING: "on" });
    expectExit(ended, 0);
    expect(p99Ms(ended)).toBeLessThan(x4Scenario.preview.stragglerMs / 2);
  });

  test("the thresholds for hedged previews fail where nothing is hedged", async () => {
    expectExit(await runK6({ HEDGING: "off", EXPECT: "on" }), THRESHOLD_CROSSED);
  });
});
