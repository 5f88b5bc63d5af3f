// TLS towards clients, with real sockets and certificates.
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { ManualClock } from "@compendium/runtime";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { PeerInfo } from "../../src/codec/codec.ts";
import { NodeCodec } from "../../src/codec/node/node-codec.ts";
import type { DownstreamTlsConfig, PeerNameMatcher } from "../../src/config/listener-config.ts";
import type { ProxyOptions, RunningProxy } from "../proxy/harness.ts";
import { startUpstream, type Upstream } from "../proxy/peers.ts";
import { Authority, downstreamTls, Files, type MemberCertificates } from "./files.ts";
import { realHello } from "./hello-bytes.ts";
import { request, startChains, startTls, visit } from "./proxy.ts";

const files = new Files();
const group = new Authority("group");
const strangers = new Authority("strangers");
const server = group.member("server", ["a.example", "127.0.0.1"]);
const pair = files.pair("server", server);
const clientCaFile = files.write("group.crt", group.ca);
const shown = ({ certificate, key }: MemberCertificates) => ({ cert: certificate, key });
const open: AsyncDisposable[] = [];
let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream("h1", ({ path }) => ({ status: 200, body: `you asked ${path}` }));
});

afterEach(async () => {
  for (const thing of open.splice(0)) await thing[Symbol.asyncDispose]();
});

afterAll(async () => {
  await upstream[Symbol.asyncDispose]();
  files[Symbol.dispose]();
});

/** A codec that remembers whom it met. */
class WitnessCodec extends NodeCodec {
  readonly peers: PeerInfo[] = [];

  override server(...args: Parameters<NodeCodec["server"]>): ReturnType<NodeCodec["server"]> {
    const codec = super.server(...args);
    return {
      accept: (socket, peer, protocol) => {
        this.peers.push(peer);
        return codec.accept(socket, peer, protocol);
      },
    };
  }
}

async function start(
  more: Partial<DownstreamTlsConfig> = {},
  options: Partial<ProxyOptions> & { readonly clock?: ManualClock } = {},
): Promise<RunningProxy & { codec: WitnessCodec }> {
  const { clock } = options;
  const codec = new WitnessCodec(clock ? { clock } : {});
  const all = { upstreamPorts: [upstream.port], codec, ...options };
  const proxy = await startTls(downstreamTls(pair, more), all);
  open.push(proxy);
  return { ...proxy, codec };
}

const mutual = { clientCaFile, requireClientCertificate: true };
const handshakesOf = ({ plane }: RunningProxy) => plane.listeners.get("in")!.listener.handshakes;
const numbersOf = ({ plane }: RunningProxy) => plane.listeners.get("in")!.listener.numbers;

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};

async function failed(proxy: RunningProxy, reason: string): Promise<void> {
  const { failed: failures } = handshakesOf(proxy);
  await until(() => Object.values(failures).some((count) => count > 0));
  expect(Object.entries(failures).filter(([, count]) => count > 0)).toEqual([[reason, 1]]);
}

const uri = (value: string): PeerNameMatcher => {
  return { kind: "uri", value: { kind: "exact", value, ignoreCase: false } };
};

test("HTTP/1.1 and HTTP/2 over TLS, by what ALPN agrees on", async () => {
  const proxy = await start();
  const one = await visit(proxy.port, { ALPNProtocols: ["http/1.1"], servername: "A.example" });
  expect([one.protocol, one.text]).toEqual([
    "http/1.1",
    expect.stringContaining("you asked /path"),
  ]);
  const session = connectHttp2(`https://127.0.0.1:${proxy.port}`, { rejectUnauthorized: false });
  const status = await new Promise((resolve) => {
    session.request({ ":path": "/two" }).on("response", (head) => resolve(head[":status"]));
  });
  expect([status, session.alpnProtocol]).toEqual([200, "h2"]);
  session.destroy();
  expect(proxy.codec.peers.map(({ tls }) => tls)).toEqual([
    {
      serverName: "a.example",
      applicationProtocol: "http/1.1",
      version: "TLSv1.3",
      peerUris: [],
      peerDnsNames: [],
    },
    {
      serverName: undefined,
      applicationProtocol: "h2",
      version: "TLSv1.3",
      peerUris: [],
      peerDnsNames: [],
    },
  ]);
  expect(handshakesOf(proxy).completed).toBe(2);
});

test("without ALPN the first bytes inside of TLS decide", async () => {
  const proxy = await start();
  const one = await visit(proxy.port, {});
  expect([one.protocol, one.text]).toEqual([false, expect.stringContaining("you asked /path")]);
  const two = await visit(
    proxy.port,
    {},
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0garbage!!",
  );
  expect(two.text.charCodeAt(3)).toBe(4);
});

test("mTLS: who called is known by the names of the verified certificate", async () => {
  const proxy = await start(mutual);
  const client = group.member("client", ["spiffe://group/client", "client.example"]);
  const { text } = await visit(proxy.port, shown(client));
  expect(text).toContain("you asked /path");
  expect(proxy.codec.peers[0]!.tls).toMatchObject({
    peerUris: ["spiffe://group/client"],
    peerDnsNames: ["client.example"],
  });
});

test.each([
  ["no certificate", "no-certificate", {}],
  ["one of another authority", "untrusted", shown(strangers.member("client"))],
  ["one that has ended", "expired", shown(group.member("c", ["a.b"], { endsInMs: -1_000 }))],
  ["two SPIFFE ids", "spiffe-id", shown(group.member("c", ["spiffe://a/b", "spiffe://a/c"]))],
  [
    "an authority's with a SPIFFE id",
    "spiffe-id",
    shown(group.member("c", ["spiffe://a/b"], { isAuthority: true })),
  ],
  [
    "a name with a space",
    "bad-certificate",
    shown(group.member("c", [Buffer.from("\x82\x03a b", "latin1")])),
  ],
])("a client with %s is not let in: %s", async (_name, reason, certificate) => {
  const proxy = await start(mutual);
  const { text } = await visit(proxy.port, certificate);
  expect(text).toBe("");
  await failed(proxy, reason);
  expect(proxy.codec.peers).toEqual([]);
});

test("one of the allowed names must be the client's", async () => {
  const proxy = await start({ ...mutual, allowedNames: [uri("spiffe://group/friend")] });
  const friend = group.member("friend", ["spiffe://group/friend"]);
  expect((await visit(proxy.port, shown(friend))).text).toContain("you asked /path");
  const other = group.member("other", ["spiffe://group/other"]);
  expect((await visit(proxy.port, shown(other))).text).toBe("");
  await failed(proxy, "name");
});

test("where none is required one may come without, and not with a bad one", async () => {
  const proxy = await start({ clientCaFile });
  expect((await visit(proxy.port, {})).text).toContain("you asked /path");
  expect((await visit(proxy.port, shown(strangers.member("client")))).text).toBe("");
  await failed(proxy, "untrusted");
  expect(proxy.codec.peers.map(({ tls }) => tls!.peerUris)).toEqual([[]]);
});

test("RFC 7301 §3.2: protocols of which none is spoken here end the handshake", async () => {
  const proxy = await start();
  const { error } = await visit(proxy.port, { ALPNProtocols: ["spdy/1"] });
  expect(error).toMatch(/NO_APPLICATION_PROTOCOL/);
  await failed(proxy, "alpn");
});

test("an older TLS than the chain's ends the handshake", async () => {
  const proxy = await start({ minVersion: "TLSv1.3" });
  const { error } = await visit(proxy.port, { maxVersion: "TLSv1.2" });
  expect(error).toMatch(/PROTOCOL_VERSION/);
  await failed(proxy, "protocol");
});

function sendRaw(port: number, bytes: Uint8Array): Promise<{ got: Buffer; socket: Socket }> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("error", () => {});
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("close", () => resolve({ got: Buffer.concat(chunks), socket }));
    socket.write(bytes);
  });
}

test("bytes without TLS, and a hello that is none, are closed", async () => {
  const proxy = await start();
  await sendRaw(proxy.port, Buffer.from(request));
  expect(numbersOf(proxy).noChain).toBe(1);
  await sendRaw(proxy.port, Buffer.of(22, 3, 1, 0, 0));
  await failed(proxy, "bad-hello");
});

test("TLS to a chain without it is closed", async () => {
  const tls = downstreamTls(pair);
  const proxy = await startChains([{ match: { serverNames: ["a.example"] }, tls }, {}], {
    upstreamPorts: [upstream.port],
  });
  open.push(proxy);
  expect((await sendRaw(proxy.port, Buffer.from(request))).got.toString()).toContain("200 OK");
  expect((await visit(proxy.port, { servername: "a.example" })).text).toContain("200 OK");
  expect((await visit(proxy.port, { servername: "b.example" })).text).toBe("");
  await failed(proxy, "unexpected-tls");
});

test("a hello may come byte by byte", async () => {
  const proxy = await start();
  const hello = await realHello("a.example", ["http/1.1"]);
  const socket = connectTcp({ port: proxy.port, host: "127.0.0.1", noDelay: true });
  const answered = new Promise<Buffer>((resolve) => socket.once("data", resolve));
  for (const byte of hello) {
    socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  // A ServerHello in a handshake record.
  expect((await answered).subarray(0, 2)).toEqual(Buffer.of(22, 3));
  socket.destroy();
});

test.each([
  ["before the hello is whole", 40, "timeouts"],
  ["after it", 10_000, "timeout"],
])("a client that stalls %s is let go", async (_name, bytes, reason) => {
  const clock = new ManualClock();
  const proxy = await start({}, { clock, listener: { handshakeTimeoutMs: 5_000 } });
  const hello = await realHello("a.example", ["h2"]);
  const socket = connectTcp(proxy.port, "127.0.0.1");
  socket.on("error", () => {});
  let got = 0;
  socket.on("data", (chunk) => {
    got += chunk.length;
  });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(hello.subarray(0, bytes));
  await until(() => numbersOf(proxy).active === 1 && (bytes < hello.length || got > 0));
  clock.advance(4_999);
  expect(numbersOf(proxy)).toMatchObject({ active: 1, handshakeTimeouts: 0 });
  clock.advance(1);
  await closed;
  await until(() => numbersOf(proxy).active === 0);
  expect(numbersOf(proxy).handshakeTimeouts).toBe(1);
  expect(handshakesOf(proxy).failed.timeout).toBe(reason === "timeout" ? 1 : 0);
  expect(clock.pendingTimers).toBe(1);
});

test("a client that leaves in the middle of a handshake leaves nothing behind", async () => {
  const proxy = await start();
  const hello = await realHello("a.example", ["h2"]);
  for (const leave of ["end", "resetAndDestroy"] as const) {
    const socket = connectTcp(proxy.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.once("data", () => socket[leave]());
    socket.write(hello);
    await new Promise((resolve) => socket.once("close", resolve));
  }
  await until(() => numbersOf(proxy).accepted === 2 && numbersOf(proxy).active === 0);
  await until(() => handshakesOf(proxy).failed.closed === 2);
});

test("a hello with any byte wrong ends in a connection or in none, and the next one is served", async () => {
  const proxy = await start();
  const hello = await realHello("a.example", ["h2"]);
  const flips = Array.from({ length: 200 }, (_, i) => {
    const flipped = Buffer.from(hello);
    flipped[(i * 7) % hello.length]! ^= 1 << (i % 8);
    return flipped;
  });
  for (let at = 0; at < flips.length; at += 20) {
    const sockets = flips.slice(at, at + 20).map((bytes) => {
      const socket = connectTcp(proxy.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.on("data", () => socket.end());
      socket.write(bytes);
      socket.end();
      return new Promise((resolve) => socket.once("close", resolve));
    });
    await Promise.all(sockets);
  }
  await until(() => numbersOf(proxy).active === 0);
  expect((await visit(proxy.port, {})).text).toContain("you asked /path");
});

test.each(["TLSv1.2", "TLSv1.3"] as const)(
  "%s: a session is resumed under the certificates that it began with, and no others",
  async (version) => {
    const own = files.pair("renewed", group.member("one"));
    const tls = downstreamTls(own);
    const proxy = await startTls(tls, { upstreamPorts: [upstream.port] });
    open.push(proxy);
    const options = { minVersion: version, maxVersion: version };
    const { session } = await visit(proxy.port, options);
    const again = await visit(proxy.port, { ...options, session: session! });
    expect([again.isResumed, again.text]).toEqual([true, expect.stringContaining("200 OK")]);
    files.pair("renewed", group.member("two"));
    await proxy.plane.secrets.refresh();
    const after = await visit(proxy.port, { ...options, session: session! });
    expect([after.isResumed, after.text]).toEqual([false, expect.stringContaining("200 OK")]);
  },
);

test.each(["TLSv1.2", "TLSv1.3"] as const)(
  "%s: where clients show certificates every connection shows one",
  async (version) => {
    const ca = files.write("changing.crt", group.ca);
    const proxy = await start({ clientCaFile: ca, requireClientCertificate: true });
    const options = { minVersion: version, maxVersion: version, ...shown(group.member("c")) };
    const { session } = await visit(proxy.port, options);
    const again = await visit(proxy.port, { ...options, ...(session && { session }) });
    expect([again.isResumed, again.text]).toEqual([false, expect.stringContaining("200 OK")]);
    files.write("changing.crt", strangers.ca);
    await proxy.plane.secrets.refresh();
    expect((await visit(proxy.port, { ...options, ...(session && { session }) })).text).toBe("");
    await failed(proxy, "untrusted");
  },
);
