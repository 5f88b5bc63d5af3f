import {
  Client,
  credentials,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { type RunningProxy, startProxy } from "./harness.ts";

const bytes = (value: Buffer): Buffer => value;

const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});

const echo = {
  unary: method("Unary", false, false),
  fail: method("Fail", false, false),
  never: method("Never", false, false),
  down: method("Down", false, true),
  both: method("Both", true, true),
} satisfies ServiceDefinition;

interface Running extends AsyncDisposable {
  readonly proxy: RunningProxy;
  readonly client: Client;
  readonly cancelled: () => number;
}

async function start(): Promise<Running> {
  const server = new Server();
  let cancelled = 0;
  const unary: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    const trailer = new Metadata();
    trailer.set("x-after", String(call.metadata.get("x-mine")[0]));
    callback(null, call.request, trailer);
  };
  const fail: handleUnaryCall<Buffer, Buffer> = (_call, callback) =>
    callback({ code: status.NOT_FOUND, details: "no such thing" });
  const never: handleUnaryCall<Buffer, Buffer> = (call) => {
    call.on("cancelled", () => cancelled++);
  };
  const down: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    for (let i = 0; i < 50; i++) call.write(Buffer.from(`${call.request} ${i}`));
    call.end();
  };
  const both: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on("data", (chunk: Buffer) => call.write(chunk));
    call.on("end", () => call.end());
  };
  server.addService(echo, { unary, fail, never, down, both });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const proxy = await startProxy({ upstreamPorts: [port], cluster: { protocol: "http2" } });
  const client = new Client(`127.0.0.1:${proxy.port}`, credentials.createInsecure());
  return {
    proxy,
    client,
    cancelled: () => cancelled,
    [Symbol.asyncDispose]: async () => {
      client.close();
      server.forceShutdown();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

type Unary = { error: ServiceError | null; value: Buffer | undefined; trailer: Metadata };

function callUnary(
  client: Client,
  { path }: { path: string },
  message: string | Buffer,
  { metadata = new Metadata(), deadlineMs = 30_000 } = {},
): Promise<Unary> {
  return new Promise((resolve) => {
    let trailer = new Metadata();
    const options = { deadline: Date.now() + deadlineMs };
    const call = client.makeUnaryRequest<Buffer, Buffer>(
      path,
      bytes,
      bytes,
      Buffer.from(message),
      metadata,
      options,
      (error, value) => setImmediate(() => resolve({ error, value, trailer })),
    );
    call.on("status", ({ metadata: fields }) => {
      trailer = fields;
    });
  });
}

test("a unary call, its metadata and its trailers", async () => {
  await using running = await start();
  const metadata = new Metadata();
  metadata.set("x-mine", "yes");
  const { error, value, trailer } = await callUnary(running.client, echo.unary, "hi", { metadata });
  expect(error).toBeNull();
  expect(String(value)).toBe("hi");
  expect(trailer.get("x-after")).toEqual(["yes"]);
});

test("an empty message and one of 3 MB", async () => {
  await using running = await start();
  expect((await callUnary(running.client, echo.unary, "")).value).toHaveLength(0);
  const large = Buffer.alloc(3_000_000, "x");
  expect((await callUnary(running.client, echo.unary, large)).value?.equals(large)).toBe(true);
});

test("an error is a status without a message (Trailers-Only)", async () => {
  await using running = await start();
  const { error } = await callUnary(running.client, echo.fail, "hi");
  expect(error?.code).toBe(status.NOT_FOUND);
  expect(error?.details).toBe("no such thing");
});

test("a stream from the server, and one in both directions", async () => {
  await using running = await start();
  const { client } = running;
  const { path } = echo.down;
  const down = client.makeServerStreamRequest<Buffer, Buffer>(path, bytes, bytes, Buffer.from("n"));
  const got: string[] = [];
  for await (const chunk of down) got.push(String(chunk));
  expect(got).toEqual(Array.from({ length: 50 }, (_, i) => `n ${i}`));

  const both = client.makeBidiStreamRequest<Buffer, Buffer>(echo.both.path, bytes, bytes);
  const answers = both[Symbol.asyncIterator]();
  for (let i = 0; i < 5; i++) {
    both.write(Buffer.from(`ping ${i}`));
    expect(String((await answers.next()).value)).toBe(`ping ${i}`);
  }
  both.end();
  expect((await answers.next()).done).toBe(true);
});

test("a call that its client gives up is cancelled upstream", async () => {
  await using running = await start();
  const { error } = await callUnary(running.client, echo.never, "hi", { deadlineMs: 50 });
  expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
  const cancelled = () => running.proxy.plane.managerOf("in", "http")?.numbers.cancelled;
  // The deadline travels with the call, so that upstream may give up before it is told to.
  while (running.cancelled() === 0 || cancelled() === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect([running.cancelled(), cancelled()]).toEqual([1, 1]);
});

test("an upstream that is not there is UNAVAILABLE", async () => {
  await using proxy = await startProxy({ upstreamPorts: [1], cluster: { protocol: "http2" } });
  const client = new Client(`127.0.0.1:${proxy.port}`, credentials.createInsecure());
  const { error } = await callUnary(client, echo.unary, "hi");
  client.close();
  expect(error?.code).toBe(status.UNAVAILABLE);
});
