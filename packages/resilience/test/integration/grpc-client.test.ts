// The gRPC client edge with unary calls, on a real grpc-js server.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { circuitBreaker, type Policy, pipeline, timeout } from "@compendium/resilience";
import { idempotentMethods } from "@compendium/resilience/grpc";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import {
  again,
  type Callback,
  client,
  ECHO,
  failing,
  GrpcRig,
  none,
  type Unary,
} from "./grpc-rig.ts";
import { gate, until } from "./servers.ts";

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

  test("a call is made once, unless it or the options say that it is idempotent", async () => {
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

  test("gRFC A6: a pushback beyond the deadline ends the retries", async () => {
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

  test("the call's deadline is the pipeline's, and reaches the server", async () => {
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

  test("a timeout cancels the attempt on the server, and the next one is made", async () => {
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

  test("the caller's cancel ends the call, on the server too, without a retry", async () => {
    const { opened: running, open: run } = gate();
    const { opened: cancelled, open: cancel } = gate();
    const Unary = (call: Unary) => {
      call.on("cancelled", () => cancel());
      run();
    };
    const policy = again();
    const ends: string[] = [];
    const watching: Policy = {
      kind: "custom",
      run: (call, next) => {
        const end = next(call);
        end.then(
          () => ends.push("an answer"),
          () => ends.push("none"),
        );
        return end;
      },
    };
    await using rig = await GrpcRig.start({ Unary }, client(pipeline(policy, watching)));
    const code = new Promise((resolve) => {
      const { path, requestSerialize: bytes } = ECHO.Unary;
      const call = rig.client.makeUnaryRequest(path, bytes, bytes, Buffer.from("x"), (error) =>
        resolve(error?.code),
      );
      running.then(() => call.cancel());
    });
    expect(await code).toBe(status.CANCELLED);
    await cancelled;
    await until(() => ends.length > 0);
    expect([ends, policy.stats().retries]).toEqual([["none"], 0]);
  });

  test("an attempt that a policy gives up on is cancelled while the call goes on", async () => {
    let calls = 0;
    const { opened: cancelled, open: cancel } = gate();
    const Unary = (call: Unary, callback: Callback) => {
      call.on("cancelled", () => cancel());
      if (++calls === 1) givenUp.open();
      else cancelled.then(() => callback(null, call.request));
    };
    const givenUp = gate();
    const impatient: Policy = {
      kind: "custom",
      run: async (call, next) => {
        const first = call.fork();
        next(first).catch(() => {});
        await givenUp.opened;
        first.abort(new Error("on second thoughts"));
        return await next(call);
      },
    };
    await using rig = await GrpcRig.start({ Unary }, client(pipeline(impatient)));
    expect(await rig.unary("hello", none())).toMatchObject({ value: "hello" });
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
