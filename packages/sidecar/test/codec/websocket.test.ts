// WebSockets through the proxy, from HTTP/1.1 (RFC 6455) and HTTP/2 (RFC 8441) to either: the same
// frames pass both ways, and each side sees the opening that its protocol has.
import { createHash } from "node:crypto";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  createServer as createHttp2,
} from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { listenOn, startProxy } from "../proxy/harness.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

const accept = (key: string): string =>
  createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

/** A short text frame as a client sends it: masked (RFC 6455 §5.3). */
const masked = (text: string): Buffer => {
  const mask = Buffer.from([1, 2, 3, 4]);
  const bytes = Buffer.from(text).map((byte, i) => byte ^ mask[i % 4]!);
  return Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length]), mask, bytes]);
};

const unmasked = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);

/** The text frames of a client, answered one by one. */
function echo(frame: Buffer): Buffer {
  const length = frame[1]! & 0x7f;
  const mask = frame.subarray(2, 6);
  const text = frame.subarray(6, 6 + length).map((byte, i) => byte ^ mask[i % 4]!);
  return frame[0] === 0x81 ? unmasked(Buffer.from(text).toString()) : Buffer.alloc(0);
}

interface Backend {
  readonly port: number;
  /** The opening that came: a head of HTTP/1.1, or the fields of HTTP/2. */
  readonly openings: string[];
}

async function startH1(answer = (key: string) => accept(key)): Promise<Backend> {
  const openings: string[] = [];
  const server = createServer((socket: Socket) => {
    socket.on("error", () => {});
    cleanups.push(() => socket.destroy());
    socket.once("data", (head: Buffer) => {
      const text = head.toString("latin1");
      openings.push(text);
      const key = /sec-websocket-key: (\S+)/i.exec(text)?.[1] ?? "";
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
          `Sec-WebSocket-Accept: ${answer(key)}\r\nX-Backend: h1\r\n\r\n`,
      );
      socket.on("data", (frame: Buffer) => socket.write(echo(frame)));
      socket.on("end", () => socket.end());
    });
  });
  cleanups.push(() => server.close());
  return { port: await listenOn(server), openings };
}

async function startH2(enableConnectProtocol = true): Promise<Backend> {
  const openings: string[] = [];
  const server = createHttp2({ settings: { enableConnectProtocol } });
  server.on("session", (session) => {
    session.on("error", () => {});
    cleanups.push(() => session.destroy());
  });
  server.on("stream", (stream, headers) => {
    openings.push(JSON.stringify(headers));
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "x-backend": "h2" });
    stream.on("data", (frame: Buffer) => stream.write(echo(frame)));
    stream.on("end", () => stream.end());
  });
  cleanups.push(() => server.close());
  return { port: await listenOn(server), openings };
}

interface Opened {
  readonly status: number;
  readonly fields: Record<string, unknown>;
  /** What came after the opening. */
  received(): Buffer;
  write(bytes: Buffer): void;
  end(): void;
  hasEnded(): boolean;
}

async function openH1(port: number): Promise<Opened> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  cleanups.push(() => socket.destroy());
  let got = Buffer.alloc(0);
  let hasEnded = false;
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    got = Buffer.concat([got, chunk]);
  });
  socket.on("end", () => {
    hasEnded = true;
  });
  socket.write(
    "GET /chat HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await until(() => got.includes("\r\n\r\n"));
  const end = got.indexOf("\r\n\r\n") + 4;
  const [start = "", ...lines] = got.toString("latin1", 0, end - 4).split("\r\n");
  const fields = Object.fromEntries(lines.map((line) => line.split(": ") as [string, string]));
  return {
    status: Number(start.split(" ")[1]),
    fields,
    received: () => got.subarray(end),
    write: (bytes) => void socket.write(bytes),
    end: () => void socket.end(),
    hasEnded: () => hasEnded,
  };
}

function openSession(port: number): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  cleanups.push(() => session.destroy());
  return session;
}

function openStream(session: ClientHttp2Session, protocol = "websocket"): ClientHttp2Stream {
  const fields = { ":method": "CONNECT", ":protocol": protocol, ":path": "/chat" };
  const stream = session.request({ ...fields, "sec-websocket-version": "13" });
  stream.on("error", () => {});
  return stream;
}

async function openH2(port: number): Promise<Opened> {
  const session = openSession(port);
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  expect(session.remoteSettings.enableConnectProtocol).toBe(true);
  const stream = openStream(session);
  let got = Buffer.alloc(0);
  let hasEnded = false;
  stream.on("data", (chunk) => {
    got = Buffer.concat([got, chunk]);
  });
  stream.on("end", () => {
    hasEnded = true;
  });
  const fields = await new Promise<Record<string, unknown>>((resolve, reject) => {
    stream.once("response", resolve);
    stream.once("close", () => reject(new Error(`reset: ${stream.rstCode}`)));
  });
  return {
    status: Number(fields[":status"]),
    fields,
    received: () => got,
    write: (bytes) => void stream.write(bytes),
    end: () => void stream.end(),
    hasEnded: () => hasEnded,
  };
}

const backends = { h1: () => startH1(), h2: () => startH2() };
const openers = { h1: openH1, h2: openH2 };
const pairs = [
  ["h1", "h1"],
  ["h1", "h2"],
  ["h2", "h1"],
  ["h2", "h2"],
] as const;

test.each(pairs)("%s to %s: opened, echoed, and closed from either end", async (from, to) => {
  const backend = await backends[to]();
  const protocol = to === "h2" ? "http2" : "http1";
  await using proxy = await startProxy({ upstreamPorts: [backend.port], cluster: { protocol } });
  const socket = await openers[from](proxy.port);
  expect(socket.status).toBe(from === "h1" ? 101 : 200);
  expect(socket.fields["x-backend"]).toBe(to);
  const told = socket.fields["sec-websocket-accept"];
  expect(told).toBe(from === "h1" ? accept("dGhlIHNhbXBsZSBub25jZQ==") : undefined);
  const [opening = ""] = backend.openings;
  if (to === "h2") {
    expect(JSON.parse(opening)).toMatchObject({
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":path": "/chat",
      "sec-websocket-version": "13",
    });
    expect(opening).not.toMatch(/sec-websocket-key|content-length|"connection"|"upgrade"/);
  } else {
    expect(opening).toMatch(/^GET \/chat HTTP\/1\.1\r\n/);
    expect(opening).toMatch(/\r\nconnection: upgrade\r\n/i);
    expect(opening).toMatch(/\r\nsec-websocket-key: \S{24}\r\n/);
    expect(opening).not.toMatch(/content-length|transfer-encoding/);
  }
  for (const text of ["one", "two"]) {
    socket.write(masked(text));
    await until(() => socket.received().toString("latin1").endsWith(text));
  }
  expect(socket.received()).toEqual(Buffer.concat([unmasked("one"), unmasked("two")]));
  socket.end();
  await until(() => socket.hasEnded());
  await until(() => proxy.plane.active === 0);
});

test("the WebSocket of the platform opens one over HTTP/2 to upstream", async () => {
  const backend = await startH2();
  await using proxy = await startProxy({
    upstreamPorts: [backend.port],
    cluster: { protocol: "http2" },
  });
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/chat`);
  const got = await new Promise<string>((resolve, reject) => {
    socket.onopen = () => socket.send("hello");
    socket.onmessage = ({ data }) => resolve(String(data));
    socket.onerror = () => reject(new Error("no WebSocket"));
  });
  expect(got).toBe("hello");
  socket.close();
});

test("RFC 8441 §3: an upstream that has not said that it takes extended CONNECT gets none", async () => {
  const backend = await startH2(false);
  await using proxy = await startProxy({
    upstreamPorts: [backend.port],
    cluster: { protocol: "http2" },
  });
  expect((await openH1(proxy.port)).status).toBe(502);
  expect(backend.openings).toEqual([]);
});

test("RFC 6455 §4.1: an upstream that has not read the key is no WebSocket", async () => {
  const backend = await startH1(() => accept("another"));
  await using proxy = await startProxy({ upstreamPorts: [backend.port] });
  await expect(openH2(proxy.port)).rejects.toThrow("reset: 1");
});

test("RFC 8441 §5: a 200 of HTTP/1.1 is no 101, and does not pass for one", async () => {
  const server = createServer((socket) => {
    cleanups.push(() => socket.destroy());
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npage"));
  });
  cleanups.push(() => server.close());
  await using proxy = await startProxy({ upstreamPorts: [await listenOn(server)] });
  expect((await openH2(proxy.port)).status).toBe(502);
});

test("RFC 9110 §7.8: a server that switches to what nobody asked for has answered nothing", async () => {
  const server = createServer((socket) => {
    cleanups.push(() => socket.destroy());
    socket.on("data", () =>
      socket.write("HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n"),
    );
  });
  cleanups.push(() => server.close());
  await using proxy = await startProxy({ upstreamPorts: [await listenOn(server)] });
  expect((await openH1(proxy.port)).status).toBe(502);
});

test("bytes behind an opening wait for the 101: to an upstream that says no they would be a request", async () => {
  let seen = "";
  let answer = (): void => {};
  const server = createServer((socket) => {
    cleanups.push(() => socket.destroy());
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      seen += chunk.toString("latin1");
    });
    answer = () => void socket.write("HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno");
  });
  cleanups.push(() => server.close());
  await using proxy = await startProxy({ upstreamPorts: [await listenOn(server)] });
  const session = openSession(proxy.port);
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  const stream = openStream(session);
  stream.write("GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n");
  await until(() => seen.includes("\r\n\r\n"));
  for (let i = 0; i < 50; i++) await turn();
  answer();
  const status = await new Promise((resolve) =>
    stream.once("response", (fields) => resolve(fields[":status"])),
  );
  expect(status).toBe(403);
  for (let i = 0; i < 50; i++) await turn();
  expect(seen).not.toContain("smuggled");
});

test.each([
  ["a protocol that nobody configured", { ":method": "CONNECT", ":protocol": "udp" }, 501],
  ["plain CONNECT", { ":method": "CONNECT" }, 405],
  ["a length", { ":method": "CONNECT", ":protocol": "websocket", "content-length": "5" }, 400],
] as const)("extended CONNECT with %s is refused", async (_name, fields, status) => {
  await using proxy = await startProxy({ upstreamPorts: [1] });
  const session = openSession(proxy.port);
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  const isPlain = !(":protocol" in fields);
  const rest = isPlain ? { ":authority": "a.example:443" } : { ":path": "/chat" };
  const stream = session.request({ ...fields, ...rest });
  stream.on("error", () => {});
  const got = await new Promise((resolve) => {
    stream.once("response", (head) => resolve(head[":status"]));
    stream.once("close", () => resolve(stream.rstCode));
  });
  // nghttp2 resets some of them before anybody can answer.
  expect([status, 1]).toContain(got);
});

test("without an upgrade in the configuration HTTP/2's clients are not told that there is any", async () => {
  await using proxy = await startProxy({ upstreamPorts: [1], http: { upgrades: [] } });
  const session = openSession(proxy.port);
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  expect(session.remoteSettings.enableConnectProtocol).toBe(false);
});
