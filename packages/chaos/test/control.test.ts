// The control API as a client sees it: fetch, JSON, status codes.

import { connect } from "node:net";
import { FaultProxy } from "@compendium/chaos";
import { ChaosControl } from "@compendium/chaos/control";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

let proxy: FaultProxy;
let control: ChaosControl;

beforeAll(async () => {
  proxy = await FaultProxy.listen({ upstream: { port: 1 } });
  control = await ChaosControl.listen({ proxies: { db: proxy } });
});

afterAll(async () => {
  await control[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

async function send(method: string, path: string, body?: unknown) {
  const response = await fetch(`http://127.0.0.1:${control.address.port}${path}`, {
    method,
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
}

beforeEach(() => proxy.heal());

test("GET shows the proxies: addresses, faults and numbers", async () => {
  const shown = {
    name: "db",
    listen: `127.0.0.1:${proxy.address.port}`,
    upstream: "127.0.0.1:1",
    faults: {},
    stats: proxy.stats(),
  };
  expect(await send("GET", "/proxies")).toMatchObject({ status: 200, body: { proxies: [shown] } });
  expect(await send("GET", "/proxies/db")).toMatchObject({ status: 200, body: shown });
  expect((await send("HEAD", "/proxies/db")).status).toBe(200);
});

test("PUT replaces, PATCH merges, DELETE heals, and each answers the new state", async () => {
  const put = await send("PUT", "/proxies/db/faults", { both: { latencyMs: 10 }, refuse: true });
  const faults = { upstream: { latencyMs: 10 }, downstream: { latencyMs: 10 }, refuse: true };
  expect(put).toMatchObject({ status: 200, body: { name: "db", faults } });
  expect((await send("GET", "/proxies/db/faults")).body).toEqual(faults);

  const patch = { upstream: { latencyMs: 20, jitterMs: 5 }, downstream: null, refuse: null };
  const patched = await send("PATCH", "/proxies/db/faults", patch);
  expect(patched.body.faults).toEqual({ upstream: { latencyMs: 20, jitterMs: 5 } });

  expect((await send("DELETE", "/proxies/db/faults")).body.faults).toEqual({});
  expect(proxy.faults).toEqual({});
});

test("DELETE /faults heals every proxy; DELETE of connections says how many it reset", async () => {
  await proxy.set({ both: { blackhole: true } });
  const client = connect(proxy.address).on("error", () => {});
  while (proxy.stats().connectionsOpen === 0) await new Promise((done) => setTimeout(done, 1));
  const reset = await send("DELETE", "/proxies/db/connections");
  expect(reset).toMatchObject({ status: 200, body: { connectionsReset: 1 } });
  expect(await send("DELETE", "/faults")).toMatchObject({ status: 200 });
  expect(proxy.faults).toEqual({});
  client.destroy();
});

test.each([
  ["PUT", { downstream: { latency: 5 } }, "downstream.latency"],
  ["PUT", { downstream: { latencyMs: -5 } }, "downstream.latencyMs"],
  ["PUT", { downstream: { latencyMs: null } }, "downstream.latencyMs"],
  ["PUT", [], "faults"],
  ["PUT", "null", "faults"],
  ["PUT", '{"__proto__": {"refuse": true}}', "__proto__"],
  ["PATCH", { delay: null }, "delay"],
  ["PATCH", { upstream: { jitterMs: 5 } }, "upstream.jitterMs"],
  ["PATCH", "null", "faults"],
])("400 names the field and leaves the faults as they were: %s %j", async (method, body, field) => {
  await proxy.set({ refuse: true });
  const { status, body: answer } = await send(method, "/proxies/db/faults", body);
  expect([status, answer.error.code, answer.error.field]).toEqual([400, "INVALID_FAULTS", field]);
  expect(answer.error.message).toContain(field);
  expect(proxy.faults).toEqual({ refuse: true });
});

test("400 for what is not JSON, 413 for more than 16 KiB of it", async () => {
  const garbage = await send("PUT", "/proxies/db/faults", "{refuse");
  expect([garbage.status, garbage.body.error.code]).toEqual([400, "INVALID_JSON"]);
  for (const bytes of [16_385, 5_000_000]) {
    const large = await send("PUT", "/proxies/db/faults", " ".repeat(bytes));
    expect([large.status, large.body.error.code]).toEqual([413, "BODY_TOO_LARGE"]);
  }
});

test.each(["/", "/proxies/", "/proxies/other", "/proxies/db/toxics", "/proxies/db/faults/x"])(
  "404 at %s",
  async (path) => {
    expect(await send("GET", path)).toMatchObject({
      status: 404,
      body: { error: { code: "NOT_FOUND" } },
    });
  },
);

test.each([
  ["POST", "/proxies", "GET"],
  ["POST", "/proxies/db/faults", "GET, PUT, PATCH, DELETE"],
  ["GET", "/proxies/db/connections", "DELETE"],
  ["GET", "/faults", "DELETE"],
])("405 for %s %s, and Allow says what is", async (method, path, allow) => {
  const { status, headers } = await send(method, path);
  expect([status, headers.get("allow")]).toEqual([405, allow]);
});

test("403 for a page in a browser, whatever name it reached this by", async () => {
  const { port } = control.address;
  const response = await fetch(`http://127.0.0.1:${port}/proxies/db/faults`, {
    method: "PUT",
    body: '{"refuse":true}',
    headers: { origin: "http://rebound.example" },
  });
  expect(response.status).toBe(403);
  expect(proxy.faults).toEqual({});
});

test("409 when the port was taken while connections were refused", async () => {
  await proxy.set({ refuse: true });
  const squatter = await FaultProxy.listen({ upstream: { port: 1 }, listen: proxy.address });
  const { status, body } = await send("DELETE", "/proxies/db/faults");
  expect([status, body.error.code]).toEqual([409, "LISTEN_FAILED"]);
  await squatter[Symbol.asyncDispose]();
  expect((await send("DELETE", "/proxies/db/faults")).status).toBe(200);
});

test("a name that does not fit into a path is a RangeError", async () => {
  await expect(ChaosControl.listen({ proxies: { "a/b": proxy } })).rejects.toThrow(RangeError);
});
