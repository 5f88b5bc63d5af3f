// Clients of HTTP/2 that leave while the proxy still writes to them. node:http2 works the gate's
// stream as if it were a socket, and takes a write behind an end for a mistake of its own: that
// would be the end of the process, so none may ever come about.
import { once } from "node:events";
import { expect, test } from "vitest";
import type { ServerConnection, ServerStream } from "../../src/codec/codec.ts";
import { Fields } from "../../src/codec/fields.ts";
import { frame, get, preface, words } from "../ambiguity/http2-frames.ts";
import { dial, nothing, startCodecServer } from "./codec-pair.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

// Windows as large as there are: the socket alone holds the proxy back.
const greeting = Buffer.concat([
  preface,
  frame("settings", 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff])),
  frame("windowUpdate", 0, 0, words(0x7fff0000)),
]);

const ok = () => ({ status: 200, fields: new Fields() });

/** Writes as long as somebody takes it. */
function pour(stream: ServerStream): void {
  while (stream.sendData(Buffer.alloc(65_536), false));
}

test("a client that closes its side in the middle of a response is gone, and so are its streams", async () => {
  const resets: string[] = [];
  await using server = await startCodecServer("h2", (stream) => ({
    ...nothing,
    onHead: () => {
      stream.sendHead(ok(), false);
      pour(stream);
    },
    onWritable: () => pour(stream),
    onReset: (reason) => void resets.push(reason),
  }));
  const socket = await dial(server.port);
  socket.on("error", () => {});
  socket.pause();
  socket.write(Buffer.concat([greeting, ...[1, 3, 5, 7].map(get)]));
  await until(() => server.connections[0]?.streams === 4);
  for (let i = 0; i < 50; i++) await turn();
  socket.end();
  for (let i = 0; i < 10; i++) await turn();
  socket.resume();
  await server.connections[0]!.closed;
  expect(resets).toEqual(Array(4).fill("cancelled"));
  expect(server.connections[0]!.streams).toBe(0);
});

const acts: readonly [string, (connection: ServerConnection, held: ServerStream) => void][] = [
  ["the connection is destroyed", (connection) => connection.destroy()],
  ["the connection is drained", (connection) => connection.drain()],
  ["a stream is reset", (_, held) => held.reset("local")],
  ["a stream is answered", (_, held) => held.sendHead(ok(), true)],
];

test.each(acts)("%s, at any moment after the client has closed its side", async (_, act) => {
  for (let ticks = 0; ticks < 20; ticks++) {
    const streams: ServerStream[] = [];
    await using server = await startCodecServer("h2", (stream) => {
      streams.push(stream);
      return nothing;
    });
    const socket = await dial(server.port);
    const answered = once(socket, "data");
    socket.write(Buffer.concat([greeting, get(1)]));
    await until(() => streams.length === 1);
    await answered;
    const ended = once(server.sockets[0]!, "end");
    socket.end();
    await ended;
    for (let i = 0; i < ticks; i++) await new Promise((resolve) => process.nextTick(resolve));
    act(server.connections[0]!, streams[0]!);
    await server.connections[0]!.closed;
    expect(server.connections[0]!.streams).toBe(0);
    for (let i = 0; i < 5; i++) await turn();
    expect(server.clock.pendingTimers).toBe(0);
  }
});

test("a client whose socket breaks leaves no timer behind", async () => {
  const resets: string[] = [];
  const begun: ServerStream[] = [];
  await using server = await startCodecServer("h2", (stream) => {
    begun.push(stream);
    return { ...nothing, onReset: (reason) => void resets.push(reason) };
  });
  const socket = await dial(server.port);
  socket.write(Buffer.concat([greeting, get(1)]));
  await until(() => begun.length === 1);
  socket.resetAndDestroy();
  await until(() => resets.length === 1);
  await turn();
  expect(resets).toEqual(["cancelled"]);
  expect(server.clock.pendingTimers).toBe(0);
});

const codes = [
  ["NO_ERROR", 0],
  ["CANCEL", 8],
] as const;

test.each(codes)(
  "a stream that its client resets with %s in the middle of a response is over",
  async (_, code) => {
    const resets: string[] = [];
    await using server = await startCodecServer("h2", (stream) => ({
      ...nothing,
      onHead: () => {
        stream.sendHead(ok(), false);
        stream.sendData(Buffer.from("a beginning"), false);
      },
      onReset: (reason) => void resets.push(reason),
    }));
    const socket = await dial(server.port);
    const answered = once(socket, "data");
    socket.write(Buffer.concat([greeting, get(1)]));
    await answered;
    socket.write(frame("rstStream", 0, 1, words(code)));
    await until(() => resets.length === 1);
    expect(resets).toEqual(["cancelled"]);
    await until(() => server.connections[0]!.streams === 0);
    socket.destroy();
  },
);

test.each(codes)(
  "a stream that its client resets with %s while the end of the response waits is over",
  async (_, code) => {
    await using server = await startCodecServer("h2", (stream) => ({
      ...nothing,
      onHead: () => {
        stream.sendHead(ok(), false);
        stream.sendData(Buffer.alloc(100_000), true);
      },
    }));
    const socket = await dial(server.port);
    const answered = once(socket, "data");
    socket.write(Buffer.concat([preface, frame("settings", 0, 0), get(1)]));
    await answered;
    await until(() => server.connections[0]!.streams === 1);
    for (let i = 0; i < 10; i++) await turn();
    socket.write(frame("rstStream", 0, 1, words(code)));
    await until(() => server.connections[0]!.streams === 0);
    socket.destroy();
  },
);
