// The fetch edge, against a real server: what is repeated, what is not, and what the caller sees.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import {
  circuitBreaker,
  fallback,
  hedge,
  pipeline,
  pipelineOn,
  retry,
  singleFlight,
  timeout,
} from "@compendium/resilience";
import { type HttpFailure, resilientFetch } from "@compendium/resilience/fetch";
import { ManualClock } from "@compendium/runtime";
import { Agent, fetch as undiciFetch } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestServer, until } from "./servers.ts";

let agent: Agent;
let server: TestServer;
let answers: ((attempt: number) => {
  status: number;
  headers?: Record<string, string>;
  body?: string;
})[];
let seen: { method: string; headers: Record<string, unknown>; body: string }[];

const again = (options = {}) => retry({ backoff: { baseMs: 1 }, ...options });
const through: typeof fetch = (input, init) =>
  undiciFetch(input as string, {
    ...(init as object),
    dispatcher: agent,
  }) as unknown as Promise<Response>;

beforeEach(async () => {
  agent = new Agent({ connections: 1 });
  answers = [];
  seen = [];
  server = await TestServer.listen(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = "", headers } = request;
    seen.push({ method, headers, body: Buffer.concat(chunks).toString() });
    const answer = answers[Math.min(seen.length, answers.length) - 1]?.(seen.length);
    if (answer === undefined) return void request.socket.resetAndDestroy();
    response.writeHead(answer.status, answer.headers).end(answer.body ?? "");
  });
});

afterEach(async () => {
  await agent.close();
  await server.drained();
  await server[Symbol.asyncDispose]();
});

const status =
  (code: number, headers = {}, body = `status ${code}`) =>
  () => ({
    status: code,
    headers,
    body,
  });

test("a GET that failed is repeated, on the connection it already has", async () => {
  answers = [status(503, {}, "x".repeat(50_000)), status(500), status(200, {}, "at last")];
  const patient = again({ backoff: { baseMs: 20, jitter: "none" } });
  const send = resilientFetch(pipeline(patient), { fetch: through });
  const response = await send(server.url);
  expect(response.status).toBe(200);
  expect(await response.text()).toBe("at last");
  expect(server.requests).toBe(3);
  expect(server.accepted).toBe(1);
});

test("the connection of a small failed body is used again", async () => {
  const pieces = await TestServer.listen((_request, response) => {
    if (pieces.requests > 1) return void response.end("fine");
    response.writeHead(503).write("x".repeat(30_000));
    setTimeout(() => response.end("x".repeat(30_000)), 5);
  });
  const patient = again({ backoff: { baseMs: 100, jitter: "none" } });
  const response = await resilientFetch(pipeline(patient), { fetch: through })(pieces.url);
  expect(await response.text()).toBe("fine");
  expect(pieces.accepted).toBe(1);
  await agent.close();
  await pieces.drained();
  await pieces[Symbol.asyncDispose]();
  agent = new Agent();
});

test("when retries end, the caller gets the last Response, and can read it", async () => {
  answers = [status(502), status(503, {}, "x".repeat(10_000))];
  const send = resilientFetch(pipeline(again({ attemptsMax: 2 })), { fetch: through });
  const response = await send(server.url);
  expect(response.status).toBe(503);
  expect(response.url).toBe(server.url);
  expect(await response.text()).toBe("x".repeat(10_000));
});

test("a large failed body reaches the caller whole", async () => {
  const body = "y".repeat(1_000_000);
  answers = [status(503, {}, body)];
  const send = resilientFetch(pipeline(again({ attemptsMax: 1 })), { fetch: through });
  expect(await (await send(server.url)).text()).toBe(body);
});

test("a large failed body does not keep the next attempt from its connection", async () => {
  answers = [status(503, {}, "y".repeat(1_000_000)), status(200, {}, "fine")];
  const send = resilientFetch(pipeline(again({ backoff: { baseMs: 20, jitter: "none" } })), {
    fetch: through,
  });
  expect(await (await send(server.url)).text()).toBe("fine");
});

test.each(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])(
  "RFC 9110 §9.2.2: %s may be repeated",
  async (method) => {
    answers = [status(503), status(200)];
    const send = resilientFetch(pipeline(again()), { fetch: through });
    expect((await send(server.url, { method })).status).toBe(200);
  },
);

test.each(["POST", "PATCH"])("RFC 9110 §9.2.2: %s is sent once", async (method) => {
  answers = [status(503), status(200)];
  const send = resilientFetch(pipeline(again()), { fetch: through });
  expect((await send(server.url, { method, body: "pay" })).status).toBe(503);
  expect(server.requests).toBe(1);
});

test("a POST with an Idempotency-Key, or told so, is repeated with the same body", async () => {
  answers = [status(503), status(200), status(503), status(200)];
  const send = resilientFetch(pipeline(again()), { fetch: through });
  const headers = { "Idempotency-Key": "8e03978e" };
  expect((await send(server.url, { method: "POST", headers, body: "pay" })).status).toBe(200);
  const init = { method: "POST", idempotent: true, body: Buffer.from("pay") };
  expect((await send(server.url, init)).status).toBe(200);
  expect(seen.map(({ body }) => body)).toEqual(["pay", "pay", "pay", "pay"]);
});

const stream = () => new Blob(["once"]).stream() as ReadableStream<Uint8Array>;

test("a streamed body is never sent twice, whatever the retry was told", async () => {
  answers = [status(503), status(200)];
  const send = resilientFetch(pipeline(again({ evenIfNotIdempotent: true })), { fetch: through });
  const init = { method: "PUT", body: stream(), duplex: "half", idempotent: true } as const;
  expect((await send(server.url, init)).status).toBe(503);
  expect(seen.map(({ body }) => body)).toEqual(["once"]);
});

test("a streamed body is not hedged either", async () => {
  answers = [status(200)];
  const hedging = hedge({ delayMs: 10 });
  const send = resilientFetch(pipeline(hedging), { fetch: through });
  const init = { method: "PUT", body: stream(), duplex: "half", idempotent: true } as const;
  expect((await send(server.url, init)).status).toBe(200);
  expect(hedging.stats().notIdempotent).toBe(1);
});

test("a response that a policy has no use for holds no connection", async () => {
  const large = "z".repeat(1_000_000);
  answers = [status(202, {}, large), status(202, {}, large), status(503, {}, large)];
  const retryIf = (result: PromiseSettledResult<unknown>) =>
    result.status === "fulfilled" && (result.value as Response).status === 202;
  const polling = pipeline(
    fallback(() => new Response("ours")),
    again({ retryIf }),
  );
  expect(await (await resilientFetch(polling, { fetch: through })(server.url)).text()).toBe("ours");
  expect(server.requests).toBe(3);
});

test("a large failed body is not read on behalf of the caller", async () => {
  const flood = await TestServer.listen((_request, response) => {
    response.writeHead(503).end(Buffer.alloc(50_000_000));
  });
  let finished = false;
  flood.server.on("request", (_request, response) => {
    response.on("finish", () => {
      finished = true;
    });
  });
  const response = await resilientFetch(pipeline(), { fetch: through })(flood.url);
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(finished).toBe(false);
  await response.body?.cancel();
  await flood.drained();
  await flood[Symbol.asyncDispose]();
});

test("a policy that insists on a second attempt of a stream gets BODY_NOT_REPLAYABLE", async () => {
  answers = [status(503), status(200)];
  const stubborn = again({ evenIfNotIdempotent: true, retryAfterMs: () => 0 });
  const send = resilientFetch(pipeline(stubborn), { fetch: through });
  const sent = send(server.url, { method: "PUT", body: stream(), duplex: "half" });
  await expect(sent).rejects.toMatchObject({ code: "BODY_NOT_REPLAYABLE" });
  expect(server.requests).toBe(1);
});

test.each([
  ["seconds", () => "2"],
  ["a date", (clock: ManualClock) => new Date(clock.wallMs() + 2_000).toUTCString()],
])("RFC 9110 §10.2.3: Retry-After in %s is waited for, on the call's clock", async (_, header) => {
  const clock = new ManualClock();
  answers = [status(429, { "retry-after": header(clock) }), status(200)];
  const send = resilientFetch(pipelineOn(clock, again()), { fetch: through });
  const sent = send(server.url);
  await until(() => clock.pendingTimers > 0);
  await clock.advanceAsync(1_999);
  expect(server.requests).toBe(1);
  await clock.advanceAsync(1 + 1);
  expect((await sent).status).toBe(200);
});

test("a Retry-After beyond retryAfterMsMax, or the deadline, ends the call", async () => {
  answers = [status(503, { "retry-after": new Date(Date.now() + 3_600_000).toUTCString() })];
  const send = resilientFetch(pipeline(again()), { fetch: through });
  expect((await send(server.url)).status).toBe(503);
  answers = [status(503, { "retry-after": "30" })];
  expect((await send(server.url, { deadlineInMs: 20_000 })).status).toBe(503);
  expect(server.requests).toBe(2);
});

test("failed responses open a breaker, which then refuses without asking the server", async () => {
  answers = [status(500)];
  const breaker = new CircuitBreaker({ consecutiveFailures: 3 });
  const send = resilientFetch(pipeline(circuitBreaker(breaker)), { fetch: through });
  for (let i = 0; i < 3; i++) expect((await send(server.url)).status).toBe(500);
  await expect(send(server.url)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
  expect(server.requests).toBe(3);
});

test.each([400, 404, 501, 505])(
  "a %i is the request's fault: no failure, no retry",
  async (code) => {
    answers = [status(code)];
    const breaker = new CircuitBreaker({ consecutiveFailures: 1 });
    const send = resilientFetch(pipeline(again(), circuitBreaker(breaker)), { fetch: through });
    expect((await send(server.url)).status).toBe(code);
    expect([server.requests, breaker.state]).toEqual([1, "closed"]);
  },
);

test("a connection reset is repeated; at last it is fetch's own TypeError", async () => {
  const send = resilientFetch(pipeline(again({ attemptsMax: 2 })), { fetch: through });
  const error = await send(server.url).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toBe("fetch failed");
  expect(server.requests).toBe(2);
});

test("misuse is not repeated", async () => {
  let sent = 0;
  const counting: typeof fetch = (input, init) => {
    sent++;
    return through(input, init);
  };
  const send = resilientFetch(pipeline(again()), { fetch: counting });
  await expect(send(server.url, { method: "GET", body: "x" })).rejects.toThrow(TypeError);
  expect(sent).toBe(1);
});

test("the caller's abort ends the request before its answer, and with its own reason", async () => {
  const hang = await TestServer.listen(() => {});
  const controller = new AbortController();
  const send = resilientFetch(pipeline(again()), { fetch: through });
  const sent = send(hang.url, { signal: controller.signal });
  await until(() => hang.requests === 1);
  const reason = new Error("gave up");
  controller.abort(reason);
  await expect(sent).rejects.toBe(reason);
  await hang.drained();
  await hang[Symbol.asyncDispose]();
});

test("the caller's abort ends the body, after the call is over", async () => {
  const slow = await TestServer.listen((_request, response) => void response.write("part one"));
  const controller = new AbortController();
  const send = resilientFetch(pipeline(timeout({ timeoutMs: 5_000 })), { fetch: through });
  const response = await send(slow.url, { signal: controller.signal });
  const text = response.text();
  controller.abort();
  await expect(text).rejects.toMatchObject({ name: "AbortError" });
  await slow.drained();
  await slow[Symbol.asyncDispose]();
});

test("a timeout ends the attempt on the wire, and not the next one", async () => {
  const hang = await TestServer.listen((_request, response) => {
    if (hang.requests > 1) response.end("second");
  });
  const send = resilientFetch(pipeline(again({ attemptsMax: 50 }), timeout({ timeoutMs: 30 })), {
    fetch: through,
  });
  expect(await (await send(hang.url)).text()).toBe("second");
  await agent.close();
  await hang.drained();
  await hang[Symbol.asyncDispose]();
  agent = new Agent();
});

test("the deadline travels when asked, shrinking, beside the caller's headers", async () => {
  answers = [status(503), status(200)];
  const send = resilientFetch(pipeline(again({ backoff: { baseMs: 20, jitter: "none" } })), {
    fetch: through,
    deadlineHeader: true,
  });
  await send(server.url, { headers: { "x-mine": "1" }, deadlineInMs: 5_000 });
  const [first, second] = seen.map(({ headers }) =>
    Number(headers["x-envoy-expected-rq-timeout-ms"]),
  );
  expect(first).toBeLessThanOrEqual(5_000);
  expect(second).toBeLessThan((first ?? 0) - 15);
  expect(seen[1]?.headers["x-mine"]).toBe("1");
});

test("a fallback sees the failure, and may answer with its response or another", async () => {
  answers = [status(503, {}, "theirs")];
  const theirs = pipeline(
    fallback((error) => (error as HttpFailure<Response>).response as Response),
  );
  expect(await (await resilientFetch(theirs, { fetch: through })(server.url)).text()).toBe(
    "theirs",
  );
  const ours = pipeline(fallback(() => new Response("ours")));
  expect(await (await resilientFetch(ours, { fetch: through })(server.url)).text()).toBe("ours");
});

test("a hedge's loser is let go, even by a fetch that is deaf to its signal", async () => {
  // Attempts are told apart by their own number: they may reach the server in any order.
  const race = await TestServer.listen((request, response) => {
    if (request.url === "/?attempt=1") response.write("first, and endless");
    else response.end("second");
  });
  let held = true;
  let attempts = 0;
  const deaf: typeof fetch = async (input) => {
    const attempt = ++attempts;
    const response = await through(`${input}?attempt=${attempt}`);
    if (attempt === 1) await until(() => !held);
    return response;
  };
  await agent.close();
  agent = new Agent();
  const response = await resilientFetch(pipeline(hedge({ delayMs: 10 })), { fetch: deaf })(
    race.url,
  );
  held = false;
  expect(await response.text()).toBe("second");
  await agent.close();
  await race.drained();
  await race[Symbol.asyncDispose]();
  agent = new Agent();
});

test("a pipeline that cannot work here is refused", () => {
  expect(() => resilientFetch(pipeline(singleFlight()))).toThrow(
    "single-flight cannot work in fetch: callers would share one body, which can be read once",
  );
});
