// The contract of server edges on Hono, on Node's adapter, and what is Hono's own.
import type { Server } from "node:http";
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { circuitBreaker, pipeline } from "@compendium/resilience";
import { type ResilienceEnv, resilience } from "@compendium/resilience/hono";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { describeServerEdge } from "./server-edge.contract.ts";
import { TestServer } from "./servers.ts";

describeServerEdge("Hono", async (policies, handler, options) => {
  const app = new Hono<ResilienceEnv>();
  app.use(resilience(policies, options));
  app.get("/", async (c) => c.text(await handler(c.get("call"))));
  app.onError((_error, c) => c.text("internal error", 500));
  return await TestServer.on(createAdaptorServer({ fetch: app.fetch }) as Server);
});

test("errors that no policy decided stay with app.onError", async () => {
  const app = new Hono<ResilienceEnv>();
  const breaker = new CircuitBreaker({ consecutiveFailures: 1 });
  app.use(resilience(pipeline(circuitBreaker(breaker))));
  app.get("/", () => {
    throw new Error("mine");
  });
  app.onError((error, c) => c.text(`handled ${error.message}`, 418));
  const response = await app.request("/");
  expect([response.status, await response.text()]).toEqual([418, "handled mine"]);
  // What the client is to blame for is no failure of the server's.
  expect(breaker.state).toBe("closed");
});
