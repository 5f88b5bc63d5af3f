// The gRPC client edge with streams: what may be repeated, and what must not.
import { bulkhead, hedge, type Policy, pipeline, ResilienceError } from "@compendium/resilience";
import { type ClientReadableStream, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import {
  again,
  type Callback,
  client,
  ECHO,
  failing,
  GrpcRig,
  type Streaming,
} from "./grpc-rig.ts";
import { gate, until } from "./servers.ts";

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
    const { opened: cancelled, open: cancel } = gate();
    // Each goes on until the other has been cancelled: the loser must be told at once.
    const Serve = (call: Streaming) => {
      const name = String(++calls);
      call.on("cancelled", () => cancel());
      for (let i = 0; i < 3; i++) call.write(Buffer.from(name));
      cancelled.then(() => call.end());
    };
    await using rig = await GrpcRig.start({ Serve }, client(pipeline(racing)));
    const { values, code } = await receive(serve(rig));
    expect([new Set(values).size, values.length, code]).toEqual([1, 3, 0]);
  });

  test("a hedge delivers the messages of one attempt, and cancels the other", async () => {
    let calls = 0;
    let cancelled = 0;
    const Serve = (call: Streaming) => {
      call.on("cancelled", () => cancelled++);
      if (++calls === 1) return;
      for (const value of ["a", "b"]) call.write(Buffer.from(value));
      call.end();
    };
    await using rig = await GrpcRig.start({ Serve }, client(pipeline(hedge({ delayMs: 20 }))));
    expect(await receive(serve(rig))).toEqual({ values: ["a", "b"], code: 0 });
    await until(() => cancelled >= 1);
  });

  test("a request stream is sent once, and its failure is the caller's", async () => {
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

  test("a request stream is not hedged", async () => {
    const hedging = hedge({ delayMs: 10 });
    const Gather = (call: NodeJS.ReadableStream, callback: Callback) => {
      call.on("data", () => {}).on("end", () => callback(null, Buffer.from("all")));
    };
    await using rig = await GrpcRig.start({ Gather }, client(pipeline(hedging)));
    const { path, requestSerialize: bytes } = ECHO.Gather;
    const value = await new Promise((resolve) => {
      rig.client
        .makeClientStreamRequest<Buffer, Buffer>(path, bytes, bytes, (_, value) => resolve(value))
        .end(Buffer.from("x"));
    });
    expect([String(value), hedging.stats().notIdempotent]).toEqual(["all", 1]);
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

  test("a refused request stream ends with its status, and no writer hangs", async () => {
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
