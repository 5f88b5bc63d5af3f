import { RaftNodeError } from "@compendium/raft/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MapMachine } from "../src/map-machine.ts";
import { serve, serveAlone } from "./in-process.ts";

let alone: Awaited<ReturnType<typeof serveAlone>>;
beforeAll(async () => {
  alone = await serveAlone();
});
afterAll(() => alone[Symbol.asyncDispose]());

async function put(key: string, body: string, headers: Record<string, string> = {}) {
  const response = await alone.ask("PUT", `/map/${key}`, { body, headers });
  const { version = 0 } = (await response.json()) as { version?: number };
  return { status: response.status, version, etag: response.headers.get("etag") };
}

test("what was put is read back, with its version as the ETag", async () => {
  const { status, version, etag } = await put("colour", "grün");
  expect([status, etag]).toEqual([200, `"${version}"`]);
  const response = await alone.ask("GET", "/map/colour");
  expect([response.status, response.headers.get("etag")]).toEqual([200, etag]);
  expect(await response.text()).toBe("grün");
});

test("a later write has a larger version: it is a fencing token", async () => {
  const first = await put("lease", "me");
  const second = await put("another", "key");
  const third = await put("lease", "you");
  expect(second.version).toBeGreaterThan(first.version);
  expect(third.version).toBeGreaterThan(second.version);
});

test("If-Match writes only over the version it names", async () => {
  const { etag, version } = await put("cas", "1");
  expect((await put("cas", "2", { "if-match": '"999999"' })).status).toBe(412);
  const done = await put("cas", "2", { "if-match": etag as string });
  expect(done.status).toBe(200);
  const late = await put("cas", "3", { "if-match": `"${version}"` });
  expect(late).toEqual({ status: 412, version: done.version, etag: done.etag });
});

test("If-None-Match: * only creates", async () => {
  expect((await put("new", "1", { "if-none-match": "*" })).status).toBe(200);
  expect((await put("new", "2", { "if-none-match": "*" })).status).toBe(412);
});

test("what was deleted is gone, and cannot be deleted again", async () => {
  await put("short", "lived");
  expect((await alone.ask("DELETE", "/map/short")).status).toBe(200);
  expect((await alone.ask("GET", "/map/short")).status).toBe(404);
  expect((await alone.ask("DELETE", "/map/short")).status).toBe(404);
});

test("a stale read asks nobody", async () => {
  const machine = new MapMachine();
  const read = () => Promise.reject(new RaftNodeError("NO_LEADER", "nobody", "not-executed"));
  await using service = await serve({ read }, machine);
  expect((await service.ask("GET", "/map/a")).status).toBe(503);
  expect((await service.ask("GET", "/map/a?stale=true")).status).toBe(404);
});

test("a command of a session happens once, however often it is sent", async () => {
  const opened = await alone.ask("POST", "/sessions");
  const { session } = (await opened.json()) as { session: number };
  const headers = { "session-id": String(session), "session-sequence": "1" };
  const create = { ...headers, "if-none-match": "*" };
  const first = await put("once", "1", create);
  expect(first.status).toBe(200);
  // Without the session, the second would find the first one's value, and say 412.
  expect(await put("once", "1", create)).toEqual(first);
  expect((await put("once", "2", { ...headers, "session-sequence": "2" })).status).toBe(200);
  expect((await put("once", "1", create)).status).toBe(409);
});

test("a session that nobody knows is gone", async () => {
  const headers = { "session-id": "999999", "session-sequence": "1" };
  const response = await alone.ask("PUT", "/map/once", { body: "x", headers });
  expect(response.status).toBe(410);
  expect(await response.json()).toMatchObject({ code: "SESSION_EXPIRED", outcome: "unknown" });
});

for (const [code, outcome, status] of [
  ["NO_LEADER", "not-executed", 503],
  ["BUSY", "not-executed", 503],
  ["SUPERSEDED", "not-executed", 503],
  ["CLOSED", "not-executed", 503],
  ["CLOSED", "unknown", 504],
  ["TIMEOUT", "unknown", 504],
  ["FAILED", "unknown", 504],
] as const) {
  test(`${code}, ${outcome}, is ${status}, and the body says so`, async () => {
    const propose = () => Promise.reject(new RaftNodeError(code, "why", outcome));
    await using service = await serve({ propose });
    const response = await service.ask("PUT", "/map/a", { body: "x" });
    expect(response.status).toBe(status);
    expect(response.headers.get("retry-after")).toBe(status === 503 ? "1" : null);
    expect(await response.json()).toEqual({ error: "why", code, outcome });
  });
}

test("a request that cannot be meant is refused before anything is proposed", async () => {
  const propose = () => Promise.reject(new Error("was proposed"));
  await using service = await serve({ propose });
  const refused: [number, string, string, Record<string, string>, string?][] = [
    [400, "PUT", "/map/a", { "if-match": "W/17" }],
    [400, "PUT", "/map/a", { "if-none-match": '"17"' }],
    [400, "PUT", "/map/a", { "session-id": "1" }],
    [400, "PUT", "/map/a", { "session-id": "-1", "session-sequence": "1" }],
    [400, "PUT", "/map/%ff", {}],
    [400, "PUT", `/map/${"k".repeat(257)}`, {}],
    [400, "PUT", "/map/", {}],
    [413, "PUT", "/map/a", {}, "x".repeat(65_537)],
    [405, "POST", "/map/a", {}],
    [404, "GET", "/map/a/b", {}],
    [403, "PUT", "/map/a", { origin: "http://elsewhere.example" }],
    [400, "POST", "/admin/members", {}, "no JSON"],
    [400, "POST", "/admin/members", {}, `{"id": 0, "address": "a:1"}`],
    [404, "POST", "/admin/nothing", {}],
  ];
  for (const [status, method, place, headers, body = "x"] of refused) {
    const options = method === "GET" ? { headers } : { headers, body };
    const response = await service.ask(method, place, options);
    expect([place, response.status]).toEqual([place, status]);
    expect(await response.json()).toMatchObject({ outcome: "not-executed" });
  }
  const bytes = Uint8Array.of(0xff);
  expect((await service.ask("PUT", "/map/a", { body: bytes })).status).toBe(400);
});

test("whoever hangs up waits no longer", async () => {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  await using service = await serve({
    propose: (_command, { signal } = {}) => {
      signal?.addEventListener("abort", () => resolve());
      onAsked();
      return new Promise(() => {});
    },
  });
  const client = new AbortController();
  const answer = service.ask("PUT", "/map/a", { body: "x", signal: client.signal });
  await asked;
  client.abort();
  await expect(answer).rejects.toThrow();
  await gone;
});

test("an operator adds a learner, makes a snapshot, and is told why a change is refused", async () => {
  const member = JSON.stringify({ id: 2, address: "127.0.0.1:1" });
  expect((await alone.ask("POST", "/admin/members", { body: member })).status).toBe(200);
  const status = (await (await alone.ask("GET", "/status")).json()) as Record<string, unknown>;
  expect(status).toMatchObject({ id: 1, role: "leader", addresses: { 2: "127.0.0.1:1" } });
  const early = await alone.ask("POST", "/admin/leader", { body: '{"to": 2}' });
  expect(early.status).toBe(409);
  expect(await early.json()).toMatchObject({ code: "CHANGE_REFUSED", outcome: "not-executed" });
  expect((await alone.ask("DELETE", "/admin/members/2")).status).toBe(200);
  const again = await alone.ask("POST", "/admin/members", { body: member });
  expect(again.status).toBe(409);
  const { index } = (await (await alone.ask("POST", "/admin/snapshot")).json()) as {
    index: number;
  };
  expect(index).toBeGreaterThan(0);
});

test("who does not lead says who does", async () => {
  const remove = () => Promise.reject(new RaftNodeError("NOT_LEADER", "member 2", "not-executed"));
  await using service = await serve({ remove });
  const response = await service.ask("DELETE", "/admin/members/3");
  expect(response.status).toBe(421);
  expect(await response.json()).toMatchObject({ error: "member 2", outcome: "not-executed" });
});

test("the metrics are the node's", async () => {
  const text = await (await alone.ask("GET", "/metrics")).text();
  expect(text).toContain('raft_commit_index{name="raft",member="1"}');
});
