// The gRPC edges, on a real grpc-js server and client.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import {
  bulkhead,
  circuitBreaker,
  type Pipeline,
  type Policy,
  pipeline,
  ResilienceError,
  retry,
  timeout,
} from "@compendium/resilience";
import {
  callOf,
  clientInterceptor,
  type GrpcClientOptions,
  grpcStatusOf,
  idempotentMethods,
  serverInterceptor,
} from "@compendium/resilience/grpc";
import {
  type ClientReadableStream,
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ECHO, GrpcRig } from "./grpc-rig.ts";
import { gate, until } from "./servers.ts";

type Unary = ServerUnaryCall<Buffer, Buffer>;
type Callback = sendUnaryData<Buffer>;

const again = (options = {}) => retry({ backoff: { baseMs: 1 }, ...options });
const client = (policies: Pipeline, options: GrpcClientOptions = { idempotent: true }) => ({
  interceptors: [clientInterceptor(policies, options)],
});
const failing = (code: status, metadata = new Metadata()) => ({ code, details: "no", metadata });
const none = () => new Metadata();

// Answers the first calls with these codes, and then with what it was asked.
function echoAfter(codes: (status | Partial<ServiceError>)[]) {
  const seen: { metadata: Metadata; request: string }[] = [];
  const handler = (call: Unary, callback: Callback) => {
    const error = codes[seen.length];
    seen.push({ metadata: call.metadata, request: String(call.request) });
    if (error === undefined) callback(null, call.request);
    else callback(typeof error === "number" ? failing(error) : error);
  };
  return { seen, handler };
}

describe("client, unary", () => {
  test.each([
    status.UNKNOWN,
    status.DEADLINE_EXCEEDED,
    status.RESOURCE_EXHAUSTED,
    status.INTERNAL,
    status.UNAVAILABLE,
  ])(
    "code %i is a failure: repeated, with the same message and the number of attempts",
    async (code) => {
      const { seen, handler } = echoAfter([code, code]);
      await using rig = await GrpcRig.start({ Unary: handler }, client(pipeline(again())));
      expect(await rig.unary("hello", none())).toMatchObject({ value: "hello" });
      expect(seen.map(({ request }) => request)).toEqual(["hello", "hello", "hello"]);
      const attempts = seen.map(({ metadata }) => metadata.get("grpc-previous-rpc-attempts")[0]);
      expect(attempts).toEqual([undefined, "1", "2"]);
    },
  );

  test.each([status.INVALID_ARGUMENT, status.NOT_FOUND, status.ABORTED, status.UNIMPLEMENTED])(
    "code %i is an answer: no retry, no failure to a breaker",
    async (code) => {
      const { seen, handler } = echoAfter([code]);
      const breaker = new CircuitBreaker({ consecutiveFailures: 1 });
      const policies = pipeline(again(), circuitBreaker(breaker));
      await using rig = await GrpcRig.start({ Unary: handler }, client(policies));
      expect(await rig.unary("hello", none())).toMatchObject({ code, details: "no" });
      expect([seen.length, breaker.state]).toEqual([1, "closed"]);
    },
  );

  test("a call that is not idempotent is made once; its own metadata may say that it is", async () => {
    const { seen, handler } = echoAfter([status.UNAVAILABLE, status.UNAVAILABLE]);
    await using rig = await GrpcRig.start({ Unary: handler }, client(pipeline(again()), {}));
    expect(await rig.unary("pay", none())).toMatchObject({ code: status.UNAVAILABLE });
    expect(seen).toHaveLength(1);
    const idempotent = new Metadata({ idempotentRequest: true });
    expect(await rig.unary("pay", idempotent)).toMatchObject({ value: "pay" });
  });

  test("idempotency_level in a .proto is read as proto-loader hands it on", () => {
    const isIdempotent = idempotentMethods({
      Get: { path: "/a/Get", options: { idempotency_level: "NO_SIDE_EFFECTS" } },
      Put: { path: "/a/Put", options: { idempotency_level: "IDEMPOTENT" } },
      Post: { path: "/a/Post", options: { idempotency_level: "IDEMPOTENCY_UNKNOWN" } },
      Old: { path: "/a/Old" },
    });
    expect(["/a/Get", "/a/Put", "/a/Post", "/a/Old"].map(isIdempotent)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test.each(["-1", "soon"])("gRFC A6: a pushback of %s ends the retries", async (pushback) => {
    const metadata = new Metadata();
    metadata.set("grpc-retry-pushback-ms", pushback);
    const { seen, handler } = echoAfter([failing(status.UNAVAILABLE, metadata)]);
    await using rig = await GrpcRig.start({ Unary: handler }, client(pipeline(again())));
    expect(await rig.unary("hello", none())).toMatchObject({ code: status.UNAVAILABLE });
    expect(seen).toHaveLength(1);
  });

  test("gRFC A6: a pushback is waited for: beyond the deadline, there is no other attempt", async () => {
    const metadata = new Metadata();
    metadata.set("grpc-retry-pushback-ms", "20000");
    const { seen, handler } = echoAfter([failing(status.UNAVAILABLE, metadata)]);
    const policy = again();
    await using rig = await GrpcRig.start({ Unary: handler }, client(pipeline(policy)));
    const deadline = Date.now() + 10_000;
    expect(await rig.unary("hello", none(), { deadline })).toMatchObject({ code: 14 });
    expect([seen.length, policy.stats().tooLate]).toEqual([1, 1]);
  });

  test("failures open a breaker, which then refuses with UNAVAILABLE and a pushback", async () => {
    const { seen, handler } = echoAfter([status.INTERNAL, status.INTERNAL]);
    const breaker = new CircuitBreaker({ consecutiveFailures: 2, openForMs: 5_000, openJitter: 0 });
    await using rig = await GrpcRig.start(
      { Unary: handler },
      client(pipeline(circuitBreaker(breaker))),
    );
    for (let i = 0; i < 2; i++) await rig.unary("hello", none());
    const error = (await rig.unary("hello", none())) as ServiceError;
    expect([error.code, seen.length]).toEqual([status.UNAVAILABLE, 2]);
    expect(error.details).toMatch(/^CIRCUIT_OPEN: /);
    expect(Number(error.metadata.get("grpc-retry-pushback-ms")[0])).toBeGreaterThan(1_000);
  });

  test("the call's deadline is the pipeline's, and reaches the server; one in the past is not sent", async () => {
    const left: number[] = [];
    const Unary = (call: Unary, callback: Callback) => {
      left.push(Number(call.getDeadline()) - Date.now());
      callback(null, call.request);
    };
    await using rig = await GrpcRig.start({ Unary }, client(pipeline(again())));
    await rig.unary("hello", none(), { deadline: new Date(Date.now() + 5_000) });
    expect(left[0]).toBeGreaterThan(1_000);
    expect(left[0]).toBeLessThanOrEqual(5_000);
    const late = await rig.unary("hello", none(), { deadline: Date.now() - 1 });
    expect(late).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect(left).toHaveLength(1);
  });

  test("a timeout cancels the attempt on the server, tells its deadline, and the next one is made", async () => {
    const cancelled: boolean[] = [];
    const Unary = (call: Unary, callback: Callback) => {
      if (cancelled.push(false) > 1) return callback(null, call.request);
      call.on("cancelled", () => {
        cancelled[0] = Number(call.getDeadline()) < Date.now() + 1_000;
      });
    };
    const policies = pipeline(again({ attemptsMax: 50 }), timeout({ timeoutMs: 50 }));
    await using rig = await GrpcRig.start({ Unary }, client(policies));
    expect(await rig.unary("hello", none())).toMatchObject({ value: "hello" });
    await until(() => cancelled[0] === true);
  });

  test("the caller's cancel ends the attempt on the server and the call, without another", async () => {
    const { opened: running, open: run } = gate();
    const { opened: cancelled, open: cancel } = gate();
    const Unary = (call: Unary) => {
      call.on("cancelled", () => cancel());
      run();
    };
    const policy = again();
    await using rig = await GrpcRig.start({ Unary }, client(pipeline(policy)));
    const code = new Promise((resolve) => {
      const { path, requestSerialize: bytes } = ECHO.Unary;
      const call = rig.client.makeUnaryRequest(path, bytes, bytes, Buffer.from("x"), (error) =>
        resolve(error?.code),
      );
      running.then(() => call.cancel());
    });
    expect(await code).toBe(status.CANCELLED);
    await cancelled;
    expect(policy.stats().retries).toBe(0);
  });

  test("a connection that is reset is UNAVAILABLE, and repeated on the next", async () => {
    let calls = 0;
    const Unary = (call: Unary, callback: Callback) => {
      if (++calls === 1) rig.reset();
      else callback(null, call.request);
    };
    const policies = pipeline(again({ backoff: { baseMs: 20, jitter: "none" }, attemptsMax: 9 }));
    const rig = await GrpcRig.start({ Unary }, client(policies));
    expect(await rig.unary("hello", none())).toMatchObject({ value: "hello" });
    await rig[Symbol.asyncDispose]();
  });
});

type Streaming = ServerWritableStream<Buffer, Buffer>;
interface Received {
  values: string[];
  code: number | undefined;
}

async function receive(stream: ClientReadableStream<Buffer>): Promise<Received> {
  const received: Received = { values: [], code: undefined };
  stream.on("data", (value) => received.values.push(String(value)));
  stream.on("error", () => {});
  received.code = await new Promise((resolve) => stream.on("status", ({ code }) => resolve(code)));
  return received;
}

describe("client, streams", () => {
  const serve = (rig: GrpcRig) => {
    const { path, requestSerialize: bytes } = ECHO.Serve;
    return rig.client.makeServerStreamRequest(path, bytes, bytes, Buffer.from("x"));
  };

  test("gRFC A6: a response stream that fails before its headers is repeated", async () => {
    let calls = 0;
    const Serve = (call: Streaming) => {
      if (++calls < 3) return void call.emit("error", failing(14));
      for (const value of ["a", "b", "c"]) call.write(Buffer.from(value));
      call.end();
    };
    await using rig = await GrpcRig.start({ Serve }, client(pipeline(again())));
    expect(await receive(serve(rig))).toEqual({ values: ["a", "b", "c"], code: 0 });
    expect(calls).toBe(3);
  });

  test("gRFC A6: once headers have come, a response stream is never repeated", async () => {
    let calls = 0;
    const Serve = (call: Streaming) => {
      calls++;
      call.write(Buffer.from("a"), () => call.emit("error", failing(14)));
    };
    const stubborn = again({ evenIfNotIdempotent: true, retryAfterMs: () => 0 });
    await using rig = await GrpcRig.start({ Serve }, client(pipeline(stubborn)));
    expect(await receive(serve(rig))).toEqual({ values: ["a"], code: status.UNAVAILABLE });
    expect(calls).toBe(1);
  });

  test("two attempts that race deliver the messages of one", async () => {
    const racing: Policy = {
      kind: "custom",
      run: (call, next) => Promise.any([next(call), next(call)]),
    };
    let calls = 0;
    let cancelled = 0;
    const Serve = (call: Streaming) => {
      const name = ++calls;
      call.on("cancelled", () => cancelled++);
      for (let i = 0; i < 3; i++) call.write(Buffer.from(String(name)));
      if (name === 2) setImmediate(() => call.end());
      else call.end();
    };
    await using rig = await GrpcRig.start({ Serve }, client(pipeline(racing)));
    const { values, code } = await receive(serve(rig));
    expect([new Set(values).size, values.length, code]).toEqual([1, 3, 0]);
    await until(() => cancelled >= 1);
  });

  test("a request stream is sent once, message by message, and its failure is the caller's", async () => {
    const gathered: string[] = [];
    let calls = 0;
    const Gather = (call: NodeJS.ReadableStream, callback: Callback) => {
      calls++;
      call.on("data", (value) => gathered.push(String(value)));
      call.on("end", () =>
        callback(calls === 1 ? null : failing(14), Buffer.from(gathered.join())),
      );
    };
    const stubborn = again({ evenIfNotIdempotent: true, retryAfterMs: () => 0 });
    await using rig = await GrpcRig.start({ Gather }, client(pipeline(stubborn)));
    const gather = () =>
      new Promise((resolve) => {
        const { path, requestSerialize: bytes } = ECHO.Gather;
        const call = rig.client.makeClientStreamRequest<Buffer, Buffer>(
          path,
          bytes,
          bytes,
          (error, value) => resolve(error?.code ?? String(value)),
        );
        for (const value of ["a", "b", "c"]) call.write(Buffer.from(value));
        call.end();
      });
    expect(await gather()).toBe("a,b,c");
    expect(await gather()).toBe(status.UNAVAILABLE);
    expect([calls, gathered.length]).toEqual([2, 6]);
  });

  test("messages both ways pass while the pipeline holds the call", async () => {
    const Chat = (call: NodeJS.ReadWriteStream) => {
      call.on("data", (value) => call.write(value));
      call.on("end", () => call.end());
    };
    const places = bulkhead({ concurrencyMax: 1 });
    await using rig = await GrpcRig.start({ Chat }, client(pipeline(again(), places)));
    const { path, requestSerialize: bytes } = ECHO.Chat;
    const call = rig.client.makeBidiStreamRequest<Buffer, Buffer>(path, bytes, bytes);
    const echoed: string[] = [];
    const code = new Promise((resolve) => call.on("status", (end) => resolve(end.code)));
    call.on("data", (value) => {
      echoed.push(String(value));
      if (echoed.length === 3) call.end();
      else call.write(Buffer.from(String(echoed.length)));
    });
    call.write(Buffer.from("0"));
    expect(await code).toBe(0);
    expect(echoed).toEqual(["0", "1", "2"]);
    expect(places.stats().running).toBe(0);
  });

  test("a refused request stream ends with its status, and takes what is written to it", async () => {
    const full: Policy = {
      kind: "custom",
      run: () => Promise.reject(new ResilienceError("BULKHEAD_FULL", "full")),
    };
    await using rig = await GrpcRig.start({}, client(pipeline(full)));
    const { path, requestSerialize: bytes } = ECHO.Chat;
    const call = rig.client.makeBidiStreamRequest<Buffer, Buffer>(path, bytes, bytes);
    call.on("error", () => {});
    call.on("data", () => {});
    const code = new Promise((resolve) => call.on("status", (end) => resolve(end.code)));
    await Promise.all(
      ["a", "b"].map((v) => new Promise((done) => call.write(Buffer.from(v), done))),
    );
    expect(await code).toBe(status.RESOURCE_EXHAUSTED);
  });
});

describe("server", () => {
  const start = (policies: Pipeline, handlers: Parameters<typeof GrpcRig.start>[0]) =>
    GrpcRig.start(handlers, {}, { interceptors: [serverInterceptor(policies)] });
  const echo = (call: Unary, callback: Callback) => callback(null, call.request);

  test("a handler finds its call, with the client's deadline", async () => {
    const Unary = (call: Unary, callback: Callback) => {
      callback(null, Buffer.from(String(callOf(call)?.remainingMs())));
    };
    await using rig = await start(pipeline(), { Unary });
    expect(await rig.unary("", none())).toMatchObject({ value: "Infinity" });
    const deadline = Date.now() + 60_000;
    const { value } = (await rig.unary("", none(), { deadline })) as { value: string };
    expect(Number(value)).toBeGreaterThan(1_000);
    expect(Number(value)).toBeLessThanOrEqual(60_000);
  });

  test.each([
    [new ResilienceError("RATE_LIMITED", "too many", 1_200), status.RESOURCE_EXHAUSTED, "1200"],
    [new ResilienceError("BULKHEAD_FULL", "full"), status.RESOURCE_EXHAUSTED, "1000"],
    [new ResilienceError("TIMEOUT", "too slow"), status.DEADLINE_EXCEEDED, undefined],
  ])("refuses with %s as code %i, pushback %s", async (error, code, pushback) => {
    const refusing: Policy = { kind: "custom", run: () => Promise.reject(error) };
    await using rig = await start(pipeline(refusing), { Unary: echo });
    const ended = (await rig.unary("", none())) as ServiceError;
    expect([ended.code, ended.metadata.get("grpc-retry-pushback-ms")[0]]).toEqual([code, pushback]);
    expect(ended.details).toContain(error.code);
  });

  test("failure statuses open a breaker, which refuses with UNAVAILABLE; other statuses do not", async () => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 2 });
    const codes = [status.NOT_FOUND, status.INTERNAL, status.NOT_FOUND, 13, 13];
    let calls = 0;
    const Unary = (_: Unary, callback: Callback) => callback(failing(codes[calls++] ?? 13));
    await using rig = await start(pipeline(circuitBreaker(breaker)), { Unary });
    for (const _ of codes) await rig.unary("", none());
    expect(await rig.unary("", none())).toMatchObject({ code: status.UNAVAILABLE });
    expect(calls).toBe(5);
  });

  test("a refusal that the handler lets through is said in gRPC's words", async () => {
    const Unary = (_: Unary, callback: Callback) =>
      callback(grpcStatusOf(new ResilienceError("SHED", "further down", 7_000)));
    await using rig = await start(pipeline(), { Unary });
    const { code, metadata } = (await rig.unary("", none())) as ServiceError;
    expect([code, metadata.get("grpc-retry-pushback-ms")[0]]).toEqual([8, "7000"]);
  });

  test("work that waited past its deadline is not started", async () => {
    const { opened, open } = gate();
    const places = bulkhead({ concurrencyMax: 1, queue: { lengthMax: 1 } });
    let started = 0;
    const Unary = (call: Unary, callback: Callback) => {
      started++;
      opened.then(() => callback(null, call.request));
    };
    await using rig = await start(pipeline(places), { Unary });
    const first = rig.unary("first", none());
    await until(() => started === 1);
    const second = rig.unary("second", none(), { deadline: Date.now() + 100 });
    await until(() => places.stats().waiting === 1);
    expect(await second).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    // The server's deadline is later than the client's, by as long as the message was under way.
    await until(() => places.stats().waiting === 0);
    open();
    expect(await first).toMatchObject({ value: "first" });
    await until(() => places.stats().running === 0 && places.stats().waiting === 0);
    expect(started).toBe(1);
  });

  test("a client that cancels aborts the call; its place is free when the handler calls back", async () => {
    const places = bulkhead({ concurrencyMax: 1 });
    const { opened: aborted, open: abort } = gate<unknown>();
    const { opened: running, open: run } = gate();
    let callBack = () => {};
    const Unary = (call: Unary, callback: Callback) => {
      callOf(call)?.onAbort(abort);
      callBack = () => callback(null, call.request);
      run();
    };
    await using rig = await start(pipeline(places), { Unary });
    const { path, requestSerialize: bytes } = ECHO.Unary;
    const call = rig.client.makeUnaryRequest(path, bytes, bytes, Buffer.from("x"), () => {});
    await running;
    call.cancel();
    expect(await aborted).toMatchObject({ code: "CLIENT_GONE" });
    expect(places.stats().running).toBe(1);
    callBack();
    await until(() => places.stats().running === 0);
  });

  test("a deadline that passes aborts the call as DEADLINE_EXCEEDED", async () => {
    const { opened: aborted, open: abort } = gate<unknown>();
    const Unary = (call: Unary, callback: Callback) => {
      callOf(call)?.onAbort((reason) => {
        abort(reason);
        callback(null, call.request);
      });
    };
    await using rig = await start(pipeline(), { Unary });
    const ended = await rig.unary("x", none(), { deadline: Date.now() + 30 });
    expect(ended).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect(await aborted).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  test("a stream holds its place until it ends, or is cancelled", async () => {
    const places = bulkhead({ concurrencyMax: 1 });
    const Serve = (call: Streaming) => void call.write(Buffer.from("a"));
    await using rig = await start(pipeline(places), { Serve });
    const { path, requestSerialize: bytes } = ECHO.Serve;
    const call = rig.client.makeServerStreamRequest(path, bytes, bytes, Buffer.from("x"));
    call.on("error", () => {});
    await new Promise((resolve) => call.once("data", resolve));
    expect(places.stats().running).toBe(1);
    call.cancel();
    await until(() => places.stats().running === 0);
  });

  test("pipelines that cannot work are refused", () => {
    expect(() => serverInterceptor(pipeline(retry()))).toThrow(
      /retry cannot work in a gRPC server/,
    );
    const shared: Policy = { kind: "single-flight", run: (call, next) => next(call) };
    expect(() => clientInterceptor(pipeline(shared))).toThrow(/single-flight cannot work/);
  });
});
