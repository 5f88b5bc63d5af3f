// The contract of server edges on Fastify, and what is Fastify's own.
import { fixedWindow, RateLimiter } from "@compendium/rate-limiter";
import { rateLimit, rateLimitHook } from "@compendium/rate-limiter/fastify";
import fastify, { type FastifyRequest } from "fastify";
import { expect, test } from "vitest";
import { optionsFor, type TestExchange } from "./edge-rig.ts";
import { describeServerEdge } from "./server-edge.contract.ts";
import { TestServer } from "./servers.ts";

const seen = (request: FastifyRequest): TestExchange => ({
  header: (name) => request.headers[name]?.toString(),
});

describeServerEdge("Fastify", async (limits, handler) => {
  const app = fastify();
  for (const [limiter, options] of limits) {
    await app.register(rateLimit, { limiter, ...optionsFor(options, seen) });
  }
  app.get("/", async (request, reply) => {
    const answer = await handler(seen(request));
    return typeof answer === "string" ? answer : reply.code(answer.status).send();
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  return await TestServer.on(app.server);
});

const once = () => new RateLimiter(fixedWindow({ limit: 1, windowMs: 60_000 }));

test("the default key is request.ip: with trustProxy, what the proxy says", async () => {
  const app = fastify({ trustProxy: true });
  await app.register(rateLimit, { limiter: once() });
  app.get("/", () => "fine");
  const get = async (address: string) =>
    (await app.inject({ url: "/", headers: { "x-forwarded-for": address } })).statusCode;
  expect([await get("192.0.2.1"), await get("192.0.2.1")]).toEqual([200, 429]);
  expect([await get("2001:db8::1"), await get("2001:db8::2")]).toEqual([200, 429]);
  await app.close();
});

test("requests that no route takes are counted as well", async () => {
  const app = fastify();
  await app.register(rateLimit, { limiter: once() });
  expect((await app.inject("/nowhere")).statusCode).toBe(404);
  expect((await app.inject("/nowhere")).statusCode).toBe(429);
  await app.close();
});

test("a hook of one route asks when its key is known, and leaves other routes alone", async () => {
  const app = fastify();
  const key = (request: FastifyRequest) => (request.body as { user: string }).user;
  const preHandler = rateLimitHook(once(), { key });
  app.post("/sign-in", { preHandler }, () => "welcome");
  app.get("/", () => "fine");
  const signIn = async (user: string) =>
    (await app.inject({ method: "POST", url: "/sign-in", payload: { user } })).statusCode;
  expect([await signIn("ada"), await signIn("ada"), await signIn("bob")]).toEqual([200, 429, 200]);
  expect((await app.inject("/")).headers).not.toHaveProperty("ratelimit");
  await app.close();
});

test("what `refuse` throws is your error handler's", async () => {
  const app = fastify();
  const refuse = () => {
    throw new Error("slow down");
  };
  await app.register(rateLimit, { limiter: once(), refuse });
  app.setErrorHandler((error, _request, reply) =>
    reply.code(420).send({ mine: (error as Error).message }),
  );
  app.get("/", () => "fine");
  await app.inject("/");
  const { statusCode, body, headers } = await app.inject("/");
  expect([statusCode, body]).toEqual([420, '{"mine":"slow down"}']);
  expect(headers).toHaveProperty("ratelimit", '"fixed-window";r=0;t=60');
  await app.close();
});

test("a scope of its own", async () => {
  const app = fastify();
  await app.register(async (scope) => {
    await scope.register(rateLimit, { limiter: once() });
    scope.get("/in", () => "fine");
  });
  app.get("/out", () => "fine");
  for (const status of [200, 429]) expect((await app.inject("/in")).statusCode).toBe(status);
  for (const status of [200, 200]) expect((await app.inject("/out")).statusCode).toBe(status);
  await app.close();
});
