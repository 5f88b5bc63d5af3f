// Load by a generator that is not ours: k6 sees on real HTTP what `npm start` claims, and notices
// when it is not so.
import { requireOrSkip } from "@compendium/metrics/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { ChildStacks, type Stack } from "../../src/stack.ts";
import { expectExit, shareInTime, THRESHOLD_CROSSED } from "./k6.ts";
import { type Ended, k6, run } from "./run.ts";

const need = k6();

// Every test has processes that have seen nothing before.
async function withStack(protection: boolean, act: (stack: Stack) => Promise<void>): Promise<void> {
  const deaths: string[] = [];
  const stack = await new ChildStacks((line) => deaths.push(line)).fresh(protection);
  try {
    await act(stack);
    expect(deaths).toEqual([]);
  } finally {
    await stack.stop();
  }
}

function runK6({ edgeUrl, previewUrl }: Stack, script: string, settings = {}): Promise<Ended> {
  const env = {
    EDGE: edgeUrl.href,
    PREVIEW: previewUrl.href,
    K6_NO_USAGE_REPORT: "true",
    K6_AUTO_EXTENSION_RESOLUTION: "false",
    // k6 serves its own control API while it runs; here nobody asks, and its port may be taken.
    K6_ADDRESS: "",
    ...settings,
  };
  return run(["k6", "run", "--quiet", `load-tests/${script}`], { env });
}

describe("k6 on processes of 127.0.0.1", () => {
  beforeEach((context) => requireOrSkip(context, need));

  test("the smoke profile passes against a sound edge", () =>
    withStack(true, async (stack) => {
      expectExit(await runK6(stack, "shownotes.ts"), 0);
    }));

  test("the smoke profile fails where previews hang and nothing protects the edge", () =>
    withStack(false, async (stack) => {
      await stack.breakPreview(true);
      expectExit(await runK6(stack, "shownotes.ts"), THRESHOLD_CROSSED);
    }));

  test("X1 without breaker and bulkhead: below 40 % of the others are in time", () =>
    withStack(false, async (stack) => {
      const ended = await runK6(stack, "x1.ts", { PROTECTION: "off" });
      expectExit(ended, 0);
      expect(shareInTime(ended)).toBeLessThan(0.4);
    }));

  test("X1 with breaker and bulkhead: at least 99 % of the others are in time", () =>
    withStack(true, async (stack) => {
      const ended = await runK6(stack, "x1.ts", { PROTECTION: "on" });
      expectExit(ended, 0);
      expect(shareInTime(ended)).toBeGreaterThanOrEqual(0.99);
    }));

  test("X1's thresholds for a protected edge fail where the breaker does nothing", () =>
    withStack(false, async (stack) => {
      const ended = await runK6(stack, "x1.ts", { PROTECTION: "off", EXPECT: "on" });
      expectExit(ended, THRESHOLD_CROSSED);
      expect(shareInTime(ended)).toBeLessThan(0.4);
    }));
});
