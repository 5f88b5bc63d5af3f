import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipelineOn } from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BillingError, billingPolicies } from "../src/billing-policies.ts";
import { createEdge } from "../src/edge.ts";
import type { BillingHopState } from "../src/edge-billing.ts";
import { getJson, postJson } from "../src/http.ts";
import { scenario as x1 } from "../src/scenario.ts";
import { scenario as x2 } from "../src/x2-scenario.ts";
import { listen, serve } from "./in-process.ts";

// A billing service that does to each request what the test says.
type Act = (response: ServerResponse, request: IncomingMessage) => void;
let acts: Act[];
let seen: IncomingMessage["headers"][];
const billing = createServer((request, response) => {
  seen.push(request.headers);
  request.resume();
  (acts.shift() ?? charged)(response, request);
});
let edge: Awaited<ReturnType<typeof serve>>;

const charged: Act = (response) => response.end(`{"chargeId":"ch_1"}`);
const lost: Act = (_response, request) => request.socket.destroy();
const hanging: Act = () => {};
const failing =
  (status: number): Act =>
  (response) =>
    response.writeHead(status).end("no");

beforeEach(async () => {
  acts = [];
  seen = [];
  const url = await listen(billing);
  const hop = { url, retries: "budget", breaker: true } as const;
  edge = await serve(createEdge(new URL("http://127.0.0.1:1"), x1, true, hop));
  // All is bought for one episode here, and faster than a workspace may.
  await postJson(new URL("/control/limits", edge.url), { on: false });
});

afterEach(async () => {
  billing.closeAllConnections();
  await Promise.all([edge.stop(), new Promise((resolve) => billing.close(resolve))]);
});

async function checkOut(body = "", headers = {}) {
  const url = new URL("/episodes/7/checkout", edge.url);
  const response = await fetch(url, { method: "POST", body, headers });
  return { status: response.status, text: await response.text() };
}

const hop = async () =>
  (await getJson<{ billing: BillingHopState }>(new URL("/control", edge.url))).billing;
const control = (body: object) => postJson(new URL("/control/billing", edge.url), body);

test("a checkout is charged under the caller's key, and billing is told how long it is waited for", async () => {
  expect(await checkOut("", { "idempotency-key": "mine" })).toEqual({
    status: 200,
    text: `{"chargeId":"ch_1"}`,
  });
  expect(seen[0]?.["idempotency-key"]).toBe("mine");
  const leftMs = Number(seen[0]?.["x-envoy-expected-rq-timeout-ms"]);
  expect(leftMs).toBeGreaterThan(0);
  expect(leftMs).toBeLessThanOrEqual(200);
});

test.each<[string, Act]>([
  ["lost", lost],
  ["503", failing(503)],
  ["never there", hanging],
  ["no JSON", (response) => response.end("{")],
])("an answer that is %s: it is asked again, under the same key", async (_how, act) => {
  acts = [act];
  expect(await checkOut()).toMatchObject({ status: 200 });
  const keys = seen.map((headers) => headers["idempotency-key"]);
  expect(keys).toHaveLength(2);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(new Set(keys).size).toBe(1);
  expect(await hop()).toMatchObject({ checkouts: 1, attempts: 2 });
});

test("what billing refuses is the caller's to mend: not asked again, and no failure of billing's", async () => {
  acts = Array.from({ length: 40 }, () => failing(422));
  for (let i = 0; i < 40; i++) expect(await checkOut()).toEqual({ status: 422, text: "no\n" });
  expect(await hop()).toMatchObject({ attempts: 40, breaker: "closed" });
});

test("once the savings are gone, failures are not asked again; and the breaker opens", async () => {
  acts = Array.from({ length: 100 }, () => failing(500));
  await control({ breaker: false });
  for (let i = 0; i < 20; i++) expect(await checkOut()).toMatchObject({ status: 502 });
  // Ten retries were saved up.
  expect(await hop()).toMatchObject({ checkouts: 20, attempts: 30, breaker: "disabled" });
  await control({ breaker: true });
  // opossum counted the calls above, though it was disabled, and no failure among them.
  for (let i = 0; i < 40; i++) await checkOut();
  expect(await hop()).toMatchObject({ breaker: "open" });
  expect(await checkOut()).toEqual({
    status: 503,
    text: "billing is not asked just now; try again later\n",
  });
});

test("naive: up to four attempts for every checkout, whatever happens", async () => {
  acts = Array.from({ length: 100 }, () => failing(500));
  await control({ retries: "naive", breaker: false });
  await Promise.all(Array.from({ length: 12 }, () => checkOut()));
  expect(await hop()).toMatchObject({ retries: "naive", checkouts: 12, attempts: 48 });
});

test("naive attempts come after waits that double; with jitter, anywhere up to them", async () => {
  const attemptsAt = async (retries: "naive" | "jitter", draw: (bound: number) => number) => {
    const clock = new ManualClock();
    const { outer, inner } = billingPolicies(x2, retries, { below: draw });
    const at: number[] = [];
    const work = () => {
      at.push(clock.now());
      throw new BillingError(503, "no");
    };
    const hop = pipelineOn(clock, ...outer, ...inner);
    hop.call(work, { idempotent: true }).catch(() => {});
    await clock.advanceToAsync(2_000);
    return at;
  };
  expect(await attemptsAt("naive", () => 0)).toEqual([0, 50, 150, 350]);
  expect(await attemptsAt("jitter", () => 0)).toEqual([0, 0, 0, 0]);
  expect(await attemptsAt("jitter", (bound) => bound - 1)).toEqual([0, 50, 150, 350]);
});

test("the stock breaker shows our metrics, beside the policies' own", async () => {
  const metrics = async () => (await fetch(new URL("/metrics", edge.url))).text();
  acts = [failing(500)];
  await checkOut();
  const text = await metrics();
  expect(text).toContain(`circuit_breaker_calls_total{name="billing",outcome="success"} 1`);
  expect(text).toContain(`circuit_breaker_calls_total{name="billing",outcome="failure"} 1`);
  expect(text).toMatch(/^resilience_retr[^\n]*name="billing"/m);
  await control({ retries: "jitter" });
  expect(await metrics()).toMatch(/^resilience_retr[^\n]*name="billing"/m);
});

test("what is asked wrongly is refused", async () => {
  expect(await checkOut(`{"seats":0}`)).toMatchObject({ status: 400 });
  expect(await checkOut("{")).toMatchObject({ status: 400 });
  await expect(control({ retries: "often" })).rejects.toThrow("naive, jitter, budget, got often");
  await expect(control({ breaker: 1 })).rejects.toThrow("breaker must be true or false, got 1");
  expect(seen).toEqual([]);
});

test("an edge without billing says so", async () => {
  const plain = await serve(createEdge(new URL("http://127.0.0.1:1"), x1, true));
  const response = await fetch(new URL("/episodes/1/checkout", plain.url), { method: "POST" });
  expect(response.status).toBe(503);
  await plain.stop();
});
