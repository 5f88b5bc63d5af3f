// The interoperability tests of compressed messages, by their names in the description. A client
// of grpc-js with an algorithm compresses each message, but for those that say otherwise.
import assert from "node:assert/strict";
import { type Client, type ClientWritableStream, status } from "@grpc/grpc-js";
import { callUnary, readAll } from "./cases.ts";
import type { InputRequest } from "./messages.ts";
import { methods } from "./service.ts";

export interface CompressedCaller {
  /** Compresses with gzip. */
  readonly gzip: Client;
  /** Does not compress. */
  readonly plain: Client;
}

const zeros = (size: number) => ({ payload: { body: Buffer.alloc(size) } });
const large = { responseSize: 314_159, ...zeros(271_828) };

async function clientCompressedUnary({ gzip, plain }: CompressedCaller): Promise<void> {
  const ask = (client: Client, value: boolean) =>
    callUnary(client, methods.unaryCall, { ...large, expectCompressed: { value } });
  assert.equal((await ask(plain, true)).ended.code, status.INVALID_ARGUMENT);
  for (const [client, value] of [
    [gzip, true],
    [plain, false],
  ] as const) {
    const { answer, ended } = await ask(client, value);
    assert.deepEqual([ended.code, answer?.payload?.body.length], [status.OK, 314_159]);
  }
}

async function serverCompressedUnary({ plain }: CompressedCaller): Promise<void> {
  for (const value of [true, false]) {
    const request = { ...large, responseCompressed: { value } };
    const { answer, ended } = await callUnary(plain, methods.unaryCall, request);
    assert.equal(ended.code, status.OK);
    assert.ok(answer?.payload?.body.equals(Buffer.alloc(314_159)));
  }
}

// grpc-js's WriteFlags.NoCompress, which it takes in the place of an encoding.
const NO_COMPRESS = "2" as BufferEncoding;

interface Collected {
  readonly code: number | undefined;
  readonly size: number | undefined;
}

function collectStream(
  client: Client,
  write: (call: ClientWritableStream<InputRequest>) => void,
): Promise<Collected> {
  const { path, requestSerialize, responseDeserialize } = methods.inputCall;
  return new Promise((resolve) => {
    const call = client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      (error, answer) => resolve({ code: error?.code, size: answer?.aggregatedPayloadSize }),
    );
    write(call);
    call.end();
  });
}

async function clientCompressedStreaming({ gzip }: CompressedCaller): Promise<void> {
  const compressed = { ...zeros(27_182), expectCompressed: { value: true } };
  const plain = { ...zeros(45_904), expectCompressed: { value: false } };
  const probe = await collectStream(gzip, (call) => call.write(compressed, NO_COMPRESS));
  assert.equal(probe.code, status.INVALID_ARGUMENT);
  const both = await collectStream(gzip, (call) => {
    call.write(compressed);
    call.write(plain, NO_COMPRESS);
  });
  assert.deepEqual(both, { code: undefined, size: 73_086 });
}

async function serverCompressedStreaming({ plain }: CompressedCaller): Promise<void> {
  const { path, requestSerialize, responseDeserialize } = methods.outputCall;
  const responseParameters = [
    { compressed: { value: true }, size: 31_415 },
    { compressed: { value: false }, size: 92_653 },
  ];
  const call = plain.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
    responseParameters,
  });
  const { sizes, ended } = await readAll(call);
  assert.deepEqual([sizes, ended.code], [[31_415, 92_653], status.OK]);
}

type Check = (caller: CompressedCaller) => Promise<void>;

/** By name; what must hold is asserted. */
export const compressedCases: readonly (readonly [string, Check])[] = [
  ["client_compressed_unary", clientCompressedUnary],
  ["server_compressed_unary", serverCompressedUnary],
  ["client_compressed_streaming", clientCompressedStreaming],
  ["server_compressed_streaming", serverCompressedStreaming],
];
