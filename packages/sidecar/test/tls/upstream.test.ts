// TLS towards a cluster: who is believed, what is spoken, and how it fails.
import { createSecureServer } from "node:http2";
import { createServer as createTcp, type Socket } from "node:net";
import type { SecureContextOptions, TLSSocket, TlsOptions } from "node:tls";
import { ManualClock } from "@compendium/runtime";
import { afterAll, afterEach, expect, test } from "vitest";
import { makeHost } from "../../src/cluster/host.ts";
import type { PeerInfo, Protocol } from "../../src/codec/codec.ts";
import type { PeerNameMatcher, UpstreamTlsConfig } from "../../src/config/listener-config.ts";
import { Secret } from "../../src/tls/secret.ts";
import { upstreamFiles } from "../../src/tls/secret-store.ts";
import { TcpConnector, type Wish } from "../../src/upstream/connect.ts";
import { TlsConnector } from "../../src/upstream/tls-connector.ts";
import { listenOn, startProxy } from "../proxy/harness.ts";
import { makeClient } from "../proxy/peers.ts";
import { Authority, Files, type MemberCertificates, upstreamTls } from "./files.ts";

const files = new Files();
const group = new Authority("group");
const strangers = new Authority("strangers");
const caFile = files.write("ca.crt", group.ca);
const open: (() => void)[] = [];

afterEach(() => {
  for (const close of open.splice(0).reverse()) close();
});

afterAll(() => files[Symbol.dispose]());

interface SeenServer {
  readonly port: number;
  /** Handshakes, as the server sees them: it does so after the client. */
  readonly seen: () => Promise<Seen[]>;
}

interface Seen {
  readonly sni: unknown;
  readonly certificate: string | undefined;
  readonly alpn: unknown;
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};

const contextOf = ({ certificate, key }: MemberCertificates): SecureContextOptions => {
  return { cert: certificate, key };
};

async function serve(member: MemberCertificates, more: TlsOptions = {}): Promise<SeenServer> {
  const seen: Seen[] = [];
  const server = createSecureServer(
    { ...contextOf(member), allowHTTP1: true, ...more },
    (request, response) => response.end(`${request.httpVersion} ${request.url}`),
  );
  const sockets = new Set<Socket>();
  server.on("secureConnection", (socket: TLSSocket & { servername?: unknown }) => {
    sockets.add(socket);
    const certificate = socket.getPeerX509Certificate()?.subjectAltName;
    seen.push({ sni: socket.servername, certificate, alpn: socket.alpnProtocol });
  });
  server.on("sessionError", () => {});
  const port = await listenOn(server);
  open.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port,
    seen: async () => {
      await until(() => seen.length > 0);
      return seen;
    },
  };
}

type Outcome = { peer: PeerInfo; protocol: Protocol } | { failure: string; detail: string };

function reach(
  port: number,
  config: UpstreamTlsConfig,
  { wish = "http/1.1" as Wish, hostname = "", clock = new ManualClock() } = {},
): Promise<Outcome> & { connector: TlsConnector } {
  const secret = new Secret(upstreamFiles(config));
  const beneath = new TcpConnector(clock);
  const connector = new TlsConnector({ config, secret, beneath, clock });
  const host = makeHost({ address: `127.0.0.1:${port}`, port, hostname });
  const outcome = new Promise<Outcome>((resolve) => {
    connector.connect(host, wish, 5_000, {
      onConnected: (socket, peer, protocol) => {
        open.push(() => socket.destroy());
        socket.on("error", () => {});
        resolve({ peer, protocol });
      },
      onFailed: (failure, detail) => resolve({ failure, detail }),
    });
  });
  return Object.assign(outcome, { connector });
}

const exact = (kind: PeerNameMatcher["kind"], value: string): PeerNameMatcher => {
  return { kind, value: { kind: "exact", value, ignoreCase: false } };
};

const refusedAs = (reason: string) => ({
  failure: "connect-failure",
  detail: expect.stringMatching(new RegExp(`^TLS: ${reason}: `)),
});

test("the chain, the names and the protocol are looked at, and the peer is known by them", async () => {
  const names = ["spiffe://group/server", "localhost"];
  const server = await serve(group.member("server", names));
  const config = upstreamTls({ caFile, serverName: "localhost" });
  const reached = await reach(server.port, config, { wish: "h2" });
  expect(reached).toMatchObject({
    protocol: "h2",
    peer: {
      remotePort: server.port,
      tls: {
        serverName: "localhost",
        applicationProtocol: "h2",
        version: "TLSv1.3",
        peerUris: ["spiffe://group/server"],
        peerDnsNames: ["localhost"],
      },
    },
  });
  expect(await server.seen()).toEqual([{ sni: "localhost", certificate: undefined, alpn: "h2" }]);
});

test.each([
  ["its own authority", strangers.member("server"), {}, "untrusted"],
  [
    "a certificate that has ended",
    group.member("s", undefined, { endsInMs: -1_000 }),
    {},
    "expired",
  ],
  [
    "a certificate for another",
    group.member("s", ["other.example"]),
    { serverName: "localhost" },
    "name",
  ],
  [
    "two SPIFFE ids",
    group.member("s", ["spiffe://a/b", "spiffe://a/c", "localhost"]),
    {},
    "spiffe-id",
  ],
  [
    "another id than is allowed",
    group.member("s", ["spiffe://a/b", "localhost"]),
    { serverName: "localhost", allowedNames: [exact("uri", "spiffe://a/c")] },
    "name",
  ],
  [
    "an allowed URI as a DNS name",
    group.member("s", [Buffer.from("\x82\x0cspiffe://a/b", "latin1")]),
    { allowedNames: [exact("uri", "spiffe://a/b")] },
    "name",
  ],
])("a host with %s is not believed", async (_name, member, more, reason) => {
  const { port } = await serve(member);
  const reached = reach(port, upstreamTls({ caFile, ...more }));
  expect(await reached).toEqual(refusedAs(reason));
  const { failed, completed } = reached.connector.handshakes;
  expect([failed[reason as "name"], completed]).toEqual([1, 0]);
});

test("allowed names stand in the place of the host's", async () => {
  const { port } = await serve(group.member("server", ["spiffe://group/server"]));
  const allowedNames = [exact("uri", "spiffe://group/server")];
  expect(await reach(port, upstreamTls({ caFile, allowedNames }))).toHaveProperty("peer");
});

test("without a name to ask for, the host's own or its address is certified", async () => {
  const named = await serve(group.member("server", ["backend.example"]));
  const config = upstreamTls({ caFile });
  const reached = await reach(named.port, config, { hostname: "backend.example" });
  expect(reached).toHaveProperty("peer");
  expect(await reach(named.port, config)).toEqual(refusedAs("name"));
  const addressed = await serve(group.member("server", ["127.0.0.1"]));
  expect(await reach(addressed.port, config)).toHaveProperty("peer");
  // RFC 6066 §3: an address is no server name.
  expect((await addressed.seen()).map(({ sni }) => sni || "")).toEqual([""]);
});

test("a common name is no host's name", async () => {
  const { port } = await serve(group.member("backend.example", ["spiffe://a/b"]));
  const config = upstreamTls({ caFile, serverName: "backend.example" });
  expect(await reach(port, config)).toEqual(refusedAs("name"));
});

test("without an authority nothing is verified", async () => {
  const { port } = await serve(strangers.member("server"));
  const reached = await reach(port, upstreamTls());
  expect(reached).toMatchObject({ peer: { tls: { peerUris: [], peerDnsNames: [] } } });
});

test("the certificate of this side is shown", async () => {
  const ours = files.pair("ours", group.member("ours", ["spiffe://group/us"]));
  const server = await serve(group.member("server"), {
    ca: group.ca,
    requestCert: true,
    rejectUnauthorized: true,
  });
  await reach(server.port, upstreamTls({ caFile, certificate: ours }));
  expect(await server.seen()).toMatchObject([{ certificate: "URI:spiffe://group/us" }]);
});

test.each([
  ["h2", [], "h2", "h2"],
  ["http/1.1", [], "http/1.1", "http/1.1"],
  ["tcp", [], false, "http/1.1"],
  ["h2", ["http/1.1"], "http/1.1", "http/1.1"],
  ["http/1.1", ["h2", "http/1.1"], "h2", "h2"],
] as const)(
  "who wishes %s and offers %j speaks what is agreed on",
  async (wish, offer, alpn, got) => {
    const server = await serve(group.member("server"));
    const config = upstreamTls({ caFile, applicationProtocols: offer });
    const reached = await reach(server.port, config, { wish });
    expect(reached).toMatchObject({ protocol: got });
    expect(await server.seen()).toMatchObject([{ alpn }]);
  },
);

test("a host that agrees to nothing that is offered is not spoken to", async () => {
  const { port } = await serve(group.member("server"));
  const config = upstreamTls({ caFile, applicationProtocols: ["spdy/1"] });
  expect(await reach(port, config)).toEqual(refusedAs("alpn"));
});

test("a host that speaks no TLS, or closes in the middle of it, fails at once", async () => {
  const answers: ((socket: Socket) => void)[] = [
    (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
    (socket) => socket.destroy(),
    (socket) => socket.end(),
  ];
  for (const answer of answers) {
    const server = createTcp((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => answer(socket));
    });
    const port = await listenOn(server);
    open.push(() => server.close());
    expect(await reach(port, upstreamTls({ caFile }))).toEqual(refusedAs("(protocol|closed)"));
  }
});

test("the time to connect covers the handshake, and giving up leaves nothing", async () => {
  const clock = new ManualClock();
  const sockets: Socket[] = [];
  const server = createTcp((socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
  });
  const port = await listenOn(server);
  open.push(() => server.close());
  const reached = reach(port, upstreamTls({ caFile }), { clock });
  await until(() => sockets.length === 1 && clock.pendingTimers === 1);
  // Beneath and above it there is one timer after the other.
  await new Promise((resolve) => sockets[0]!.once("data", resolve));
  clock.advance(5_000);
  expect(await reached).toMatchObject({ failure: "connect-timeout" });
  expect(reached.connector.handshakes.failed.timeout).toBe(1);
  const host = makeHost({ address: `127.0.0.1:${port}`, port });
  let told = 0;
  const wish = reached.connector.connect(host, "h2", 5_000, {
    onConnected: () => void told++,
    onFailed: () => void told++,
  });
  await until(() => sockets.length === 2);
  await new Promise((resolve) => sockets[1]!.once("data", resolve));
  const closed = new Promise((resolve) => sockets[1]!.once("close", resolve));
  wish[Symbol.dispose]();
  await closed;
  expect([told, clock.pendingTimers]).toEqual([0, 0]);
});

test.each(["http1", "http2"] as const)(
  "a request goes to a cluster of %s over TLS",
  async (protocol) => {
    const { port } = await serve(group.member("server"));
    await using proxy = await startProxy({
      upstreamPorts: [port],
      cluster: { protocol, tls: upstreamTls({ caFile }) },
    });
    using client = makeClient("h1", proxy.port);
    const { status, body } = await client.send({ path: "/x" });
    expect([status, String(body)]).toEqual([200, protocol === "http1" ? "1.1 /x" : "2.0 /x"]);
  },
);

test("a cluster that nobody vouches for answers 503", async () => {
  const { port } = await serve(strangers.member("server"));
  await using proxy = await startProxy({
    upstreamPorts: [port],
    cluster: { tls: upstreamTls({ caFile }) },
  });
  using client = makeClient("h1", proxy.port);
  expect((await client.send({})).status).toBe(503);
});
