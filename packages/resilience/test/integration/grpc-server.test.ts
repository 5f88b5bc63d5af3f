// The gRPC server edge, on a real grpc-js server and client.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import {
  bulkhead,
  circuitBreaker,
  type Pipeline,
  type Policy,
  pipeline,
  ResilienceError,
  retry,
} from "@compendium/resilience";
import {
  callOf,
  clientInterceptor,
  grpcStatusOf,
  serverInterceptor,
} from "@compendium/resilience/grpc";
import { type ServiceError, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import {
  type Callback,
  ECHO,
  failing,
  GrpcRig,
  none,
  type Streaming,
  type Unary,
} from "./grpc-rig.ts";
import { gate, until } from "./servers.ts";

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

  test("failure statuses open a breaker, which is UNAVAILABLE; others do not", async () => {
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

  test("a client that cancels aborts the call; the place is free after a callback", async () => {
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
    // Only the server is told: a client that counts as well gives up first, by the time that the
    // call was under way, and has gone as far as the server can see.
    const told = none();
    told.set("grpc-timeout", "30m");
    expect(await rig.unary("x", told)).toMatchObject({ code: status.DEADLINE_EXCEEDED });
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
