// A limit on a real grpc-js server: what its clients are told, and when a call is over.
import {
  concurrencyLimit,
  fixedWindow,
  leakyBucketQueue,
  RateLimiter,
  type Rule,
  tokenBucket,
} from "@compendium/rate-limiter";
import type {
  GrpcRequest,
  Limiter,
  RateLimitInterceptorOptions,
} from "@compendium/rate-limiter/grpc";
import { ManualClock } from "@compendium/runtime";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { distant } from "./edge-rig.ts";
import { type Callback, GrpcRig, type Streaming, type Unary } from "./grpc-rig.ts";
import { gate, turns, until } from "./servers.ts";

const setup = () => {
  const clock = new ManualClock({ nowMs: 5_000 });
  const limiter = (rules: Rule, options = {}) => new RateLimiter(rules, { clock, ...options });
  return { clock, limiter };
};
const echo = (call: Unary, callback: Callback) => callback(null, call.request);
const start = (limiter: Limiter, options: RateLimitInterceptorOptions = {}, Unary = echo) =>
  GrpcRig.start(limiter, options, { Unary });
const userOf = ({ metadata }: GrpcRequest) => metadata.get("x-user")[0]?.toString();

describe("refusals", () => {
  test("over the limit: RESOURCE_EXHAUSTED, with a pushback that is enough", async () => {
    const { clock, limiter } = setup();
    await using rig = await start(limiter(fixedWindow({ limit: 1, windowMs: 1_234 })));
    expect((await rig.unary()).code).toBe(status.OK);
    expect(await rig.unary()).toEqual({
      code: status.RESOURCE_EXHAUSTED,
      details: "over the limit fixed-window; try again in 1234 ms",
      pushback: "1234",
    });
    clock.advance(1_234);
    expect((await rig.unary()).code).toBe(status.OK);
  });

  test("gRFC A6: what never fits has a negative pushback: do not retry", async () => {
    const { limiter } = setup();
    const rule = tokenBucket({ limit: 5, windowMs: 1_000 });
    await using rig = await start(limiter(rule), { cost: 6 });
    const { code, pushback } = await rig.unary();
    expect([code, pushback]).toEqual([status.RESOURCE_EXHAUSTED, "-1"]);
  });

  test("gRFC A6: a pushback fits into 32 bits", async () => {
    const { limiter } = setup();
    await using rig = await start(limiter(fixedWindow({ limit: 1, windowMs: 315_576_000_000 })));
    await rig.unary();
    expect((await rig.unary()).pushback).toBe("2147483647");
  });

  test("gRFC A6: a client of grpc-js with a retry policy waits as told, and is let in", async () => {
    const limiter = new RateLimiter(fixedWindow({ limit: 1, windowMs: 50 }));
    const policy = {
      maxAttempts: 5,
      initialBackoff: "1000s",
      maxBackoff: "1000s",
      backoffMultiplier: 1,
      retryableStatusCodes: ["RESOURCE_EXHAUSTED"],
    };
    const config = { methodConfig: [{ name: [{}], retryPolicy: policy }], loadBalancingConfig: [] };
    await using rig = await GrpcRig.start(
      limiter,
      {},
      { Unary: echo },
      {
        "grpc.service_config": JSON.stringify(config),
      },
    );
    for (let i = 0; i < 3; i++) expect((await rig.unary()).code).toBe(status.OK);
    expect(limiter.stats().decisions.denied).toBeGreaterThan(0);
  });

  test("no room for another key is UNAVAILABLE", async () => {
    const { limiter } = setup();
    const rule = fixedWindow({ limit: 1, windowMs: 60_000 });
    await using rig = await start(limiter(rule, { keysMax: 1 }), { key: userOf });
    await rig.unary({ "x-user": "ada" });
    const { code, pushback } = await rig.unary({ "x-user": "bob" });
    expect([code, pushback]).toEqual([status.UNAVAILABLE, "1000"]);
  });

  test("a key that is too long is INVALID_ARGUMENT, and counts for nobody", async () => {
    const { limiter } = setup();
    const limits = limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    await using rig = await start(limits, { key: userOf });
    expect((await rig.unary({ "x-user": "k".repeat(1_025) })).code).toBe(status.INVALID_ARGUMENT);
    expect(limits.stats().keys).toBe(0);
  });

  test("what a function of yours throws is INTERNAL without its words, or let through", async () => {
    const { limiter } = setup();
    let isOpen = false;
    const key = () => {
      throw new Error("password is hunter2");
    };
    await using rig = await start(limiter(fixedWindow({ limit: 1, windowMs: 60_000 })), {
      key,
      onError: () => isOpen,
    });
    const { code, details } = await rig.unary();
    expect([code, details]).toEqual([status.INTERNAL, "internal error"]);
    isOpen = true;
    expect((await rig.unary()).code).toBe(status.OK);
  });

  test("a limiter that answers later is waited for; one that rejects is INTERNAL", async () => {
    const { limiter } = setup();
    const limits = limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    await using rig = await start(distant(limits));
    expect([(await rig.unary()).code, (await rig.unary()).code]).toEqual([0, 8]);
    const take = () => Promise.reject(new Error("far"));
    await using broken = await start({ name: "broken", rules: limits.rules, take });
    expect((await broken.unary()).code).toBe(status.INTERNAL);
  });
});

describe("keys", () => {
  test("without an option the key is the peer's address", async () => {
    const { limiter } = setup();
    const limits = limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    await using rig = await start(limits);
    await rig.unary();
    expect(limits.peek("127.0.0.1").allowed).toBe(false);
  });

  test("by metadata and method; what is skipped is not charged", async () => {
    const { limiter } = setup();
    await using rig = await start(limiter(fixedWindow({ limit: 1, windowMs: 60_000 })), {
      key: (request) => `${request.path} ${userOf(request)}`,
      skip: ({ metadata }) => metadata.get("x-probe").length > 0,
    });
    const codes = [];
    for (const user of ["ada", "bob", "ada"])
      codes.push((await rig.unary({ "x-user": user })).code);
    expect(codes).toEqual([0, 0, 8]);
    expect((await rig.unary({ "x-user": "ada", "x-probe": "1" })).code).toBe(0);
  });
});

describe("turns", () => {
  const queue = leakyBucketQueue({ limit: 1, windowMs: 1_000, queue: 3 });

  test("a call in a queue waits for its turn", async () => {
    const { clock, limiter } = setup();
    let handled = 0;
    await using rig = await start(limiter(queue), { clock }, (call, callback) => {
      handled++;
      echo(call, callback);
    });
    await rig.unary();
    const second = rig.unary();
    await until(() => clock.pendingTimers === 1);
    await clock.advanceAsync(999);
    expect(handled).toBe(1);
    await clock.advanceAsync(1);
    expect([(await second).code, handled]).toEqual([status.OK, 2]);
  });

  test("a call that is cancelled while it waits is never handled, and leaves no timer", async () => {
    const { clock, limiter } = setup();
    let handled = 0;
    await using rig = await start(limiter(queue), { clock }, (call, callback) => {
      handled++;
      echo(call, callback);
    });
    await rig.unary();
    const waiting = rig.begin();
    await until(() => clock.pendingTimers === 1);
    waiting.cancel();
    await until(() => clock.pendingTimers === 0);
    await clock.advanceAsync(5_000);
    expect(handled).toBe(1);
  });
});

test("a call that is cancelled while it waits frees its place", async () => {
  const clock = new ManualClock();
  const rules = [
    leakyBucketQueue({ limit: 1, windowMs: 1_000 }),
    concurrencyLimit({ limit: 2, leaseMs: 3_600_000 }),
  ];
  const limiter = new RateLimiter(rules, { clock });
  await using rig = await start(limiter, { clock, key: () => "ada" });
  await rig.unary();
  const waiting = rig.begin();
  await until(() => clock.pendingTimers === 1);
  waiting.cancel();
  await until(() => clock.pendingTimers === 0);
  clock.advance(60_000);
  await until(() => limiter.peek("ada").remaining === 2);
});

describe("ends", () => {
  const place = concurrencyLimit({ limit: 1, leaseMs: 3_600_000 });

  test("a place is free again when the status is sent, whatever it is", async () => {
    const { limiter } = setup();
    await using rig = await start(limiter(place), {}, (_call, callback) =>
      callback({ code: status.NOT_FOUND, details: "no" }),
    );
    for (let i = 0; i < 3; i++) expect((await rig.unary()).code).toBe(status.NOT_FOUND);
  });

  test("a unary call that was cancelled keeps its place until its handler calls back", async () => {
    const { limiter } = setup();
    const limits = limiter(place);
    let callBack: () => void = () => {};
    const { opened: running, open: run } = gate();
    await using rig = await start(limits, {}, (call, callback) => {
      callBack = () => callback(null, call.request);
      call.on("cancelled", run);
      call.request.toString();
      started();
    });
    const { opened: starting, open: started } = gate();
    const call = rig.begin();
    await starting;
    call.cancel();
    await running;
    await turns();
    expect(limits.peek("127.0.0.1").allowed).toBe(false);
    callBack();
    await until(() => limits.peek("127.0.0.1").allowed);
  });

  test("a streaming call is over when it is cancelled", async () => {
    const { limiter } = setup();
    const limits = limiter(place);
    const Serve = (call: Streaming) => void call.write(Buffer.from("first"));
    await using rig = await GrpcRig.start(limits, {}, { Serve });
    const stream = rig.stream();
    stream.on("error", () => {});
    await new Promise((resolve) => stream.once("data", resolve));
    expect(limits.peek("127.0.0.1").allowed).toBe(false);
    stream.cancel();
    await until(() => limits.peek("127.0.0.1").allowed);
  });

  test("a call that is cancelled before a distant limiter answers is not handled", async () => {
    const { limiter } = setup();
    const limits = limiter(place);
    const { opened: asked, open: ask } = gate();
    const { opened: answered, open: answer } = gate();
    let handled = 0;
    const slow: Limiter = {
      ...distant(limits),
      take: async (key, cost) => {
        ask();
        await answered;
        return limits.take(key, cost);
      },
    };
    await using rig = await start(slow, {}, (call, callback) => {
      handled++;
      echo(call, callback);
    });
    const call = rig.begin();
    await asked;
    call.cancel();
    await turns();
    answer();
    await until(() => limits.stats().decisions.allowed === 1);
    await until(() => limits.peek("127.0.0.1").allowed);
    expect(handled).toBe(0);
  });

  test("refundIf: only calls that were refused an answer count", async () => {
    const { limiter } = setup();
    const limits = limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    const refundIf = (code: number) => code === status.OK;
    await using rig = await start(limits, { refundIf }, (call, callback) => {
      if (call.metadata.get("x-fail").length === 0) return callback(null, call.request);
      callback({ code: status.UNAUTHENTICATED, details: "no" });
    });
    const codes = [];
    for (const fail of [{}, {}, { "x-fail": "1" }, {}]) {
      codes.push((await rig.unary(fail as Record<string, string>)).code);
    }
    expect(codes).toEqual([0, 0, status.UNAUTHENTICATED, status.RESOURCE_EXHAUSTED]);
  });
});
