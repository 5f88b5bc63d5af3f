// Bytes through the proxy, between real sockets.
import { createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { ManualClock, systemRandom } from "@compendium/runtime";
import { afterEach, expect, test } from "vitest";
import { TCP_DRAIN_MS } from "../../src/tcp/tcp-proxy.ts";
import { clusterConfig, endpoint, locality } from "../cluster/config.ts";
import { defaults } from "../outlier/config.ts";
import { listenOn } from "../proxy/harness.ts";
import { Authority, downstreamTls, Files, upstreamTls } from "../tls/files.ts";
import { startChains } from "../tls/proxy.ts";
import {
  closeAll,
  closeOf,
  dial,
  echo,
  listen,
  noEdits,
  open,
  read,
  start,
  tcpConfig,
  until,
} from "./harness.ts";

afterEach(closeAll);

test("bytes go through in both directions, and the connection is told of at its end", async () => {
  const upstream = await echo();
  const proxy = await start({}, { upstreamPorts: [upstream.port] });
  const socket = dial(proxy.port);
  socket.end("hello");
  expect(await read(socket)).toBe("hello");
  await until(() => proxy.ended.length === 1);
  expect(proxy.ended[0]).toMatchObject({
    cluster: "backend",
    attempts: 1,
    bytesReceived: 5,
    bytesSent: 5,
    flags: new Set(),
    host: { port: upstream.port },
    upstreamPeer: { remotePort: upstream.port },
  });
  const { numbers } = [...proxy.cluster.hosts.hosts()][0]!;
  expect(numbers).toMatchObject({ activeRequests: 0, activeConnections: 0, requests: 1 });
  expect(proxy.cluster.breakers.default.active("connections")).toBe(0);
});

test("a server that speaks first is heard at once", async () => {
  const upstream = await listen((socket) => void socket.write("welcome"));
  const proxy = await start({}, { upstreamPorts: [upstream.port] });
  const socket = dial(proxy.port);
  expect(String(await new Promise((resolve) => socket.once("data", resolve)))).toBe("welcome");
});

test("RFC 9293 §3.6: each direction ends on its own", async () => {
  const upstream = await listen((socket) => socket.once("end", () => socket.end("after your end")));
  const proxy = await start({}, { upstreamPorts: [upstream.port] });
  const socket = dial(proxy.port);
  await until(() => upstream.sockets.length === 1);
  upstream.sockets[0]!.resume();
  socket.end("request");
  expect(await read(socket)).toBe("after your end");
  const other = dial(proxy.port);
  await until(() => upstream.sockets.length === 2);
  upstream.sockets[1]!.end("mine is said");
  expect(await read(other)).toBe("mine is said");
  other.end("and mine");
  expect(await read(upstream.sockets[1]!)).toBe("and mine");
  await until(() => proxy.ended.length === 2);
  expect(proxy.ended.map(({ flags }) => flags.size)).toEqual([0, 0]);
});

test("a reset goes through, so that what was cut short does not look whole", async () => {
  const upstream = await listen();
  const proxy = await start({}, { upstreamPorts: [upstream.port] });
  const socket = dial(proxy.port);
  const errors: string[] = [];
  socket.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code ?? ""));
  socket.write("half of");
  await until(() => upstream.sockets[0]?.bytesRead === 7);
  const closed = closeOf(socket);
  upstream.sockets[0]!.resetAndDestroy();
  socket.resume();
  await closed;
  expect(errors).toEqual(["ECONNRESET"]);
  await until(() => proxy.ended.length === 1);
  expect([...proxy.ended[0]!.flags]).toEqual(["UC"]);
});

test("a slow reader stops a fast writer: what waits is bounded", async () => {
  const upstream = await listen((socket) => socket.pause());
  const bufferBytesMax = 65_536;
  const proxy = await start({ bufferBytesMax }, { upstreamPorts: [upstream.port] });
  const socket = dial(proxy.port);
  const total = 64 * 1_048_576;
  const chunk = Buffer.alloc(1_048_576, 1);
  let written = 0;
  const pump = (): void => {
    while (written < total) {
      written += chunk.length;
      if (!socket.write(chunk)) {
        socket.once("drain", pump);
        return;
      }
    }
    socket.end();
  };
  pump();
  const taken = (): number => socket.bytesWritten - socket.writableLength;
  let before = -1;
  // Until nothing moves any more: the kernel's buffers are full, and ours.
  while (taken() !== before) {
    before = taken();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(before).toBeLessThan(total / 2);
  let received = 0;
  upstream.sockets[0]!.on("data", (bytes: Buffer) => {
    received += bytes.length;
  });
  upstream.sockets[0]!.resume();
  upstream.sockets[0]!.on("end", () => upstream.sockets[0]!.end());
  await until(() => proxy.ended.length === 1);
  expect([received, proxy.ended[0]!.bytesReceived]).toEqual([total, total]);
});

test("a connection on which nothing is sent is closed, and one that is used is not", async () => {
  const clock = new ManualClock();
  const upstream = await echo();
  const options = { upstreamPorts: [upstream.port], clock };
  const proxy = await start({ idleTimeoutMs: 1_000 }, options);
  const socket = dial(proxy.port);
  for (let i = 0; i < 5; i++) {
    socket.write("x");
    await new Promise((resolve) => socket.once("data", resolve));
    clock.advance(900);
  }
  expect(proxy.ended).toEqual([]);
  const closed = closeOf(socket);
  clock.advance(100);
  await closed;
  await until(() => proxy.ended.length === 1);
  expect([...proxy.ended[0]!.flags]).toEqual(["SI"]);
});

async function deadPort(): Promise<number> {
  const server = createServer();
  const port = await listenOn(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("another host is tried as often as is allowed, and the one that failed is known for it", async () => {
  const upstream = await echo();
  const ports = [await deadPort(), await deadPort(), upstream.port];
  const outliers = { ...defaults, consecutive5xx: 2, ejectionPercentMax: 100 };
  const proxy = await start(
    { connectAttemptsMax: 3 },
    { upstreamPorts: ports, cluster: { outliers } },
  );
  for (let i = 0; i < 6; i++) {
    const socket = dial(proxy.port);
    socket.end("x");
    expect(await read(socket)).toBe("x");
  }
  await until(() => proxy.ended.length === 6);
  expect([...proxy.cluster.hosts.hosts()].map(({ isEjected }) => isEjected)).toEqual([
    true,
    true,
    false,
  ]);
});

test("without a host that answers the client's connection is closed, and why is told", async () => {
  const proxy = await start({ connectAttemptsMax: 2 }, { upstreamPorts: [await deadPort()] });
  await closeOf(dial(proxy.port));
  await until(() => proxy.ended.length === 1);
  expect(proxy.ended[0]).toMatchObject({
    attempts: 2,
    upstreamPeer: undefined,
    flags: new Set(["URX", "UF"]),
    detail: expect.stringContaining("ECONNREFUSED"),
  });
  const none = await start({}, { upstreamPorts: [] });
  await closeOf(dial(none.port));
  const wrong = [{ cluster: "nobody", weight: 1, headers: noEdits, subset: {} }];
  const lost = await start({ clusters: wrong }, { upstreamPorts: [] });
  await closeOf(dial(lost.port));
  await until(() => none.ended.length + lost.ended.length === 2);
  expect([...none.ended[0]!.flags, ...lost.ended[0]!.flags]).toEqual(["UH", "NC"]);
});

test("the breaker of a cluster's connections holds", async () => {
  const upstream = await echo();
  const thresholds = { ...clusterConfig().breakers.default, connectionsMax: 2 };
  const breakers = { default: thresholds, high: thresholds };
  const proxy = await start({}, { upstreamPorts: [upstream.port], cluster: { breakers } });
  const held = [dial(proxy.port), dial(proxy.port)];
  await until(() => upstream.sockets.length === 2);
  await closeOf(dial(proxy.port));
  expect([...proxy.ended[0]!.flags]).toEqual(["UO"]);
  held[0]!.end();
  held[0]!.resume();
  await until(() => proxy.ended.length === 2);
  const third = dial(proxy.port);
  third.end("x");
  expect(await read(third)).toBe("x");
});

test("a client that leaves before there is a connection is not connected", async () => {
  const upstream = await listen();
  let dialled = 0;
  const given: (() => void)[] = [];
  const proxy = await start(
    {},
    {
      upstreamPorts: [upstream.port],
      connector: {
        connect: () => {
          dialled++;
          return { [Symbol.dispose]: () => void given.push(() => {}) };
        },
      },
    },
  );
  const socket = dial(proxy.port);
  await until(() => dialled === 1);
  socket.resetAndDestroy();
  await until(() => proxy.ended.length === 1);
  expect([[...proxy.ended[0]!.flags], given.length]).toEqual([["DC"], 1]);
  expect(proxy.cluster.breakers.default.active("connections")).toBe(0);
  expect([...proxy.cluster.hosts.hosts()][0]!.numbers.activeRequests).toBe(0);
});

test("one address of a client goes to one host, and shares go to clusters", async () => {
  const peers = await Promise.all(Array.from({ length: 5 }, () => echo()));
  const upstreamPorts = peers.map(({ port }) => port);
  const balancer = { kind: "maglev", tableSize: 65_537 } as const;
  const hash = [{ kind: "source-ip", terminal: true }] as const;
  const proxy = await start({ hash }, { upstreamPorts, cluster: { balancer } });
  for (let i = 0; i < 10; i++) {
    const socket = dial(proxy.port);
    socket.end("x");
    await read(socket);
  }
  expect(peers.filter(({ sockets }) => sockets.length > 0)).toHaveLength(1);
  const share = (cluster: string, weight: number) => ({
    cluster,
    weight,
    headers: noEdits,
    subset: {},
  });
  const split = await start(
    { clusters: [share("backend", 1), share("second", 3)] },
    { upstreamPorts: [upstreamPorts[0]!], random: { ...systemRandom, below: turns(4) } },
  );
  const snapshot = split.plane.snapshot!;
  const second = clusterConfig({
    name: "second",
    endpoints: [locality([endpoint("127.0.0.1", { port: upstreamPorts[1]! })])],
  });
  const clusters = new Map([...snapshot.clusters, ["second", second]]);
  await split.plane.apply({ ...snapshot, clusters });
  for (let i = 0; i < 8; i++) {
    const socket = dial(split.port);
    socket.end("x");
    await read(socket);
  }
  await until(() => split.ended.length === 8);
  const to = split.ended.map(({ cluster }) => cluster);
  expect([to.filter((it) => it === "backend").length, to.length]).toEqual([2, 8]);
});

function turns(of: number): (below: number) => number {
  let turn = 0;
  return (below) => (below === of ? turn++ % of : 0);
}

test("connections outlive a drain for as long as Envoy's would, and then end", async () => {
  const clock = new ManualClock();
  const upstream = await echo();
  const proxy = await start({}, { upstreamPorts: [upstream.port], clock });
  const socket = dial(proxy.port);
  socket.write("x");
  await new Promise((resolve) => socket.once("data", resolve));
  proxy.plane.drain();
  expect(proxy.plane.active).toBe(1);
  socket.write("y");
  await new Promise((resolve) => socket.once("data", resolve));
  const closed = closeOf(socket);
  clock.advance(TCP_DRAIN_MS);
  await closed;
  await until(() => proxy.plane.active === 0);
});

test("TLS on both sides, and half-closed through it", async () => {
  using files = new Files();
  const group = new Authority("group");
  const pair = files.pair("server", group.member("server"));
  const upstream = await listen();
  const tlsUpstream = await startChains(
    [{ tls: downstreamTls(pair, { applicationProtocols: [] }), filter: tcpConfig() }],
    { upstreamPorts: [upstream.port] },
  );
  open.push(tlsUpstream);
  const tls = downstreamTls(pair, { applicationProtocols: [] });
  const caFile = files.write("ca.crt", group.ca);
  const proxy = await start(
    {},
    {
      upstreamPorts: [tlsUpstream.port],
      cluster: { tls: upstreamTls({ caFile }) },
      chain: { tls },
    },
  );
  const socket = connectTls({
    port: proxy.port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
  });
  socket.allowHalfOpen = true;
  socket.on("error", () => {});
  await until(() => upstream.sockets.length === 1);
  const far = upstream.sockets[0]!;
  socket.end("a question");
  expect(await read(far)).toBe("a question");
  far.end("an answer");
  expect(await read(socket)).toBe("an answer");
  await until(() => proxy.ended.length === 1);
  expect(proxy.ended[0]!.flags.size).toBe(0);
});

test("TLS that is not ended here goes where its server name says", async () => {
  using files = new Files();
  const group = new Authority("group");
  const pair = files.pair("server", group.member("server"));
  const upstream = await echo();
  const behind = await startChains(
    [{ tls: downstreamTls(pair, { applicationProtocols: [] }), filter: tcpConfig() }],
    { upstreamPorts: [upstream.port] },
  );
  open.push(behind);
  const match = { serverNames: ["localhost"] };
  const proxy = await start({}, { upstreamPorts: [behind.port], chain: { match } });
  const options = { port: proxy.port, host: "127.0.0.1", ca: group.ca };
  const socket = connectTls({ ...options, servername: "localhost" });
  socket.end("through");
  expect(await read(socket)).toBe("through");
  const other = connectTls({ ...options, servername: "other.example" });
  // Its handshake never ends: that is told behind the end of the socket.
  other.on("error", () => {});
  expect(await read(other).catch(() => "")).toBe("");
  expect(proxy.plane.listeners.get("in")!.listener.numbers.noChain).toBe(1);
});
