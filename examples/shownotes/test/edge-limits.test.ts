import { ManualClock } from "@compendium/runtime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEdge } from "../src/edge.ts";
import type { LimitsState } from "../src/edge-limits.ts";
import { getJson, postJson } from "../src/http.ts";
import { limitsInMemory } from "../src/limits.ts";
import { scenario } from "../src/scenario.ts";
import { x3Scenario } from "../src/x3-scenario.ts";
import { serve } from "./in-process.ts";

const { limit, windowMs, burst } = x3Scenario.workspaceLimit;
const nobody = new URL("http://127.0.0.1:1");
let clock: ManualClock;
let edge: Awaited<ReturnType<typeof serve>>;

beforeEach(async () => {
  clock = new ManualClock();
  edge = await serve(createEdge(nobody, scenario, true, undefined, limitsInMemory(clock)));
});

afterEach(() => edge.stop());

const get = (path: string) => fetch(new URL(path, edge.url));
const post = (path: string, body: object) =>
  fetch(new URL(path, edge.url), { method: "POST", body: JSON.stringify(body) });
const signIn = async (address: unknown) => (await post("/sign-in", { address })).status;
const limits = async () =>
  (await getJson<{ limits: LimitsState }>(new URL("/control", edge.url))).limits;

async function floodWith(count: number, path: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) statuses.push((await get(path)).status);
  return statuses;
}

const times = (count: number, status: number) => Array.from({ length: count }, () => status);

test("a workspace has its burst at once, and then as much as drops in", async () => {
  expect(await floodWith(burst + 3, "/episodes/acme-1/notes")).toEqual([
    ...times(burst, 200),
    ...times(3, 429),
  ]);
  clock.advance(windowMs / 4);
  expect(await floodWith(limit / 4 + 1, "/episodes/acme-1/notes")).toEqual([
    ...times(limit / 4, 200),
    429,
  ]);
});

test("all of a workspace's episodes and its invites are one limit; another's is another", async () => {
  expect(await floodWith(burst - 1, "/episodes/acme-1/notes")).toEqual(times(burst - 1, 200));
  expect((await post("/workspaces/acme/invites", { address: "a@example.org" })).status).toBe(202);
  expect((await get("/episodes/acme-2/notes")).status).toBe(429);
  expect((await get("/episodes/acme/notes")).status).toBe(429);
  expect((await get("/episodes/acme-1/preview?url=a")).status).toBe(429);
  expect((await post("/episodes/acme-1/checkout", {})).status).toBe(429);
  expect((await get("/episodes/zenith-1/notes")).status).toBe(200);
  expect((await get("/episodes/12/notes")).status).toBe(200);
});

test("a refusal says why, and when to come back; what is let through says what is left", async () => {
  const first = await get("/episodes/acme-1/notes");
  expect(first.headers.get("ratelimit-policy")).toBe(`"workspace";q=${limit};w=1`);
  expect(first.headers.get("ratelimit")).toBe(`"workspace";r=${burst - 1};t=1`);
  await floodWith(burst, "/episodes/acme-1/notes");
  const refused = await get("/episodes/acme-1/notes");
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(refused.headers.get("ratelimit")).toBe(`"workspace";r=0;t=1`);
  expect(await refused.json()).toMatchObject({ "violated-policies": ["workspace"] });
  expect((await limits()).workspace).toEqual({ allowed: burst, refused: 2, withoutStore: 0 });
});

test("an id that could be written in two ways is none: it would be two limits", async () => {
  const ids = ["-1", "acme-", "acme-1-2", "%61cme-1", "acme%2d1", "a".repeat(33), "ac me-1"];
  for (const id of ids) expect((await get(`/episodes/${id}/notes`)).status, id).toBe(404);
  for (const id of ["acme-1", "%61cme", ""]) {
    expect((await post(`/workspaces/${id}/invites`, {})).status, id).toBe(404);
  }
  expect((await limits()).workspace).toMatchObject({ allowed: 0, refused: 0 });
});

test("an address gets five links in any quarter of an hour, however it is written", async () => {
  for (const address of ["a@example.org", "A@example.org ", " a@Example.ORG"]) {
    expect(await signIn(address)).toBe(202);
    clock.advance(60_000);
  }
  expect(await signIn("a@example.org")).toBe(202);
  expect(await signIn("a@example.org")).toBe(202);
  const refused = await post("/sign-in", { address: "a@example.org" });
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe(String(12 * 60));
  expect(await signIn("b@example.org")).toBe(202);
  clock.advance(12 * 60_000 - 1);
  expect(await signIn("a@example.org")).toBe(429);
  clock.advance(1);
  expect(await signIn("a@example.org")).toBe(202);
});

test("a workspace invites fifty an hour; an invitation says both of its limits", async () => {
  const invite = () => post("/workspaces/acme/invites", { address: "a@example.org" });
  for (let i = 0; i < 49; i++) {
    expect((await invite()).status).toBe(202);
    clock.advance(windowMs / limit);
  }
  const last = await invite();
  expect(last.headers.get("ratelimit-policy")).toBe(
    `"workspace";q=${limit};w=1, "invite";q=50;w=3600`,
  );
  const refused = await invite();
  expect([last.status, refused.status]).toEqual([202, 429]);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50 * 60);
  expect((await post("/workspaces/zenith/invites", { address: "a@example.org" })).status).toBe(202);
});

test("what is no address is refused, and counts against nobody's limit", async () => {
  for (const address of [undefined, 7, "", "a", "a@", "@b", "a b@example.org", "a@b@c"]) {
    expect(await signIn(address), String(address)).toBe(400);
  }
  expect((await limits()).signIn).toMatchObject({ allowed: 0, refused: 0 });
});

test("switched off, workspaces are not limited; mails still are", async () => {
  await postJson(new URL("/control/limits", edge.url), { on: false });
  expect(await floodWith(2 * burst, "/episodes/acme-1/notes")).toEqual(times(2 * burst, 200));
  const asked = await Promise.all(Array.from({ length: 7 }, () => signIn("a@example.org")));
  expect(asked.filter((status) => status === 202)).toHaveLength(5);
  await postJson(new URL("/control/limits", edge.url), { on: true });
  expect((await floodWith(burst + 1, "/episodes/acme-1/notes")).at(-1)).toBe(429);
  await expect(postJson(new URL("/control/limits", edge.url), {})).rejects.toThrow("on must be");
});
