import { expect, test } from "vitest";
import { createBilling } from "../src/billing.ts";
import { createEdge } from "../src/edge.ts";
import { scenario as x1 } from "../src/scenario.ts";
import { runX2 } from "../src/x2.ts";
import { scenario, VARIANTS, type Variant, type X2Scenario } from "../src/x2-scenario.ts";
import type { X2Source, X2Stack } from "../src/x2-stacks.ts";
import { serve } from "./in-process.ts";

// X2 in a third of a second. What it measures means nothing; that it can be run does.
const brief: X2Scenario = {
  ...scenario,
  phasesMs: { warmUp: 100, blip: 100, recovery: 100 },
  edge: { ...scenario.edge, attemptTimeoutMs: 50, backoff: { baseMs: 1, maxMs: 10 } },
};

class InProcess implements X2Source {
  running = 0;
  lose: (reason: Error) => void = () => {};

  fresh(variants: readonly Variant[], lost: (reason: Error) => void): Promise<X2Stack[]> {
    this.lose = lost;
    return Promise.all(
      variants.map(async (variant) => {
        const { retries, shedding } = brief.variants[variant];
        const billing = await serve(createBilling(brief, shedding));
        const hop = { url: billing.url, retries, breaker: false };
        const edge = await serve(createEdge(new URL("http://127.0.0.1:1"), x1, true, hop));
        this.running++;
        const stop = async () => {
          this.running--;
          await Promise.all([edge.stop(), billing.stop()]);
        };
        return { edgeUrl: edge.url, billingUrl: billing.url, stop };
      }),
    );
  }
}

const never = new AbortController().signal;

test("all four are run on real HTTP, measured, and stopped", async () => {
  const source = new InProcess();
  const said: string[] = [];
  const { report, result } = await runX2(source, brief, (line) => said.push(line), never);
  expect(source.running).toBe(0);
  expect(said).toEqual(["warming up …", "one blip, four ways to retry, side by side …"]);
  expect(report).toContain("X2  A retry storm");
  expect(Object.keys(result.measured)).toEqual([...VARIANTS]);
  for (const { charges, keys, attemptsPerCheckout } of Object.values(result.measured)) {
    expect(charges).toBeGreaterThan(0);
    expect(charges).toBe(keys);
    expect(attemptsPerCheckout).toBeGreaterThanOrEqual(1);
  }
});

test("stopped, it rejects with the reason, and leaves nothing running", async () => {
  const source = new InProcess();
  const stopping = new AbortController();
  const running = runX2(source, brief, () => stopping.abort(new Error("enough")), stopping.signal);
  await expect(running).rejects.toThrow("enough");
  expect(source.running).toBe(0);
});

test("a process that dies ends it, with the reason", async () => {
  const source = new InProcess();
  const running = runX2(source, brief, () => source.lose(new Error("one died")), never);
  await expect(running).rejects.toThrow("one died");
  expect(source.running).toBe(0);
});

test("where no process can be started, that is the reason", async () => {
  const source = { fresh: () => Promise.reject(new Error("no memory")) };
  await expect(runX2(source, brief, () => {}, never)).rejects.toThrow("no memory");
});
