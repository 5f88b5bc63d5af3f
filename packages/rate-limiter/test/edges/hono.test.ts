// The contract of server edges on Hono, on Node's adapter, and what is Hono's own.
import type { Server } from "node:http";
import {
  concurrencyLimit,
  fixedWindow,
  leakyBucketQueue,
  RateLimiter,
} from "@compendium/rate-limiter";
import { rateLimit } from "@compendium/rate-limiter/hono";
import { ManualClock } from "@compendium/runtime";
import { createAdaptorServer } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { stream } from "hono/streaming";
import type { StatusCode } from "hono/utils/http-status";
import { expect, test } from "vitest";
import { optionsFor, type TestExchange } from "./edge-rig.ts";
import { describeServerEdge } from "./server-edge.contract.ts";
import { gate, TestServer, until } from "./servers.ts";

const seen = (c: Context): TestExchange => ({ header: (name) => c.req.header(name) });

describeServerEdge("Hono", async (limits, handler) => {
  const app = new Hono();
  for (const [limiter, options] of limits) app.use(rateLimit(limiter, optionsFor(options, seen)));
  app.get("/", async (c) => {
    const answer = await handler(seen(c));
    if (typeof answer === "string") return c.text(answer);
    // What a handler makes itself takes nothing over from the context.
    return new Response(null, { status: answer.status as StatusCode });
  });
  app.onError((_error, c) => c.text("internal error", 500));
  return await TestServer.on(createAdaptorServer({ fetch: app.fetch }) as Server);
});

const key = () => "ada";
const once = () => new RateLimiter(fixedWindow({ limit: 1, windowMs: 60_000 }));

test("where nobody tells an address, a key must be given", async () => {
  const app = new Hono();
  const told: unknown[] = [];
  app.use(rateLimit(once()));
  app.onError((error, c) => {
    told.push(error.message);
    return c.text("internal error", 500);
  });
  expect((await app.request("/")).status).toBe(500);
  expect(told).toEqual(["rateLimit knows no client's address on this platform; give it a key"]);
});

test("fields stand on what app.onError and a raw Response answer, beside those of others", async () => {
  const app = new Hono();
  app.use(async (c, next) => {
    c.header("access-control-allow-origin", "*");
    await next();
  });
  app.use(rateLimit(new RateLimiter(fixedWindow({ limit: 3, windowMs: 60_000 })), { key }));
  app.get("/raw", () => new Response("raw", { headers: { "x-mine": "1" } }));
  app.get("/broken", () => {
    throw new Error("mine");
  });
  app.onError((_error, c) => c.text("handled", 418));
  const raw = await app.request("/raw");
  expect([raw.headers.get("ratelimit"), raw.headers.get("x-mine")]).toEqual([
    '"fixed-window";r=2;t=60',
    "1",
  ]);
  const broken = await app.request("/broken");
  expect([broken.status, broken.headers.get("ratelimit")]).toEqual([
    418,
    '"fixed-window";r=1;t=60',
  ]);
  await app.request("/raw");
  const refused = await app.request("/raw");
  expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([429, "*"]);
});

test("without Node's adapter a request is over when its handler has returned", async () => {
  const limiter = new RateLimiter(concurrencyLimit({ limit: 1, leaseMs: 60_000 }));
  const app = new Hono();
  app.use(rateLimit(limiter, { key }));
  app.get("/", (c) => c.text(String(limiter.peek("ada").remaining)));
  app.get("/broken", () => {
    throw new Error("mine");
  });
  app.onError((_error, c) => c.text("handled", 500));
  for (const path of ["/", "/broken", "/"]) await app.request(path);
  expect(await (await app.request("/")).text()).toBe("0");
  expect(limiter.peek("ada").remaining).toBe(1);
});

test("without Node's adapter, a request that is aborted while it waits is not handled", async () => {
  const clock = new ManualClock();
  const rule = leakyBucketQueue({ limit: 1, windowMs: 1_000 });
  let handled = 0;
  const app = new Hono();
  app.use(rateLimit(new RateLimiter(rule, { clock }), { key, clock }));
  app.get("/", (c) => c.text(String(++handled)));
  await app.request("/");
  const abort = new AbortController();
  const waiting = app.request("/", { signal: abort.signal });
  await until(() => clock.pendingTimers === 1);
  abort.abort();
  expect([(await waiting).status, clock.pendingTimers, handled]).toEqual([499, 0, 1]);
});

test("on Node's adapter a place is held until a streamed body has been sent", async () => {
  const limiter = new RateLimiter(concurrencyLimit({ limit: 1, leaseMs: 60_000 }));
  const { opened, open } = gate();
  const app = new Hono();
  app.use(rateLimit(limiter, { key }));
  app.get("/", (c) =>
    stream(c, async (body) => {
      await body.write("first");
      await opened;
    }),
  );
  await using server = await TestServer.on(createAdaptorServer({ fetch: app.fetch }) as Server);
  const response = await fetch(server.url, { headers: { connection: "close" } });
  expect(limiter.peek("ada").allowed).toBe(false);
  open();
  expect(await response.text()).toBe("first");
  await until(() => limiter.peek("ada").allowed);
});

test("without Node's adapter, refundIf sees what was answered", async () => {
  const limiter = once();
  const app = new Hono();
  app.use(rateLimit(limiter, { key, refundIf: (status) => status === 204 }));
  app.get("/:status", (c) => c.body(null, Number(c.req.param("status")) as StatusCode));
  const statuses = [];
  for (const path of ["/204", "/204", "/401", "/204"]) {
    statuses.push((await app.request(path)).status);
  }
  expect(statuses).toEqual([204, 204, 401, 429]);
});
