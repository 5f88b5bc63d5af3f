// The contract of server edges on node:http, and what only middleware of its kind can do.
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  connect as connectHttp2,
  constants,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { concurrencyLimit, fixedWindow, RateLimiter } from "@compendium/rate-limiter";
import { limitedHandler, rateLimit } from "@compendium/rate-limiter/http";
import { expect, test } from "vitest";
import { optionsFor, type TestExchange } from "./edge-rig.ts";
import { describeServerEdge } from "./server-edge.contract.ts";
import { gate, TestServer, turns } from "./servers.ts";

type OnHttp2Request = (request: Http2ServerRequest, response: Http2ServerResponse) => void;
const { NGHTTP2_CANCEL } = constants;

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

const single = () => new RateLimiter(fixedWindow({ limit: 1, windowMs: 60_000 }));

test("limitedHandler: a handler behind a limit, without a framework", async () => {
  const handler = limitedHandler(single(), (_request, response) => response.end("hello"));
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
  await using server = await TestServer.listen(limitedHandler(single(), () => {}, { key }));
  const response = await fetch(server.url, { headers: { connection: "close" } });
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("hunter2");
});

test("without an option the key is the framework's `ip`, by its prefix", async () => {
  const limiter = single();
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
  const limiter = single();
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
  const limit = rateLimit(single(), { key: () => "ada", standardFields: false });
  let isNext = false;
  const response = { destroyed: false, headersSent: false } as ServerResponse;
  limit({} as IncomingMessage, response, () => {
    isNext = true;
  });
  expect(isNext).toBe(true);
});

test("HTTP/2, by node's compatible API: a stream that is reset frees its place", async () => {
  const limiter = new RateLimiter(concurrencyLimit({ limit: 1, leaseMs: 3_600_000 }));
  const { opened: asked, open: ask } = gate();
  const { opened: answered, open: answer } = gate();
  const distant = {
    name: "distant",
    rules: limiter.rules,
    release: limiter.release.bind(limiter),
    take: async (key?: string, cost?: number) => {
      ask();
      await answered;
      return limiter.take(key, cost);
    },
  };
  const handler = limitedHandler(distant, (_request, response) => response.end("fine"));
  await using server = createHttp2Server(handler as unknown as OnHttp2Request);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const stream = client.request({ ":path": "/" });
  await asked;
  stream.close(NGHTTP2_CANCEL);
  await once(stream, "close");
  await turns();
  answer();
  await turns();
  expect(limiter.stats().decisions.allowed).toBe(1);
  expect(limiter.peek("127.0.0.1").remaining).toBe(1);
  const again = client.request({ ":path": "/" });
  const [headers] = await once(again, "response");
  expect([headers[":status"], headers.ratelimit]).toEqual([200, '"concurrency-limit";r=0']);
  again.resume();
  await once(again, "close");
  client.close();
});
