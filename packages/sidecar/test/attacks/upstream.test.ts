// Attacks from behind: an upstream that answers so that the client, or the proxy, would come to
// harm. Whatever it says, the client gets one answer to each of its requests, or none.
import { createServer as createHttp2, type ServerHttp2Stream } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { listenOn, type ProxyOptions, startProxy } from "../proxy/harness.ts";
import { makeClient } from "../proxy/peers.ts";
import { turns, until } from "./scene.ts";

const open: AsyncDisposable[] = [];
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing[Symbol.asyncDispose]();
  for (const socket of sockets) socket.destroy();
});

/** An upstream that says this to whoever asks first on a connection, and a proxy before it. */
async function startBehind(
  onAsked: (socket: Socket, request: number) => void,
  more: Partial<ProxyOptions> = {},
) {
  let requests = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", () => onAsked(socket, ++requests));
  });
  const proxy = await startProxy({ upstreamPorts: [await listenOn(server)], ...more });
  open.push(proxy, { [Symbol.asyncDispose]: async () => void server.close() });
  return proxy;
}

/** Two requests on one connection; what came of them once `isDone`. */
async function ask(port: number, isDone: (got: string) => boolean): Promise<string> {
  const client = connect(port, "127.0.0.1");
  sockets.add(client);
  let got = "";
  let isClosed = false;
  client.on("error", () => {});
  client.on("close", () => {
    isClosed = true;
  });
  client.on("data", (chunk) => {
    got += chunk.toString("latin1");
  });
  client.write("GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n");
  await until(() => isClosed || isDone(got));
  return got;
}

const good = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";
const evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";

test.each([
  ["a 101 without Upgrade", `HTTP/1.1 101 X\r\n\r\n${evil}`],
  [
    "a 101 to another protocol",
    `HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: a\r\n\r\n${evil}`,
  ],
  ["a status of 000", "HTTP/1.1 000 X\r\ncontent-length: 2\r\n\r\nok"],
  ["a status of 099", "HTTP/1.1 099 X\r\ncontent-length: 2\r\n\r\nok"],
  ["a status of 600", "HTTP/1.1 600 X\r\ncontent-length: 2\r\n\r\nok"],
  ["a status of 999", "HTTP/1.1 999 X\r\ncontent-length: 2\r\n\r\nok"],
  ["HTTP/2.0 in a status line", "HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok"],
  [
    "both lengths",
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello"],
  ["chunks in 1.0", "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["a field folded", "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 2\r\n\r\nok"],
  ["a zero byte in a field", "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 2\r\n\r\nok"],
  [
    "a length that Connection names",
    "HTTP/1.1 200 OK\r\nconnection: content-length\r\ncontent-length: 2\r\n\r\nok",
  ],
])("%s is a 502, and the next request has its own answer", async (_what, answer) => {
  const proxy = await startBehind((socket, request) => {
    socket.write(request === 1 ? answer : good, "latin1");
  });
  const got = await ask(proxy.port, (text) => text.endsWith("good"));
  expect(got).toMatch(/^HTTP\/1\.1 502 [\s\S]*?HTTP\/1\.1 200 OK[\s\S]*good$/);
  expect(got).not.toContain("evil");
  expect(proxy.codec.stats().badResponses).toBe(1);
});

test("interim answers without end: a client that does not read costs no memory", async () => {
  const hint = `HTTP/1.1 103 Early Hints\r\nlink: ${"x".repeat(1_000)}\r\n\r\n`;
  let written = 0;
  let isGone = false;
  const proxy = await startBehind((socket) => {
    const block = hint.repeat(64);
    socket.on("close", () => {
      isGone = true;
    });
    const write = (): void => {
      while (!socket.destroyed) {
        written += block.length;
        if (!socket.write(block)) break;
      }
    };
    socket.on("drain", write);
    write();
  });
  const client = connect(proxy.port, "127.0.0.1");
  sockets.add(client);
  client.pause();
  client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  await until(() => isGone);
  expect(written).toBeLessThan(16 * 1024 * 1024);
  let got = "";
  client.on("data", (chunk) => {
    got += chunk.toString("latin1");
  });
  client.resume();
  await until(() => got.includes("502"));
  expect(got.length).toBeLessThan(64 * 1024);
  // As many as have room in a head are passed on.
  expect(got.match(/ 103 /g)?.length).toBe(59);
});

test("interim answers of a stream of HTTP/2 have the same bound", async () => {
  let hints = 0;
  const upstream = createHttp2();
  upstream.on("stream", async (stream) => {
    stream.on("error", () => {});
    for (; !stream.destroyed && !stream.closed && hints < 5_000; hints++) {
      stream.additionalHeaders({ ":status": 103, link: "x".repeat(1_000) });
      await turns(1);
    }
  });
  const cluster = { protocol: "http2" } as const;
  const proxy = await startProxy({ upstreamPorts: [await listenOn(upstream)], cluster });
  open.push(proxy, { [Symbol.asyncDispose]: async () => void upstream.close() });
  using client = makeClient("h1", proxy.port);
  const response = await client.send({});
  expect(response.status).toBe(502);
  expect(hints).toBeLessThan(5_000);
});

test("fields that every object has arrive as they were sent, and nothing else does", async () => {
  let seen: string[] = [];
  const upstream = createHttp2();
  upstream.on("stream", ((stream: ServerHttp2Stream, _, __, raw: string[]) => {
    seen = raw;
    stream.respond({ ":status": 200 });
    stream.end();
  }) as Parameters<typeof upstream.on>[1]);
  const cluster = { protocol: "http2" } as const;
  const proxy = await startProxy({ upstreamPorts: [await listenOn(upstream)], cluster });
  open.push(proxy, { [Symbol.asyncDispose]: async () => void upstream.close() });
  const client = connect(proxy.port, "127.0.0.1");
  sockets.add(client);
  const names = ["constructor", "__proto__", "valueof", "constructor", "__proto__"];
  const lines = names.map((name, i) => `${name}: ${i}\r\n`).join("");
  client.write(`GET / HTTP/1.1\r\nhost: a\r\n${lines}\r\n`);
  await until(() => seen.length > 0);
  const sent: string[] = [];
  for (let i = 0; i < seen.length; i += 2) {
    if (names.includes(seen[i]!)) sent.push(`${seen[i]} ${seen[i + 1]}`);
  }
  expect(sent.sort()).toEqual([
    "__proto__ 1",
    "__proto__ 4",
    "constructor 0",
    "constructor 3",
    "valueof 2",
  ]);
});
