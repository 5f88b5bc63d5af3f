// What ends because nothing comes: heads, idle connections, idle streams. Time is moved by hand.
import { connect as connectHttp2, createServer as createHttp2 } from "node:http2";
import { connect, createServer as createTcp, type Socket } from "node:net";
import { ManualClock } from "@compendium/runtime";
import { afterEach, expect, test } from "vitest";
import { listenOn, type RunningProxy, startProxy } from "../proxy/harness.ts";
import { makeClient, startUpstream } from "../proxy/peers.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const thing of open.splice(0)) await thing[Symbol.asyncDispose]();
});

async function start(
  upstreamPort: number,
  more = {},
): Promise<RunningProxy & { clock: ManualClock }> {
  const clock = new ManualClock();
  const timers = {
    idleTimeoutMs: 60_000,
    streamIdleTimeoutMs: 30_000,
    requestTimeoutMs: 0,
    requestHeadersTimeoutMs: 10_000,
    drainTimeoutMs: 5_000,
    connectionLifetimeMs: 0,
    streamLifetimeMs: 0,
  };
  const upstreamPorts = [upstreamPort];
  const proxy = await startProxy({ clock, upstreamPorts, http: { timers }, ...more });
  open.push(proxy);
  return Object.assign(proxy, { clock });
}

interface Raw {
  readonly socket: Socket;
  text: string;
  isClosed: boolean;
}

function raw(port: number): Raw {
  const socket = connect(port, "127.0.0.1");
  const state: Raw = { socket, text: "", isClosed: false };
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    state.text += chunk.toString("latin1");
  });
  socket.on("close", () => {
    state.isClosed = true;
  });
  return state;
}

test("RFC 9110 §15.5.9: a head that does not come to its end in time is answered with 408", async () => {
  const proxy = await start(1);
  const client = raw(proxy.port);
  client.socket.write("GET / HTTP/1.1\r\nHost: a\r\n");
  await until(() => proxy.plane.managerOf("in", "http")?.connections === 1);
  for (let i = 0; i < 20; i++) await turn();
  // A byte now and then gains nothing: the time runs from the first one.
  proxy.clock.advance(9_000);
  client.socket.write("X-A: b\r\n");
  for (let i = 0; i < 20; i++) await turn();
  expect(client.text).toBe("");
  proxy.clock.advance(1_000);
  await until(() => client.isClosed);
  expect(client.text).toMatch(/^HTTP\/1\.1 408 /);
  expect(proxy.codec.stats().refused["head-too-slow"]).toBe(1);
});

test("a connection that says nothing at all is closed after the handshake's time", async () => {
  const proxy = await start(1);
  const client = raw(proxy.port);
  await until(() => proxy.clock.pendingTimers > 0);
  proxy.clock.advance(10_000);
  await until(() => client.isClosed);
  expect(client.text).toBe("");
});

test("an idle connection is closed, and not before its time", async () => {
  await using upstream = await startUpstream("h1", () => ({ status: 200, body: "ok" }));
  const proxy = await start(upstream.port);
  const client = raw(proxy.port);
  client.socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => client.text.endsWith("ok\r\n0\r\n\r\n"));
  for (let i = 0; i < 5; i++) await turn();
  proxy.clock.advance(59_000);
  for (let i = 0; i < 5; i++) await turn();
  expect(client.isClosed).toBe(false);
  proxy.clock.advance(1_000);
  await until(() => client.isClosed);
});

test("a stream on which nothing moves ends with 504, at upstream too", async () => {
  let isClosed = false;
  let hasRequest = false;
  const server = createTcp((socket) => {
    socket.on("data", () => {
      hasRequest = true;
    });
    socket.on("close", () => {
      isClosed = true;
    });
    socket.on("error", () => {});
  });
  const port = await listenOn(server);
  const proxy = await start(port, { action: { timeoutMs: 15_000 } });
  using client = makeClient("h1", proxy.port);
  const answer = client.send({});
  await until(() => hasRequest);
  proxy.clock.advance(15_000);
  expect((await answer).status).toBe(504);
  await until(() => isClosed);
  server.close();
});

test("an idle connection of HTTP/2 gets a GOAWAY", async () => {
  await using upstream = await startUpstream("h1", () => ({ status: 200, body: "ok" }));
  const proxy = await start(upstream.port);
  const session = connectHttp2(`http://127.0.0.1:${proxy.port}`);
  let code: number | undefined;
  session.on("goaway", (given) => {
    code = given;
  });
  session.request({ ":path": "/" }).resume().end();
  await until(() => proxy.plane.managerOf("in", "http")?.numbers.requests === 1);
  await until(() => proxy.plane.managerOf("in", "http")?.numbers.active === 0);
  for (let i = 0; i < 10; i++) await turn();
  proxy.clock.advance(60_000);
  await until(() => session.destroyed);
  expect(code).toBe(0);
});

test("RFC 9113 §8.7: what a GOAWAY leaves unprocessed is sent again, even a POST", async () => {
  // The first connection refuses its second stream, and is going away.
  let connections = 0;
  const server = createHttp2();
  server.on("session", (session) => {
    const index = connections++;
    let streams = 0;
    session.on("error", () => {});
    session.on("stream", (stream) => {
      stream.on("error", () => {});
      if (index === 0 && ++streams === 2) {
        stream.close(7);
        session.close();
        return;
      }
      stream.resume();
      stream.respond({ ":status": 200 });
      stream.end(`connection ${index}`);
    });
  });
  const port = await listenOn(server);
  const proxy = await start(port, { cluster: { protocol: "http2" } });
  using client = makeClient("h1", proxy.port);
  expect(String((await client.send({})).body)).toBe("connection 0");
  const got = await client.send({ method: "POST", body: "once" });
  expect(got.status).toBe(200);
  expect(proxy.plane.clusterOf("backend")?.calls.repeated).toBe(1);
  server.close();
});
