// The preview service's stragglers.
import { request } from "node:http";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { getJson, postJson } from "../src/http.ts";
import { createPreview, straggling } from "../src/preview.ts";
import { scenario } from "../src/scenario.ts";
import type { PreviewState } from "../src/stack.ts";
import { type Stragglers, x4Scenario } from "../src/x4-scenario.ts";
import { serve } from "./in-process.ts";

const take = (stragglers: Stragglers, count: number) => {
  const next = straggling(stragglers);
  return Array.from({ length: count }, next);
};

describe("the delays of calls", () => {
  test("the same seed gives the same, another seed others", () => {
    const { preview } = x4Scenario;
    expect(take(preview, 50)).toEqual(take(preview, 50));
    expect(take({ ...preview, seed: preview.seed + 1 }, 50)).not.toEqual(take(preview, 50));
  });

  test("the stated share takes the stated time, the others lie evenly in their range", () => {
    const shares = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.nat(), shares, (seed, stragglerShare) => {
        const delays = take({ ...x4Scenario.preview, stragglerShare, seed }, 2_000);
        const quick = delays.filter((ms) => ms !== 800);
        expect(Math.abs(1 - quick.length / 2_000 - stragglerShare)).toBeLessThan(0.06);
        for (const ms of quick) expect(ms >= 10 && ms <= 20).toBe(true);
        if (quick.length < 500) return;
        const below = quick.filter((ms) => ms < 15).length / quick.length;
        expect(Math.abs(below - 0.5)).toBeLessThan(0.12);
      }),
      { numRuns: 30 },
    );
  });
});

describe("the service", () => {
  // Every call is a straggler of 30 ms.
  const all: Stragglers = { ...x4Scenario.preview, stragglerShare: 1, stragglerMs: 30 };
  let service: Awaited<ReturnType<typeof serve>>;
  beforeEach(async () => {
    service = await serve(createPreview(scenario, all));
  });
  afterEach(() => service.stop());

  const state = () => getJson<PreviewState>(new URL("/control", service.url));
  const control = (verb: string, body: object) =>
    postJson(new URL(`/control/${verb}`, service.url), body);
  const ask = async () => {
    const askedAt = performance.now();
    await getJson(new URL("/preview?url=a", service.url));
    return performance.now() - askedAt;
  };

  test("has stragglers while they are switched on", async () => {
    expect(await state()).toMatchObject({ stragglers: false, delayMs: 20 });
    await control("stragglers", { on: true });
    expect(await state()).toMatchObject({ stragglers: true });
    // Timers may be a millisecond early.
    expect(await ask()).toBeGreaterThan(28);
    await control("stragglers", { on: false });
    expect(await state()).toMatchObject({ stragglers: false, calls: 1 });
    await expect(control("stragglers", {})).rejects.toThrow("on must be true or false");
  });

  test("where previews hang, none of them is quick", async () => {
    await control("stragglers", { on: true });
    await control("fault", { on: true, delayMs: 60 });
    expect(await ask()).toBeGreaterThan(58);
  });

  test("counts the calls whose caller left before the answer, and no others", async () => {
    await control("fault", { on: true, delayMs: 60_000 });
    const leaving = request(new URL("/preview?url=a", service.url), { agent: false });
    leaving.on("error", () => {});
    leaving.end();
    await expect.poll(async () => (await state()).calls).toBe(1);
    expect(await state()).toMatchObject({ abandonedCalls: 0 });
    leaving.destroy();
    await expect.poll(async () => (await state()).abandonedCalls).toBe(1);
    await control("fault", { on: false });
    await ask();
    expect(await state()).toMatchObject({ calls: 2, abandonedCalls: 1 });
  });
});
