// The contract of server edges on Fastify, and what is Fastify's own.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import {
  bulkhead,
  type Call,
  circuitBreaker,
  pipeline,
  ResilienceError,
} from "@compendium/resilience";
import { callOf, resilience } from "@compendium/resilience/fastify";
import fastify, { type FastifyInstance } from "fastify";
import { expect, test } from "vitest";
import { describeServerEdge, type TestHandler } from "./server-edge.contract.ts";
import { TestServer, until } from "./servers.ts";

describeServerEdge("Fastify", async (policies, handler, options) => {
  const app = fastify();
  await app.register(resilience, { pipeline: policies, ...options });
  return await TestServer.on(await listen(app, handler));
});

async function listen(app: FastifyInstance, handler: TestHandler) {
  app.get("/", (request) => {
    return handler(callOf(request) as Call);
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  return app.server;
}

test("your own error handler sees refusals, with status and Retry-After set", async () => {
  const app = fastify();
  const shed = new ResilienceError("SHED", "not now", 3_000);
  await app.register(resilience, {
    pipeline: pipeline({ kind: "custom", run: () => Promise.reject(shed) }),
  });
  app.setErrorHandler((error, _request, reply) => reply.send({ mine: (error as Error).message }));
  app.get("/", () => "never");
  const { statusCode, headers, body } = await app.inject("/");
  expect([statusCode, headers["retry-after"], body]).toEqual([503, "3", '{"mine":"not now"}']);
  await app.close();
});

test("an error that is answered with a 4xx is no failure to the pipeline; a 5xx is", async () => {
  const breaker = new CircuitBreaker({ consecutiveFailures: 1 });
  const app = fastify();
  await app.register(resilience, { pipeline: pipeline(circuitBreaker(breaker)) });
  app.get("/:code", (request) => {
    throw Object.assign(new Error("no"), request.params);
  });
  app.addHook("onError", (request, _reply, error, done) => {
    error.statusCode = Number((request.params as { code: string }).code);
    done();
  });
  expect((await app.inject("/404")).statusCode).toBe(404);
  expect(breaker.state).toBe("closed");
  expect((await app.inject("/502")).statusCode).toBe(502);
  await until(() => breaker.state === "open");
  await app.close();
});

test("an injected request leaves its place, too", async () => {
  const places = bulkhead({ concurrencyMax: 1 });
  const app = fastify();
  await app.register(resilience, { pipeline: pipeline(places) });
  app.get("/", () => "fine");
  for (let i = 0; i < 3; i++) expect((await app.inject("/")).statusCode).toBe(200);
  await app.close();
});
