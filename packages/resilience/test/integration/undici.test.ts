// The undici interceptor, against a real server: through request() and stream(), as a user would.
import { Writable } from "node:stream";
import { CircuitBreaker } from "@compendium/circuit-breaker";
import {
  bulkhead,
  circuitBreaker,
  hedge,
  type Pipeline,
  type Policy,
  pipeline,
  retry,
  timeout,
} from "@compendium/resilience";
import { type ResilienceInterceptorOptions, resilience } from "@compendium/resilience/undici";
import { Agent, type Dispatcher } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestServer, until } from "./servers.ts";

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

let agent: Agent;
let server: TestServer;
let answers: Answer[];
let seen: { headers: Record<string, unknown>; body: string }[];

const again = (options = {}) => retry({ backoff: { baseMs: 1 }, ...options });
const through = (policies: Pipeline, options?: ResilienceInterceptorOptions): Dispatcher =>
  agent.compose(resilience(policies, options));
const get = (dispatcher: Dispatcher, init: object = {}) =>
  dispatcher.request({ origin: server.url, path: "/", method: "GET", ...init });

beforeEach(async () => {
  agent = new Agent({ connections: 1 });
  answers = [];
  seen = [];
  server = await TestServer.listen(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    seen.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    const answer = answers[Math.min(seen.length, answers.length) - 1];
    if (answer === undefined) return void request.socket.resetAndDestroy();
    response.writeHead(answer.status, answer.headers).end(answer.body ?? "");
  });
});

afterEach(async () => {
  await agent.close();
  await server.drained();
  await server[Symbol.asyncDispose]();
});

test("a GET that failed is repeated, on the connection it already has", async () => {
  answers = [{ status: 503, body: "busy" }, { status: 500 }, { status: 200, body: "at last" }];
  const { statusCode, body } = await get(through(pipeline(again())));
  expect([statusCode, await body.text()]).toEqual([200, "at last"]);
  expect([server.requests, server.accepted]).toEqual([3, 1]);
});

test("when retries end, the caller gets the last response, with headers and body", async () => {
  answers = [{ status: 502 }, { status: 503, headers: { "x-why": "load" }, body: "busy" }];
  const { statusCode, headers, body } = await get(through(pipeline(again({ attemptsMax: 2 }))));
  expect([statusCode, headers["x-why"], await body.text()]).toEqual([503, "load", "busy"]);
});

test.each([200, 503])(
  "a body of a megabyte under status %i arrives whole and in order",
  async (status) => {
    const text = Array.from({ length: 100_000 }, (_, i) => String(i).padStart(10)).join("");
    answers = [{ status, body: text }];
    const { body } = await get(through(pipeline(again({ attemptsMax: 1 }))));
    expect((await body.text()) === text).toBe(true);
  },
);

test("a large failed body does not keep the next attempt from the only connection", async () => {
  answers = [
    { status: 503, body: "y".repeat(1_000_000) },
    { status: 200, body: "fine" },
  ];
  expect(await (await get(through(pipeline(again())))).body.text()).toBe("fine");
});

test("a failed response that nobody wants in the end holds no connection", async () => {
  answers = [{ status: 503, body: "y".repeat(1_000_000) }];
  const breaker = new CircuitBreaker({ consecutiveFailures: 1 });
  const sent = get(through(pipeline(again(), circuitBreaker(breaker))));
  await expect(sent).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
});

test("a failed body that is small at first, and then endless, is cut off", async () => {
  const endless = await TestServer.listen((_request, response) => {
    if (endless.requests > 1) return void response.end("fine");
    const pump = () => {
      while (!response.destroyed && response.write(Buffer.alloc(10_000)));
    };
    response.writeHead(503).write("a little");
    response.on("drain", pump);
    setTimeout(pump, 50);
  });
  const both = new Agent();
  const dispatcher = both.compose(resilience(pipeline(again())));
  expect(await (await get(dispatcher, { origin: endless.url })).body.text()).toBe("fine");
  await both.close();
  await endless.drained();
  await endless[Symbol.asyncDispose]();
});

test("no more of a response is held than 64 KiB, and stream() gets all of it", async () => {
  const flood = await TestServer.listen((_request, response) => {
    response.writeHead(503).end(Buffer.alloc(50_000_000));
    response.on("finish", () => {
      finished = true;
    });
  });
  let finished = false;
  const holding: Policy = {
    kind: "custom",
    run: (call, next) =>
      next(call).catch(async (error) => {
        await new Promise((resolve) => setTimeout(resolve, 150));
        expect(finished).toBe(false);
        throw error;
      }),
  };
  let bytes = 0;
  const options = { origin: flood.url, path: "/", method: "GET" as const };
  await through(pipeline(holding)).stream(options, () => {
    return new Writable({
      write(chunk, _encoding, done) {
        bytes += chunk.byteLength;
        done();
      },
    });
  });
  expect(bytes).toBe(50_000_000);
  await agent.close();
  await flood.drained();
  await flood[Symbol.asyncDispose]();
  agent = new Agent();
});

test("a POST is sent once; with an Idempotency-Key, in any shape of headers, again", async () => {
  answers = [{ status: 503 }];
  const dispatcher = through(pipeline(again({ attemptsMax: 2 })));
  await (await get(dispatcher, { method: "POST", body: "pay" })).body.dump();
  expect(server.requests).toBe(1);
  const key = "Idempotency-Key";
  for (const headers of [{ [key]: "1" }, [key, "1"], new Map([[key, "1"]])]) {
    seen = [];
    await (await get(dispatcher, { method: "POST", body: "pay", headers })).body.dump();
    expect(seen.map(({ body }) => body)).toEqual(["pay", "pay"]);
  }
});

test("a streamed body is never sent twice", async () => {
  answers = [{ status: 503 }, { status: 200 }];
  const dispatcher = through(pipeline(again({ evenIfNotIdempotent: true })));
  const body = (async function* () {
    yield Buffer.from("once");
  })();
  const { statusCode, body: answer } = await get(dispatcher, { method: "PUT", body });
  await answer.dump();
  expect([statusCode, seen.map((request) => request.body)]).toEqual([503, ["once"]]);
});

test("a policy that insists on a second attempt of a stream gets BODY_NOT_REPLAYABLE", async () => {
  answers = [{ status: 503 }];
  const stubborn = again({ evenIfNotIdempotent: true, retryAfterMs: () => 0 });
  const body = new Blob(["once"]).stream();
  const sent = get(through(pipeline(stubborn)), { method: "PUT", body });
  await expect(sent).rejects.toMatchObject({ code: "BODY_NOT_REPLAYABLE" });
  expect(server.requests).toBe(1);
});

test("a Retry-After beyond retryAfterMsMax ends the call with the response", async () => {
  answers = [{ status: 429, headers: { "retry-after": "61" } }, { status: 200 }];
  const { statusCode, body } = await get(through(pipeline(again())));
  await body.dump();
  expect([statusCode, server.requests]).toEqual([429, 1]);
});

test("failed responses open a breaker, which then refuses without asking the server", async () => {
  answers = [{ status: 500 }];
  const breaker = new CircuitBreaker({ consecutiveFailures: 2 });
  const dispatcher = through(pipeline(circuitBreaker(breaker)));
  for (let i = 0; i < 2; i++) await (await get(dispatcher)).body.dump();
  await expect(get(dispatcher)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
  expect(server.requests).toBe(2);
});

test("a connection reset is repeated; at last it is undici's own error", async () => {
  const sent = get(through(pipeline(again({ attemptsMax: 2 }))));
  await expect(sent).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(server.requests).toBe(2);
});

test("misuse is not repeated", async () => {
  const policy = again();
  const sent = get(through(pipeline(policy)), { headers: { "bad name": "x" } });
  await expect(sent).rejects.toMatchObject({ code: "UND_ERR_INVALID_ARG" });
  expect(policy.stats().retries).toBe(0);
});

test("the caller's abort ends a request on the wire, with its own reason", async () => {
  const hang = await TestServer.listen(() => {});
  const controller = new AbortController();
  const origin = hang.url;
  const sent = get(through(pipeline(again())), { origin, signal: controller.signal });
  await until(() => hang.requests === 1);
  const reason = new Error("gave up");
  controller.abort(reason);
  await expect(sent).rejects.toBe(reason);
  await hang.drained();
  await hang[Symbol.asyncDispose]();
});

test("the caller's abort ends the wait in a queue, and nothing is sent", async () => {
  const hang = await TestServer.listen(() => {});
  const dispatcher = through(pipeline(bulkhead({ concurrencyMax: 1, queue: { lengthMax: 1 } })));
  const first = new AbortController();
  const second = new AbortController();
  const one = get(dispatcher, { origin: hang.url, signal: first.signal });
  await until(() => hang.requests === 1);
  const two = get(dispatcher, { origin: hang.url, signal: second.signal });
  second.abort(new Error("gave up"));
  await expect(two).rejects.toThrow("gave up");
  first.abort();
  await expect(one).rejects.toThrow();
  expect(hang.requests).toBe(1);
  await hang.drained();
  await hang[Symbol.asyncDispose]();
});

test("a timeout cuts the attempt, and the next one is made", async () => {
  const hang = await TestServer.listen((_request, response) => {
    if (hang.requests > 1) response.end("second");
  });
  const dispatcher = through(pipeline(again({ attemptsMax: 50 }), timeout({ timeoutMs: 30 })));
  expect(await (await get(dispatcher, { origin: hang.url })).body.text()).toBe("second");
  await agent.close();
  await hang.drained();
  await hang[Symbol.asyncDispose]();
  agent = new Agent();
});

test("the loser of a hedge is cut off on the wire; the winner's body is whole", async () => {
  const race = await TestServer.listen((_request, response) => {
    if (race.requests > 1) response.end("second");
  });
  const both = new Agent();
  const dispatcher = both.compose(resilience(pipeline(hedge({ delayMs: 10 }))));
  const { body } = await get(dispatcher, { origin: race.url });
  expect(await body.text()).toBe("second");
  // The first would hold its connection for ever.
  await until(() => race.sockets.size <= 1);
  await both.close();
  await race.drained();
  await race[Symbol.asyncDispose]();
});

test("the deadline travels when asked, beside the request's own headers", async () => {
  answers = [{ status: 200 }];
  const options = { deadlineInMs: 5_000, deadlineHeader: true };
  const { body } = await get(through(pipeline(), options), { headers: { "x-mine": ["1", "2"] } });
  await body.dump();
  const { headers } = seen[0] as { headers: Record<string, string> };
  expect(Number(headers["x-envoy-expected-rq-timeout-ms"])).toBeLessThanOrEqual(5_000);
  expect(headers["x-mine"]).toBe("1, 2");
});

test("interim responses and upgrades pass", async () => {
  const special = await TestServer.listen((_request, response) => {
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
    response.end("streamed");
  });
  special.server.on("upgrade", (_request, socket) => {
    socket.end("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
  });
  const dispatcher = through(pipeline(again()));
  const hints: number[] = [];
  const onInfo = ({ statusCode }: { statusCode: number }) => hints.push(statusCode);
  await (await get(dispatcher, { origin: special.url, onInfo })).body.dump();
  expect(hints).toEqual([103]);
  const { socket } = await dispatcher.upgrade({
    origin: special.url,
    path: "/",
    protocol: "x",
  } as never);
  socket.destroy();
  await agent.close();
  await special.drained();
  await special[Symbol.asyncDispose]();
  agent = new Agent();
});
