// Sockets that are cut off at any moment, on both sides of the proxy, by chance from a seed.
// Nothing is left behind, and the next request is answered.
import { connect as connectHttp2 } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { SeededRandom } from "@compendium/runtime";
import { afterAll, expect, test } from "vitest";
import type { RetryConfig } from "../../src/config/route-config.ts";
import { listenOn, startProxy } from "../proxy/harness.ts";
import { makeClient, startUpstream, type Version } from "../proxy/peers.ts";
import { policy } from "../router/world.ts";
import { turns, until } from "./scene.ts";

const SEEDS = 3;
const ROUNDS = 60;

const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => void rejections.push(reason);
process.on("unhandledRejection", onRejection);
afterAll(() => void process.off("unhandledRejection", onRejection));

const requests = [
  "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
  "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabcdef",
  "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 6\r\n\r\nabcdef",
  "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n",
  "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nbytes",
];
const answers = [
  "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabcdef",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end",
  "HTTP/1.1 503 No\r\nretry-after: 0\r\ncontent-length: 2\r\n\r\nno",
  "HTTP/1.1 101 Yes\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nbytes",
];

/** Writes a part of this in pieces, and then ends, resets, destroys or leaves the socket. */
async function saySome(socket: Socket, text: string, random: SeededRandom): Promise<void> {
  const end = random.below(3) === 0 ? text.length : random.below(text.length + 1);
  for (let at = 0; at < end && !socket.destroyed; ) {
    const next = Math.min(end, at + 1 + random.below(text.length));
    socket.write(text.slice(at, next), "latin1");
    at = next;
    if (random.below(2) === 0) await turns(random.below(4));
  }
  if (socket.destroyed) return;
  const how = random.below(4);
  if (how === 0) socket.end();
  else if (how === 1) socket.resetAndDestroy();
  else if (how === 2) socket.destroy();
  else if (random.below(2) === 0) socket.pause();
}

async function startFickle(version: Version, random: SeededRandom, sockets: Set<Socket>) {
  if (version === "h2") {
    const upstream = await startUpstream("h2", async ({ body }) => {
      await turns(random.below(4));
      return { status: [200, 204, 503][random.below(3)]!, body };
    });
    return upstream.port;
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", () => {
      void saySome(socket, answers[random.below(answers.length)]!, random);
    });
  });
  server.unref();
  return await listenOn(server);
}

async function cutOffHttp1(port: number, random: SeededRandom): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  if (random.below(3) > 0) socket.resume();
  let text = "";
  for (let i = 0; i <= random.below(3); i++) text += requests[random.below(requests.length)]!;
  await saySome(socket, text, random);
  await turns(random.below(6));
  socket.destroy();
}

async function cutOffHttp2(port: number, random: SeededRandom): Promise<void> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  for (let i = 0; i <= random.below(4); i++) {
    const method = random.below(2) === 0 ? "GET" : "POST";
    const stream = session.request({ ":method": method }, { endStream: method === "GET" });
    stream.on("error", () => {});
    if (random.below(2) === 0) stream.resume();
    if (method === "POST" && random.below(2) === 0) stream.write("abc");
    await turns(random.below(5));
    const how = random.below(4);
    if (how === 0) stream.close(8);
    else if (how === 1) stream.end("abc");
    else if (how === 2) stream.destroy();
  }
  await turns(random.below(5));
  if (random.below(2) === 0) session.close();
  session.destroy();
}

const retry: RetryConfig = policy({
  on: new Set(["5xx", "reset", "connect-failure"]),
  retries: 2,
  perTryTimeoutMs: 20,
  backoff: { baseMs: 1, maxMs: 2 },
});
const filters = [
  { kind: "buffer", name: "buffer", requestBytesMax: 4 },
  { kind: "compressor", name: "gzip", contentTypes: ["text/plain"], bytesMin: 1 },
] as const;

const cases = Array.from({ length: SEEDS }, (_, seed) => {
  return (["h1", "h2"] as const).map((version) => [version, seed] as const);
}).flat();

test.each(cases)("upstream of %s, seed %i: nothing is left behind", async (version, seed) => {
  const random = new SeededRandom(seed + 1);
  const sockets = new Set<Socket>();
  const port = await startFickle(version, random, sockets);
  const protocol = version === "h1" ? "http1" : "http2";
  const action = {
    retry,
    hedge: { initialRequests: 1, onPerTryTimeout: seed % 2 === 0 },
    timeoutMs: 60,
  };
  await using proxy = await startProxy({
    upstreamPorts: [port],
    cluster: { protocol },
    action: {
      ...action,
      mirrors: [{ cluster: "backend", fraction: 500_000, keepsAuthority: true }],
    },
    http: { filters: seed % 3 === 2 ? filters : [] },
  });
  const running: Promise<void>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const attack = random.below(2) === 0 ? cutOffHttp1 : cutOffHttp2;
    running.push(attack(proxy.port, random));
    await turns(random.below(3));
  }
  await Promise.all(running);
  const { cluster } = proxy.plane.clusterOf("backend")!;
  await until(() => {
    // What upstream keeps open on purpose; mirrors and retries may still make more of them.
    for (const socket of sockets) socket.destroy();
    return proxy.plane.active === 0;
  });
  for (const resource of ["pending", "requests", "retries"] as const) {
    await until(() => cluster.breakers.default.active(resource) === 0);
  }
  for (const host of cluster.hosts.hosts()) expect(host.numbers.activeRequests).toBe(0);
  const manager = proxy.plane.managerOf("in", "http")!;
  await until(() => manager.connections === 0);
  if (version === "h2") {
    using client = makeClient("h1", proxy.port);
    expect([200, 204, 503]).toContain((await client.send({})).status);
  }
  expect(rejections).toEqual([]);
});
