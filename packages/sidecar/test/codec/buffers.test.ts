// `bufferBytesMax`: what may wait in one direction, for a reader who takes nothing, and when the
// sender is told to go on.
import { connect as connectHttp2, createServer as createHttp2 } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import {
  type ClientStream,
  defaultCodecLimits,
  type Protocol,
  type RequestHead,
  type ResponseReceiver,
  type ServerStream,
} from "../../src/codec/codec.ts";
import { Fields } from "../../src/codec/fields.ts";
import { NodeCodec } from "../../src/codec/node/node-codec.ts";
import { listenOn } from "../proxy/harness.ts";
import { dial, nothing, peer, startCodecServer } from "./codec-pair.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

const chunk = Buffer.alloc(1_000);

/** Sends in one turn until there is no room; how much it was. */
function fill(stream: Pick<ServerStream, "sendData">): number {
  let bytes = 0;
  let hasRoom = true;
  while (hasRoom) {
    hasRoom = stream.sendData(chunk, false);
    bytes += chunk.length;
  }
  return bytes;
}

const protocols: readonly Protocol[] = ["http/1.1", "h2"];

test.each(protocols)(
  "towards a client, %s: so much in a turn, and more when it has left",
  async (protocol) => {
    let stream: ServerStream | undefined;
    let rooms = 0;
    await using server = await startCodecServer(
      protocol,
      (made) => {
        stream = made;
        return { ...nothing, onWritable: () => void rooms++ };
      },
      { bufferBytesMax: 100_000 },
    );
    const client = request(protocol, server.port);
    await until(() => stream !== undefined);
    stream!.sendHead({ status: 200, fields: new Fields() }, false);
    expect(fill(stream!)).toBe(100_000);
    expect(stream!.sendData(chunk, false)).toBe(false);
    client.read();
    await until(() => rooms === 1);
    // Half of it has left by then, and no more is known.
    expect(fill(stream!)).toBeGreaterThanOrEqual(50_000);
    client.end();
  },
);

test("HTTP/2: a stream's share is the window at most, however large the limit is", async () => {
  let stream: ServerStream | undefined;
  const onStream = (made: ServerStream) => {
    stream = made;
    return nothing;
  };
  await using server = await startCodecServer("h2", onStream, { bufferBytesMax: 2 ** 30 });
  const client = request("h2", server.port);
  await until(() => stream !== undefined);
  stream!.sendHead({ status: 200, fields: new Fields() }, false);
  expect(fill(stream!)).toBe(263_000);
  client.end();
});

test.each(protocols)(
  "towards upstream, %s: so much in a turn, and more when it has left",
  async (protocol) => {
    const sockets: Socket[] = [];
    const isH1 = protocol === "http/1.1";
    const server = isH1 ? createServer({ pauseOnConnect: true }) : createHttp2();
    server.on("connection", (socket: Socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
    });
    const resumes: (() => void)[] = [];
    if (isH1) server.on("connection", (socket: Socket) => resumes.push(() => socket.resume()));
    else {
      server.on("stream", (stream) => {
        stream.on("error", () => {});
        resumes.push(() => stream.resume());
      });
    }
    const port = await listenOn(server);
    const limits = { ...defaultCodecLimits, bufferBytesMax: 100_000 };
    const side = new NodeCodec().client(limits);
    let rooms = 0;
    const connection = side.open(await dial(port), peer, protocol, () => {});
    const receiver: ResponseReceiver = {
      ...nothing,
      onHead() {},
      onInformational() {},
      onWritable: () => void rooms++,
    };
    const stream: ClientStream = connection.start(receiver);
    stream.sendHead(post, false);
    expect(fill(stream)).toBe(100_000);
    await until(() => resumes.length === 1);
    for (const resume of resumes) resume();
    await until(() => rooms >= 1);
    expect(fill(stream)).toBeGreaterThanOrEqual(50_000);
    connection.destroy();
    server.close();
    for (const socket of sockets) socket.destroy();
  },
);

const post: RequestHead = {
  method: "POST",
  scheme: "http",
  authority: "a.example",
  path: "/",
  fields: new Fields(),
  protocol: "http/1.1",
  upgrade: undefined,
};

function request(protocol: Protocol, port: number): { read(): void; end(): void } {
  if (protocol === "h2") {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    session.on("error", () => {});
    const stream = session.request({ ":path": "/" });
    stream.on("error", () => {});
    return { read: () => void stream.resume(), end: () => session.destroy() };
  }
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  return { read: () => void socket.resume(), end: () => void socket.destroy() };
}
