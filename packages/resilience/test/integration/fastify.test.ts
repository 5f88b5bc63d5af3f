// The contract of server edges on Fastify, and what is Fastify's own.
import { bulkhead, pipeline, ResilienceError } from "@compendium/resilience";
import { callOf, resilience } from "@compendium/resilience/fastify";
import fastify, { type FastifyInstance } from "fastify";
import { expect, test } from "vitest";
import { describeServerEdge, type TestHandler } from "./server-edge.contract.ts";
import { TestServer } from "./servers.ts";

describeServerEdge("Fastify", async (policies, handler, options) => {
  const app = fastify();
  await app.register(resilience, { pipeline: policies, ...options });
  return await TestServer.on(await listen(app, handler));
});

async function listen(app: FastifyInstance, handler: TestHandler) {
  app.get("/", (request) => {
    const call = callOf(request);
    if (call === undefined) throw new Error("no call");
    return handler(call);
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

test("an injected request leaves its place, too", async () => {
  const places = bulkhead({ concurrencyMax: 1 });
  const app = fastify();
  await app.register(resilience, { pipeline: pipeline(places) });
  app.get("/", () => "fine");
  for (let i = 0; i < 3; i++) expect((await app.inject("/")).statusCode).toBe(200);
  await app.close();
});
