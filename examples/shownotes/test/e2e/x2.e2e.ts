// X2 as processes: by the demo's own command, and under k6, which is not ours.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireOrSkip } from "@compendium/metrics/testing";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { X2Comparison } from "../../src/x2.ts";
import { scenario, VARIANTS, type Variant } from "../../src/x2-scenario.ts";
import { X2ChildStacks } from "../../src/x2-stacks.ts";
import { Demo, killLeftovers } from "./demo.ts";
import { expectExit, THRESHOLD_CROSSED } from "./k6.ts";
import { describeNightly, type Ended, k6, run } from "./run.ts";

const MINUTE_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), "shownotes-x2-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterAll(killLeftovers);

describe("npm start -- --once --experiment x2", () => {
  let comparison: X2Comparison;

  test(
    "exits with 0: all four are as expected",
    async () => {
      const jsonFile = join(folder, "x2.json");
      const demo = Demo.start(["--once", "--experiment", "x2", "--json", jsonFile]);
      expect(await demo.end(), demo.output).toBe(0);
      expect(demo.errors).toBe("");
      console.log(demo.output);
      comparison = JSON.parse(readFileSync(jsonFile, "utf8"));
      expect(comparison).toMatchObject({ id: "X2", objections: [] });
    },
    MINUTE_MS,
  );

  test("before the blip, all is well with every variant", () => {
    for (const variant of VARIANTS) {
      expect(comparison.measured[variant].goodput[0], variant).toBeGreaterThan(0.95);
    }
  });

  test("naive retries: long after the blip nobody is served", () => {
    const { lastSecond, attemptsPerCheckout } = comparison.measured.naive;
    expect(lastSecond).toBeLessThanOrEqual(0.2);
    expect(attemptsPerCheckout).toBeGreaterThan(3);
  });

  test("jitter alone does not save it", () => {
    const { lastSecond, attemptsPerCheckout } = comparison.measured.jitter;
    expect(lastSecond).toBeLessThanOrEqual(0.2);
    expect(attemptsPerCheckout).toBeGreaterThan(3);
  });

  test("a budget ends the storm; with shedding besides, within a second", () => {
    const { budget, "budget+shed": shed } = comparison.measured;
    expect(budget.lastSecond).toBeGreaterThanOrEqual(0.9);
    expect(budget.attemptsPerCheckout).toBeLessThan(1.11);
    expect(shed.afterwards).toBeGreaterThanOrEqual(0.9);
    expect(shed.shed).toBeGreaterThan(0);
  });

  test("through all of it, nobody is charged twice", () => {
    for (const variant of VARIANTS) {
      const { charges, keys } = comparison.measured[variant];
      expect(charges).toBe(keys);
    }
    // Or there would have been nothing to refuse.
    expect(comparison.measured.naive.repeats).toBeGreaterThan(0);
  });
});

test("an unknown experiment is one line and exit code 2", async () => {
  const demo = Demo.start(["--once", "--experiment", "x99"]);
  expect(await demo.end()).toBe(2);
  expect(demo.output).toMatch(
    /^shownotes: --experiment must be [^\n]* got "x99" \(see --help\)\n$/,
  );
});

describeNightly("k6 on processes of 127.0.0.1", () => {
  beforeEach((context) => requireOrSkip(context, k6()));

  // Whatever the processes are started as, the script sets them up.
  async function runK6(variant: Variant, settings = {}): Promise<Ended> {
    const deaths: string[] = [];
    const stacks = new X2ChildStacks(scenario, (line) => deaths.push(line));
    const [stack] = await stacks.fresh(["budget+shed"], () => {});
    if (stack === undefined) throw new Error("no stack");
    try {
      const env = {
        EDGE: stack.edgeUrl.href,
        BILLING: stack.billingUrl.href,
        VARIANT: variant,
        K6_NO_USAGE_REPORT: "true",
        K6_AUTO_EXTENSION_RESOLUTION: "false",
        K6_ADDRESS: "",
        ...settings,
      };
      const ended = await run(["k6", "run", "--quiet", "load-tests/x2.ts"], { env });
      expect(deaths).toEqual([]);
      return ended;
    } finally {
      await stack.stop();
    }
  }

  test.each(VARIANTS)("X2, %s: goodput in the last second is as expected", async (variant) => {
    expectExit(await runK6(variant), 0);
  });

  test("the protected variant's thresholds fail where there is only jitter", async () => {
    expectExit(await runK6("jitter", { EXPECT: "budget+shed" }), THRESHOLD_CROSSED);
  });
});
