// The contract of server edges on node:http, and what only middleware of its kind can do.
import type { IncomingMessage, ServerResponse } from "node:http";
import { fixedWindow, RateLimiter } from "@compendium/rate-limiter";
import { limitedHandler, rateLimit } from "@compendium/rate-limiter/http";
import { expect, test } from "vitest";
import { describeServerEdge, optionsFor, type TestExchange } from "./server-edge.contract.ts";
import { TestServer } from "./servers.ts";

const seen = (request: IncomingMessage): TestExchange => ({
  header: (name) => request.headers[name]?.toString(),
});

describeServerEdge("node:http", async (limits, handler) => {
  const middleware = limits.map(([limiter, options]) =>
    rateLimit(limiter, optionsFor(options, seen)),
  );
  return await TestServer.listen((request, response) => {
    const run = (at: number) => (error?: unknown) => {
      if (error !== undefined) return void response.writeHead(500).end();
      const next = middleware[at];
      if (next !== undefined) return next(request, response, run(at + 1));
      void Promise.resolve(handler(seen(request))).then((answer) => {
        if (typeof answer === "string") response.end(answer);
        else response.writeHead(answer.status).end();
      });
    };
    run(0)();
  });
});

const once = () => new RateLimiter(fixedWindow({ limit: 1, windowMs: 60_000 }));

test("limitedHandler: a handler behind a limit, without a framework", async () => {
  const handler = limitedHandler(once(), (_request, response) => response.end("hello"));
  await using server = await TestServer.listen(handler);
  const get = () => fetch(server.url, { headers: { connection: "close" } });
  const first = await get();
  expect([first.status, await first.text()]).toEqual([200, "hello"]);
  expect((await get()).status).toBe(429);
});

test("limitedHandler: a mistake in an option is a 500 without its words", async () => {
  const key = () => {
    throw new Error("password is hunter2");
  };
  await using server = await TestServer.listen(limitedHandler(once(), () => {}, { key }));
  const response = await fetch(server.url, { headers: { connection: "close" } });
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("hunter2");
});

test("without an option the key is the framework's `ip`, by its prefix", async () => {
  const limiter = once();
  const limit = rateLimit(limiter, { ipv6PrefixBits: 48 });
  await using server = await TestServer.listen((request, response) => {
    Object.assign(request, { ip: "2001:db8:7:1::5" });
    limit(request, response, () => response.end());
  });
  await fetch(server.url, { headers: { connection: "close" } });
  expect(limiter.peek("2001:db8:7::/48").allowed).toBe(false);
  expect(() => rateLimit(limiter, { ipv6PrefixBits: 0 })).toThrow("ipv6PrefixBits must be a whole");
});

test("what is answered is not handled again: next is called once, or not at all", async () => {
  const limiter = once();
  const limit = rateLimit(limiter);
  let nexts = 0;
  await using server = await TestServer.listen((request, response) =>
    limit(request, response, () => {
      nexts++;
      response.end();
    }),
  );
  for (let i = 0; i < 3; i++) await fetch(server.url, { headers: { connection: "close" } });
  expect(nexts).toBe(1);
});

test("a limiter in memory answers in the same turn", () => {
  const limit = rateLimit(once(), { key: () => "ada", standardFields: false });
  let isNext = false;
  const response = { destroyed: false, headersSent: false } as ServerResponse;
  limit({} as IncomingMessage, response, () => {
    isNext = true;
  });
  expect(isNext).toBe(true);
});
