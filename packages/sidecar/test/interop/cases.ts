// The clients of gRPC's interoperability tests, each by its name in the description, and a few
// besides: how a deadline travels, and a call that its caller gives up.
// https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md#client
import assert from "node:assert/strict";
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { turn } from "../upstream/turns.ts";
import type { OutputRequest, OutputResponse, Payload } from "./messages.ts";
import { DEADLINE_LEFT, INITIAL, methods, missing, TRAILING } from "./service.ts";

/** Who calls, and what its server has seen: calls of streams that began, and ended. */
export interface Caller {
  readonly client: Client;
  readonly begun: () => number;
  readonly ended: () => number;
}

const zeros = (size: number): { payload: Payload } => ({ payload: { body: Buffer.alloc(size) } });
const large = { responseSize: 314_159, ...zeros(271_828) };

interface UnaryResult<A> {
  readonly answer: A | undefined;
  readonly initial: Metadata;
  readonly ended: StatusObject;
}

interface CallOptions {
  readonly metadata?: Metadata;
  readonly deadlineMs?: number;
}

export function callUnary<Q, A>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<Q, A>,
  request: Q,
  { metadata = new Metadata(), deadlineMs }: CallOptions = {},
): Promise<UnaryResult<A>> {
  const deadline = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
  return new Promise((resolve) => {
    let answer: A | undefined;
    let initial = new Metadata();
    const onAnswer = (_error: ServiceError | null, value?: A): void => {
      answer = value;
    };
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      deadline,
      onAnswer,
    );
    call.on("metadata", (fields) => {
      initial = fields;
    });
    // The callback comes in the same turn, before or after.
    call.on("status", (ended) => setImmediate(() => resolve({ answer, initial, ended })));
  });
}

function openDuplex(
  client: Client,
  { metadata = new Metadata(), deadlineMs }: CallOptions = {},
): ClientDuplexStream<OutputRequest, OutputResponse> {
  const { path, requestSerialize, responseDeserialize } = methods.duplexCall;
  const deadline = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
  const call = client.makeBidiStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    metadata,
    deadline,
  );
  call.on("error", () => {});
  return call;
}

/** Reads to the end: the sizes of what came, and the status. */
export function readAll(
  call: ClientReadableStream<OutputResponse> | ClientDuplexStream<OutputRequest, OutputResponse>,
  onMessage: (count: number) => void = () => {},
): Promise<{ sizes: number[]; initial: Metadata; ended: StatusObject }> {
  return new Promise((resolve) => {
    const sizes: number[] = [];
    let initial = new Metadata();
    call.on("error", () => {});
    call.on("metadata", (fields: Metadata) => {
      initial = fields;
    });
    call.on("data", ({ payload }: OutputResponse) => {
      sizes.push(payload?.body.length ?? 0);
      onMessage(sizes.length);
    });
    call.on("status", (ended: StatusObject) => resolve({ sizes, initial, ended }));
  });
}

const sizes = [31_415, 9, 2_653, 58_979];
const sent = [27_182, 8, 1_828, 45_904];

async function emptyUnary({ client }: Caller): Promise<void> {
  const { answer, ended } = await callUnary(client, methods.emptyCall, {});
  assert.deepEqual([answer, ended.code], [{}, status.OK]);
}

async function largeUnary({ client }: Caller): Promise<void> {
  const { answer, ended } = await callUnary(client, methods.unaryCall, large);
  assert.equal(ended.code, status.OK);
  assert.ok(answer?.payload?.body.equals(Buffer.alloc(314_159)));
}

async function concurrentLargeUnary(caller: Caller): Promise<void> {
  await Promise.all(Array.from({ length: 25 }, () => largeUnary(caller)));
}

async function clientStreaming({ client }: Caller): Promise<void> {
  const { path, requestSerialize, responseDeserialize } = methods.inputCall;
  const answer = await new Promise((resolve, reject) => {
    const call = client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      (error, value) => (error ? reject(error) : resolve(value)),
    );
    for (const size of sent) call.write(zeros(size));
    call.end();
  });
  assert.deepEqual(answer, { aggregatedPayloadSize: 74_922 });
}

async function serverStreaming({ client }: Caller): Promise<void> {
  const { path, requestSerialize, responseDeserialize } = methods.outputCall;
  const request = { responseParameters: sizes.map((size) => ({ size })) };
  const got = await readAll(
    client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request),
  );
  assert.deepEqual([got.sizes, got.ended.code], [sizes, status.OK]);
}

async function pingPong({ client }: Caller): Promise<void> {
  const call = openDuplex(client);
  const say = (at: number): void => {
    const [size, body] = [sizes[at], sent[at]];
    if (size === undefined || body === undefined) call.end();
    else call.write({ responseParameters: [{ size }], ...zeros(body) });
  };
  const reading = readAll(call, say);
  say(0);
  const got = await reading;
  assert.deepEqual([got.sizes, got.ended.code], [sizes, status.OK]);
}

async function emptyStream({ client }: Caller): Promise<void> {
  const call = openDuplex(client);
  call.end();
  const got = await readAll(call);
  assert.deepEqual([got.sizes, got.ended.code], [[], status.OK]);
}

async function customMetadata({ client }: Caller): Promise<void> {
  const metadata = new Metadata();
  metadata.set(INITIAL, "test_initial_metadata_value");
  metadata.set(TRAILING, Buffer.of(0xab, 0xab, 0xab));
  const check = (initial: Metadata, trailing: Metadata): void => {
    assert.deepEqual(initial.get(INITIAL), ["test_initial_metadata_value"]);
    assert.deepEqual(trailing.get(TRAILING), [Buffer.of(0xab, 0xab, 0xab)]);
  };
  const one = await callUnary(client, methods.unaryCall, large, { metadata });
  assert.equal(one.ended.code, status.OK);
  check(one.initial, one.ended.metadata);
  const call = openDuplex(client, { metadata });
  call.write({ responseParameters: [{ size: 314_159 }], ...zeros(271_828) });
  call.end();
  const many = await readAll(call);
  assert.deepEqual([many.sizes, many.ended.code], [[314_159], status.OK]);
  check(many.initial, many.ended.metadata);
}

async function expectStatus({ client }: Caller, code: number, message: string): Promise<void> {
  const responseStatus = { code, message };
  const { ended } = await callUnary(client, methods.unaryCall, { responseStatus });
  assert.deepEqual([ended.code, ended.details], [code, message]);
  const call = openDuplex(client);
  call.write({ responseStatus });
  call.end();
  const many = await readAll(call);
  assert.deepEqual([many.ended.code, many.ended.details], [code, message]);
}

async function unimplemented({ client }: Caller, kind: keyof typeof missing): Promise<void> {
  const { ended } = await callUnary(client, missing[kind], {});
  assert.equal(ended.code, status.UNIMPLEMENTED);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

// Not at once: grpc-js then sends the beginning of a call, and never its end.
async function cancelAfterBegin({ client, begun, ended }: Caller): Promise<void> {
  const before = { begun: begun(), ended: ended() };
  const { path, requestSerialize, responseDeserialize } = methods.inputCall;
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const call = client.makeClientStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    (error) => resolve(error?.code),
  );
  await until(() => begun() > before.begun);
  call.cancel();
  assert.equal(await promise, status.CANCELLED);
  await until(() => ended() > before.ended);
}

async function cancelAfterFirstResponse({ client, ended: over }: Caller): Promise<void> {
  const before = over();
  const call = openDuplex(client);
  const reading = readAll(call, () => call.cancel());
  call.write({ responseParameters: [{ size: 31_415 }], ...zeros(27_182) });
  const { ended } = await reading;
  assert.equal(ended.code, status.CANCELLED);
  await until(() => over() > before);
}

async function timeoutOnSleepingServer({ client, ended: over }: Caller): Promise<void> {
  for (const deadlineMs of [1, 60]) {
    const before = over();
    const call = openDuplex(client, { deadlineMs });
    call.write(zeros(27_182));
    const { ended } = await readAll(call);
    assert.equal(ended.code, status.DEADLINE_EXCEEDED);
    // One millisecond may not get as far as the server.
    if (deadlineMs > 1) await until(() => over() > before);
  }
}

async function deadlinePropagated({ client }: Caller): Promise<void> {
  const within = (initial: Metadata): void => {
    const leftMs = Number(initial.get(DEADLINE_LEFT)[0]);
    assert.ok(leftMs > 0 && leftMs <= 60_000, `${leftMs} ms were left`);
  };
  const { initial } = await callUnary(client, methods.unaryCall, {}, { deadlineMs: 60_000 });
  within(initial);
  const call = openDuplex(client, { deadlineMs: 60_000 });
  call.end();
  within((await readAll(call)).initial);
  const none = await callUnary(client, methods.unaryCall, {});
  assert.deepEqual(none.initial.get(DEADLINE_LEFT), ["Infinity"]);
}

const special = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";

/** By name; what must hold is asserted. */
export const cases: readonly (readonly [string, (caller: Caller) => Promise<void>])[] = [
  ["empty_unary", emptyUnary],
  ["large_unary", largeUnary],
  ["concurrent_large_unary, 25 of them", concurrentLargeUnary],
  ["client_streaming", clientStreaming],
  ["server_streaming", serverStreaming],
  ["ping_pong", pingPong],
  ["empty_stream", emptyStream],
  ["custom_metadata", customMetadata],
  ["status_code_and_message", (caller) => expectStatus(caller, 2, "test status message")],
  ["special_status_message", (caller) => expectStatus(caller, 2, special)],
  ["unimplemented_method", (caller) => unimplemented(caller, "method")],
  ["unimplemented_service", (caller) => unimplemented(caller, "service")],
  ["cancel_after_begin", cancelAfterBegin],
  ["cancel_after_first_response", cancelAfterFirstResponse],
  ["timeout_on_sleeping_server", timeoutOnSleepingServer],
  ["a deadline reaches the server, with what is left of it", deadlinePropagated],
];
