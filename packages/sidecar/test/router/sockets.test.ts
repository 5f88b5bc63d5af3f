// The router between real sockets: what the traps say in virtual time, with node's own clients and
// servers on both sides. Where time matters, it is the test's.
import { createServer as createHttp, type ServerResponse } from "node:http";
import { constants, createServer as createHttp2, type ServerHttp2Stream } from "node:http2";
import { connect, createServer as createTcp } from "node:net";
import { ManualClock } from "@compendium/runtime";
import { afterEach, expect, test } from "vitest";
import { clusterConfig, endpoint, locality } from "../cluster/config.ts";
import {
  listenOn,
  type ProxyOptions,
  type RunningProxy,
  snapshotOf,
  startProxy,
} from "../proxy/harness.ts";
import { makeClient, startUpstream, type Upstream } from "../proxy/peers.ts";
import { policy } from "./world.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

const open: AsyncDisposable[] = [];
const any = new Set(["5xx", "reset", "connect-failure"] as const);
// Not a pause, where time is the system's.
const backoff = { baseMs: 1, maxMs: 1 };
const retry = policy({ on: any, backoff });

afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing[Symbol.asyncDispose]();
});

async function proxyTo(ports: readonly number[], more: Partial<ProxyOptions> = {}) {
  const proxy = await startProxy({ upstreamPorts: ports, action: { retry }, ...more });
  open.push(proxy);
  return proxy;
}

/** Whatever was taken has been given back. */
async function settled({ plane }: RunningProxy, name = "backend"): Promise<void> {
  const { breakers, hosts } = plane.clusterOf(name)!.cluster;
  await until(() => plane.active === 0);
  for (const resource of ["pending", "requests", "retries"] as const) {
    await until(() => breakers.default.active(resource) === 0);
  }
  for (const host of hosts.hosts()) expect(host.numbers.activeRequests).toBe(0);
}

/** Answers each request with the next of these statuses, then with 200 and the request's body. */
async function failing(version: "h1" | "h2", ...statuses: number[]): Promise<Upstream> {
  const upstream = await startUpstream(version, ({ body }) => {
    const status = statuses.shift() ?? 200;
    return { status, body: status === 200 ? body : "no" };
  });
  open.push(upstream);
  return upstream;
}

test.each([
  ["h1", "http1"],
  ["h2", "http1"],
  ["h1", "http2"],
  ["h2", "http2"],
] as const)("%s to %s: 503 and 502, then 200, with the whole body", async (version, protocol) => {
  const upstream = await failing(protocol === "http1" ? "h1" : "h2", 503, 502);
  const more = { action: { retry: { ...retry, retries: 2 } }, cluster: { protocol } };
  const proxy = await proxyTo([upstream.port], more);
  using client = makeClient(version, proxy.port);
  const body = Buffer.alloc(65_536, "a");
  const got = await client.send({ method: "POST", body });
  expect([got.status, got.body.equals(body)]).toEqual([200, true]);
  expect(proxy.plane.clusterOf("backend")?.calls).toMatchObject({
    retries: 2,
    retriesSucceeded: 1,
  });
  await settled(proxy);
});

test("a body larger than 64 KiB is sent once, and its answer is the client's", async () => {
  const upstream = await failing("h1", 503);
  const proxy = await proxyTo([upstream.port]);
  using client = makeClient("h1", proxy.port);
  const got = await client.send({ method: "POST", body: Buffer.alloc(65_537) });
  expect([got.status, proxy.plane.clusterOf("backend")?.calls.retries]).toEqual([503, 0]);
  await settled(proxy);
});

test("of two hosts one refuses connections, and one breaks them: the third serves", async () => {
  const closed = createTcp();
  const refusing = await listenOn(closed);
  await new Promise((resolve) => closed.close(resolve));
  const breaking = createTcp((socket) => socket.on("data", () => socket.resetAndDestroy()));
  const breakingPort = await listenOn(breaking);
  const upstream = await failing("h1");
  const own = policy({ on: any, retries: 2, backoff, hostSelectionAttempts: 9 });
  const ports = [refusing, breakingPort, upstream.port];
  const proxy = await proxyTo(ports, { action: { retry: own } });
  using client = makeClient("h1", proxy.port);
  for (let i = 0; i < 6; i++) {
    expect((await client.send({ method: "POST", body: "b" })).status).toBe(200);
  }
  await settled(proxy);
  breaking.close();
});

test("a gRPC call that is UNAVAILABLE, in an answer without a body, is tried again", async () => {
  let calls = 0;
  const server = createHttp2();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.resume();
    const head = { ":status": 200, "content-type": "application/grpc" };
    if (++calls === 1) return stream.respond({ ...head, "grpc-status": 14 }, { endStream: true });
    stream.respond(head, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end("message");
  });
  const port = await listenOn(server);
  const action = { retry: policy({ on: new Set(["unavailable"]), backoff }) };
  const proxy = await proxyTo([port], { action, cluster: { protocol: "http2" } });
  using client = makeClient("h2", proxy.port);
  const headers = { "content-type": "application/grpc", te: "trailers" };
  const got = await client.send({ method: "POST", headers, body: "request" });
  expect([calls, String(got.body), got.trailers["grpc-status"]]).toEqual([2, "message", "0"]);
  await settled(proxy);
  server.close();
});

test("RFC 9113 §8.7: a stream that is refused again is retried only by the policy", async () => {
  let calls = 0;
  const server = createHttp2();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    if (++calls % 3 !== 0) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    stream.resume();
    stream.respond({ ":status": 200 });
    stream.end("third");
  });
  const port = await listenOn(server);
  const cluster = { protocol: "http2" } as const;
  const named = policy({ on: new Set(["refused-stream"]), backoff });
  const proxy = await proxyTo([port], { cluster, action: { retry: named } });
  using client = makeClient("h1", proxy.port);
  const got = await client.send({ method: "POST", body: "once" });
  expect([got.status, String(got.body), calls]).toEqual([200, "third", 3]);
  const plain = await proxyTo([port], { cluster, action: { retry: undefined } });
  using other = makeClient("h1", plain.port);
  expect([(await other.send({ method: "POST", body: "once" })).status, calls]).toEqual([503, 5]);
  await settled(proxy);
  await settled(plain);
  server.close();
});

test("hedging: the second answers first, and the first is called off", async () => {
  const waiting: ServerResponse[] = [];
  let aborted = 0;
  const server = createHttp((request, response) => {
    request.resume();
    response.on("close", () => {
      if (!response.writableFinished) aborted++;
    });
    waiting.push(response);
  });
  const clock = new ManualClock();
  const hedge = { onPerTryTimeout: true, initialRequests: 1 };
  const own = policy({ on: any, perTryTimeoutMs: 100 });
  const port = await listenOn(server);
  const proxy = await proxyTo([port], { clock, action: { hedge, retry: own } });
  using client = makeClient("h2", proxy.port);
  const answer = client.send({ method: "POST", body: "both" });
  await until(() => waiting.length === 1);
  await turn();
  clock.advance(100);
  await until(() => waiting.length === 2);
  waiting[1]?.end("second");
  expect(String((await answer).body)).toBe("second");
  await until(() => aborted === 1);
  expect(proxy.plane.clusterOf("backend")?.calls).toMatchObject({ hedges: 1, tryTimeouts: 1 });
  await settled(proxy);
  server.close();
  server.closeAllConnections();
});

test("a mirror gets the same body; one that is not there, or stands still, does no harm", async () => {
  const seen: string[] = [];
  const copies = await startUpstream("h2", ({ headers, body }) => {
    seen.push(`${headers[":authority"]} ${body}`);
    return { status: 500 };
  });
  const still = createTcp((socket) => socket.pause());
  const stillPort = await listenOn(still);
  const upstream = await failing("h1");
  open.push(copies);
  const names = { copies: copies.port, gone: 1, still: stillPort };
  const mirrors = Object.keys(names).map((cluster) => {
    return { cluster, fraction: 1_000_000, keepsAuthority: false };
  });
  const options = { upstreamPorts: [upstream.port], action: { mirrors } };
  const proxy = await proxyTo([upstream.port], options);
  const snapshot = snapshotOf(options);
  const clusters = new Map(snapshot.clusters);
  for (const [name, port] of Object.entries(names)) {
    const endpoints = [locality([endpoint("127.0.0.1", { port })])];
    const protocol = name === "copies" ? "http2" : "http1";
    clusters.set(name, clusterConfig({ name, endpoints, protocol }));
  }
  await proxy.plane.apply({ ...snapshot, clusters });
  using client = makeClient("h1", proxy.port);
  const headers = { host: "a.example:81" };
  const got = await client.send({ method: "POST", headers, body: "the same" });
  expect([got.status, String(got.body)]).toEqual([200, "the same"]);
  await until(() => seen.length === 1);
  expect(seen).toEqual(["a.example-shadow:81 the same"]);
  const large = Buffer.alloc(8_000_000, "a");
  const whole = await client.send({ method: "POST", body: large });
  expect(whole.body.equals(large)).toBe(true);
  await settled(proxy);
  still.close();
});

test("a route's idle timeout takes the place of the manager's on both sides, longer or shorter", async () => {
  const server = createHttp((request, response) => {
    request.resume();
    if (request.url === "/begun") response.write("begun");
  });
  const port = await listenOn(server);
  const timers = {
    idleTimeoutMs: 3_600_000,
    streamIdleTimeoutMs: 300_000,
    requestTimeoutMs: 0,
    requestHeadersTimeoutMs: 0,
    drainTimeoutMs: 5_000,
    connectionLifetimeMs: 0,
    streamLifetimeMs: 0,
  };
  for (const idleTimeoutMs of [1_000, 900_000]) {
    const clock = new ManualClock();
    const proxy = await proxyTo([port], { clock, http: { timers }, action: { idleTimeoutMs } });
    for (const version of ["h1", "h2"] as const) {
      using client = makeClient(version, proxy.port);
      const silent = client.send({});
      const broken = client.send({ path: "/begun" }).catch((error: Error) => error);
      await until(
        () => proxy.plane.clusterOf("backend")?.cluster.breakers.default.active("requests") === 2,
      );
      for (let i = 0; i < 20; i++) await turn();
      clock.advance(idleTimeoutMs - 1);
      for (let i = 0; i < 20; i++) await turn();
      expect(proxy.plane.active).toBe(2);
      clock.advance(1);
      expect((await silent).status).toBe(504);
      expect(await broken).toBeInstanceOf(Error);
    }
    await settled(proxy);
  }
  server.close();
  server.closeAllConnections();
});

test("a client that does not take what was sent is cut off by its route's bound, too", async () => {
  const upstream = await startUpstream("h1", () => ({
    status: 200,
    body: Buffer.alloc(30_000_000),
  }));
  open.push(upstream);
  const clock = new ManualClock();
  const proxy = await proxyTo([upstream.port], { clock, action: { idleTimeoutMs: 1_000 } });
  const socket = connect(proxy.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const manager = proxy.plane.managerOf("in", "http")!;
  await until(() => manager.numbers.requests === 1);
  for (let i = 0; i < 500; i++) await turn();
  clock.advance(1_100);
  await until(() => manager.connections === 0);
  socket.destroy();
  await settled(proxy);
});

test("a route may take an upgrade that the manager does not", async () => {
  const upstream = createTcp((socket) => {
    socket.once("data", () => {
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
      );
      socket.write("hello");
    });
    socket.on("error", () => {});
  });
  const port = await listenOn(upstream);
  const proxy = await proxyTo([port], {
    http: { upgrades: [] },
    action: { upgrades: ["websocket"] },
  });
  const socket = connect(proxy.port, "127.0.0.1");
  let got = "";
  socket.on("data", (chunk) => {
    got += chunk;
  });
  socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  await until(() => got.endsWith("hello"));
  expect(got).toMatch(/^HTTP\/1\.1 101 /);
  socket.destroy();
  upstream.close();
});
