// How connections come to an end without harm: drained, or after so many requests.
import { connect } from "node:net";
import { expect, test } from "vitest";
import type { ServerStream } from "../../src/codec/codec.ts";
import { Fields } from "../../src/codec/fields.ts";
import { NodeCodec } from "../../src/codec/node/node-codec.ts";
import { frame, framesOf, get, preface, type SeenFrame } from "../ambiguity/http2-frames.ts";
import { type CodecServer, nothing, startCodecServer } from "./codec-pair.ts";
import { drainTraps } from "./drain-traps.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

interface Raw extends Disposable {
  bytes: Buffer;
  hasEnded: boolean;
  write(bytes: Buffer | string): void;
}

function raw(port: number): Raw {
  const socket = connect({ port, host: "127.0.0.1" });
  const state: Raw = {
    bytes: Buffer.alloc(0),
    hasEnded: false,
    write: (bytes) => void socket.write(bytes),
    [Symbol.dispose]: () => void socket.destroy(),
  };
  socket.on("error", () => {});
  socket.on("end", () => {
    state.hasEnded = true;
  });
  socket.on("data", (chunk) => {
    state.bytes = Buffer.concat([state.bytes, chunk]);
  });
  return state;
}

const goaways = ({ bytes }: Raw): number[] =>
  framesOf(bytes)
    .filter(({ type }) => type === "goaway")
    .map(({ payload }) => payload.readUInt32BE(0));

const answered = ({ bytes }: Raw): number[] =>
  framesOf(bytes)
    .filter(({ type }: SeenFrame) => type === "headers")
    .map(({ stream }) => stream);

const lastStreamMax = 2 ** 31 - 1;

async function startAnswering(
  protocol: "http/1.1" | "h2",
  more: object,
): Promise<CodecServer & { readonly held: ServerStream[] }> {
  const held: ServerStream[] = [];
  const server = await startCodecServer(
    protocol,
    (stream) => ({
      ...nothing,
      onHead: (head) => {
        if (head.path === "/hold") held.push(stream);
        else stream.sendHead({ status: 204, fields: new Fields() }, true);
      },
    }),
    more,
  );
  return Object.assign(server, { held });
}

test("RFC 9113 §6.8: a drained connection says that it will end, serves what comes, and says where it ended", async () => {
  await using server = await startAnswering("h2", { drainTimeoutMs: 700 });
  using client = raw(server.port);
  client.write(Buffer.concat([preface, frame("settings", 0, 0), get(1)]));
  await until(() => answered(client).length === 1);
  server.connections[0]!.drain();
  server.connections[0]!.drain();
  await until(() => goaways(client).length === 1);
  expect(goaways(client)).toEqual([lastStreamMax]);
  // It had been sent before the GOAWAY was read, and another for good measure.
  client.write(get(3));
  await until(() => answered(client).length === 2);
  server.clock.advance(699);
  client.write(get(5));
  await until(() => answered(client).length === 3);
  expect(client.hasEnded).toBe(false);
  server.clock.advance(1);
  await until(() => client.hasEnded);
  expect(goaways(client)).toEqual([lastStreamMax, 5]);
});

test("a stream that is open when the pause is over still ends", async () => {
  await using server = await startCodecServer("h2", (stream) => ({
    ...nothing,
    onHead: () => void open.push(stream),
  }));
  const open: ServerStream[] = [];
  using client = raw(server.port);
  client.write(Buffer.concat([preface, frame("settings", 0, 0), get(1)]));
  await until(() => open.length === 1);
  server.connections[0]!.drain();
  server.clock.advance(5_000);
  await until(() => goaways(client).length === 2);
  expect(client.hasEnded).toBe(false);
  open[0]!.sendHead({ status: 200, fields: new Fields() }, false);
  open[0]!.sendData(Buffer.from("late"), true);
  await until(() => client.hasEnded);
  expect(answered(client)).toEqual([1]);
});

test("HTTP/2: the connection is drained with its last request, and what crosses the GOAWAY is served", async () => {
  await using server = await startAnswering("h2", { requestsPerConnectionMax: 2 });
  using client = raw(server.port);
  client.write(Buffer.concat([preface, frame("settings", 0, 0), get(1)]));
  await until(() => answered(client).length === 1);
  await turn();
  expect(goaways(client)).toEqual([]);
  client.write(get(3));
  await until(() => goaways(client).length === 1);
  client.write(get(5));
  await until(() => answered(client).length === 3);
  server.clock.advance(5_000);
  await until(() => client.hasEnded);
});

test("HTTP/1.1: the last response says `Connection: close`, and those before it do not", async () => {
  await using server = await startAnswering("http/1.1", { requestsPerConnectionMax: 3 });
  using client = raw(server.port);
  client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(4));
  await until(() => client.hasEnded);
  const responses = client.bytes.toString("latin1").split("\r\n\r\n").slice(0, -1);
  expect(responses.map((text) => /connection: close/i.test(text))).toEqual([false, false, true]);
});

test.each(Object.entries(drainTraps))("HTTP/1.1: %s", (_, trap) => trap(NodeCodec));
