import { createServer } from "node:http";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type LoadPlan, planArrivals, sendLoad } from "../src/load.ts";
import { listen } from "./in-process.ts";

const plans = fc.record<LoadPlan>({
  ratePerSecond: fc.integer({ min: 1, max: 500 }),
  previewShare: fc.double({ min: 0, max: 1, noNaN: true }),
  durationMs: fc.integer({ min: 1, max: 3_000 }),
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
});

test("the same seed gives the same plan, another seed another one", () => {
  const plan = { ratePerSecond: 300, previewShare: 0.5, durationMs: 1_000, seed: 1 };
  expect(planArrivals(plan)).toEqual(planArrivals({ ...plan }));
  expect(planArrivals({ ...plan, seed: 2 })).not.toEqual(planArrivals(plan));
});

test("arrivals are in order, and none lies outside the duration", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      let lastMs = 0;
      for (const { dueMs } of planArrivals(plan)) {
        expect(dueMs).toBeGreaterThanOrEqual(lastMs);
        expect(dueMs).toBeLessThan(plan.durationMs);
        lastMs = dueMs;
      }
    }),
    { numRuns: 50 },
  );
});

test("up to each tenth of a second, there are as many as rate and share say, rounded", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const arrivals = planArrivals(plan);
      for (let ms = 100; ms < plan.durationMs + 100; ms += 100) {
        const untilMs = Math.min(ms, plan.durationMs);
        const sofar = arrivals.filter(({ dueMs }) => dueMs < untilMs);
        const count = Math.round((plan.ratePerSecond * untilMs) / 1_000);
        expect(sofar).toHaveLength(count);
        const previews = sofar.filter(({ route }) => route === "preview");
        expect(previews).toHaveLength(Math.round(count * plan.previewShare));
      }
    }),
    { numRuns: 50 },
  );
});

test("within a slice, previews do not simply come first", () => {
  const plan = { ratePerSecond: 1_000, previewShare: 0.5, durationMs: 100, seed: 1 };
  const routes = planArrivals(plan).map(({ route }) => route);
  expect(routes.slice(0, 50)).toContain("notes");
  expect(routes.slice(50)).toContain("preview");
});

test("requests do not wait for the answers to earlier ones", async () => {
  let seen = 0;
  const server = createServer(() => seen++);
  const url = await listen(server);
  const load = sendLoad(
    url,
    Array.from({ length: 20 }, () => ({ dueMs: 0, route: "notes" as const })),
  );
  await load.sent;
  while (seen < 20) await new Promise((resolve) => setTimeout(resolve, 5));
  load.abandon();
  const samples = await load.answered("notes");
  expect(samples.map(({ status, tookMs }) => [status, tookMs])).toEqual(
    samples.map(() => [0, Number.POSITIVE_INFINITY]),
  );
  server.close();
});

test("an aborted load sends nothing more and gives up what is under way", async () => {
  let seen = 0;
  const aborting = new AbortController();
  const server = createServer(() => {
    seen++;
    aborting.abort();
  });
  const load = sendLoad(
    await listen(server),
    [
      { dueMs: 0, route: "preview" },
      { dueMs: 300, route: "notes" },
    ],
    { signal: aborting.signal },
  );
  const [sample] = await load.answered("preview");
  expect(sample).toMatchObject({ status: 0, tookMs: Number.POSITIVE_INFINITY });
  expect(await load.answered("notes")).toEqual([]);
  expect(seen).toBe(1);
  server.close();
});

test("a request's time runs from when it was due, even where it was sent late", async () => {
  const server = createServer((_request, response) => response.end());
  const url = await listen(server);
  // Due before the plan began: the sender is late by a second from the start.
  const load = sendLoad(url, [{ dueMs: -1_000, route: "notes" }]);
  const [sample] = await load.answered("notes");
  expect(sample?.status).toBe(200);
  expect(sample?.tookMs).toBeGreaterThan(1_000);
  server.close();
});
