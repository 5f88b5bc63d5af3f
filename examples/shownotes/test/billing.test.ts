import { afterEach, beforeEach, expect, test } from "vitest";
import { createBilling } from "../src/billing.ts";
import { getJson, postJson } from "../src/http.ts";
import { scenario } from "../src/x2-scenario.ts";
import type { BillingState } from "../src/x2-stacks.ts";
import { serve } from "./in-process.ts";

// One worker: what comes second waits. A charge takes 5 ms; broken, 100.
const small = {
  ...scenario,
  billing: { ...scenario.billing, workers: 1, serviceMs: 5, serviceSpread: 0, slowdown: 20 },
};
let billing: Awaited<ReturnType<typeof serve>>;

beforeEach(async () => {
  billing = await serve(createBilling(small, true));
});

afterEach(() => billing.stop());

const state = () => getJson<BillingState>(new URL("/control", billing.url));
const control = (verb: string, body: object) =>
  postJson(new URL(`/control/${verb}`, billing.url), body);
const seat = { episode: "7", amountCents: 900 };

async function charge(
  key: string | undefined,
  body: unknown = seat,
  { timeoutMs, signal }: { timeoutMs?: string; signal?: AbortSignal } = {},
) {
  const headers: Record<string, string> = {};
  if (key !== undefined) headers["idempotency-key"] = key;
  if (timeoutMs !== undefined) headers["x-envoy-expected-rq-timeout-ms"] = timeoutMs;
  const response = await fetch(new URL("/charges", billing.url), {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal && { signal }),
  });
  const text = await response.text();
  return { status: response.status, text, replayed: response.headers.get("idempotent-replayed") };
}

test("charges once per key: asked again, it answers as it did", async () => {
  const first = await charge("a");
  expect(first).toEqual({
    status: 200,
    text: `{"chargeId":"ch_1","episode":"7","amountCents":900}`,
    replayed: null,
  });
  expect(await charge("a")).toEqual({ ...first, replayed: "true" });
  expect(await state()).toMatchObject({ charges: 1, keys: 1, repeats: 1 });
});

test("asked again while the first is under way, both get the one receipt", async () => {
  const answers = await Promise.all([charge("a"), charge("a"), charge("a")]);
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(await state()).toMatchObject({ charges: 1, repeats: 2 });
});

test("a charge whose caller has gone is made all the same, and the next to ask gets its receipt", async () => {
  const leaving = new AbortController();
  await control("fault", { on: true });
  const lost = charge("a", seat, { signal: leaving.signal });
  await expect.poll(async () => (await state()).running).toBe(1);
  leaving.abort();
  await expect(lost).rejects.toThrow();
  expect(await charge("a")).toMatchObject({ status: 200, replayed: "true" });
  expect(await state()).toMatchObject({ charges: 1, keys: 1 });
});

test("shedding: what has waited past its caller's deadline is not started", async () => {
  await control("fault", { on: true });
  const first = charge("a");
  await expect.poll(async () => (await state()).running).toBe(1);
  expect(await charge("b", seat, { timeoutMs: "5" })).toMatchObject({ status: 504 });
  expect(await first).toMatchObject({ status: 200 });
  expect(await state()).toMatchObject({ charges: 1, started: 1, shed: 1, shedding: true });
});

test("without shedding, it is served however late; as is one whose deadline cannot be read", async () => {
  await control("fault", { on: true, slowdown: 10 });
  expect(
    (await Promise.all([charge("a"), charge("b", seat, { timeoutMs: "soon" })])).map(
      ({ status }) => status,
    ),
  ).toEqual([200, 200]);
  await control("shedding", { on: false });
  expect(
    (await Promise.all([charge("c"), charge("d", seat, { timeoutMs: "1" })])).map(
      ({ status }) => status,
    ),
  ).toEqual([200, 200]);
  expect(await state()).toMatchObject({ charges: 4, shed: 0, shedding: false });
});

const refused: [string | undefined, unknown, number, string][] = [
  [undefined, seat, 400, "Idempotency-Key must be"],
  ["", seat, 400, "Idempotency-Key must be"],
  ["a".repeat(256), seat, 400, "Idempotency-Key must be"],
  ["a b", seat, 400, "Idempotency-Key must be"],
  ["a", "{", 400, "JSON"],
  ["a", {}, 400, "episode must be"],
  ["a", { ...seat, amountCents: 0 }, 400, "amountCents must be a whole number from 1"],
  ["a", { ...seat, amountCents: 1.5 }, 400, "amountCents must be"],
  ["a", { ...seat, episode: "../1" }, 400, "episode must be"],
];

test.each(refused)(
  "key %j with %j is refused, and charges nothing",
  async (key, body, status, text) => {
    expect(await charge(key, body)).toMatchObject({ status, text: expect.stringContaining(text) });
    expect(await state()).toMatchObject({ charges: 0, started: 0 });
  },
);

test("a key that stands for another charge is refused", async () => {
  await charge("a");
  expect(await charge("a", { ...seat, amountCents: 1 })).toMatchObject({ status: 422 });
});

test("a switch that is none, and a slowdown out of range, are refused", async () => {
  await expect(control("fault", { on: 1 })).rejects.toThrow("on must be true or false, got 1");
  await expect(control("shedding", {})).rejects.toThrow("on must be true or false");
  await expect(control("fault", { on: true, slowdown: 0.5 })).rejects.toThrow("from 1 to 1000");
  expect((await fetch(new URL("/charges", billing.url))).status).toBe(404);
});
