// Filters and what does not follow the happy order: waits, streams, tunnels, clients that are slow
// or gone.
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { connect as connectHttp2, constants } from "node:http2";
import { connect, createServer as createTcp } from "node:net";
import { gunzipSync, constants as zlib } from "node:zlib";
import { ManualClock } from "@compendium/runtime";
import { expect, test } from "vitest";
import type { HttpFilterConfig, Rule } from "../../src/config/filter-config.ts";
import { forwardRoute, listenOn } from "../proxy/harness.ts";
import { makeClient, startUpstream } from "../proxy/peers.ts";
import { noise } from "./harness.ts";
import { adaptiveConfig, faultConfig, rateLimitConfig } from "./limit-traps.ts";
import {
  ALL,
  compressor,
  cors,
  countOf,
  denyAdmin,
  grpc,
  send,
  startFiltered,
  turn,
} from "./proxy-harness.ts";
import { rbacConfig } from "./rbac-traps.ts";

test("gRPC: each refusal is a status that gRPC knows", async () => {
  const abort = { status: 200, grpcStatus: 9, fraction: ALL };
  const cases: readonly (readonly [HttpFilterConfig, string])[] = [
    [denyAdmin, "7"],
    [rateLimitConfig({ tokensMax: 1 }), "14"],
    [faultConfig({ abort }), "9"],
  ];
  for (const [filter, status] of cases) {
    await using proxy = await startFiltered([filter]);
    using client = makeClient("h2", proxy.port);
    const call = { method: "POST", path: "/admin", headers: grpc, body: "" };
    let got = await client.send(call);
    if (filter.kind === "local-ratelimit") got = await client.send(call);
    expect([got.status, got.headers["grpc-status"]]).toEqual([200, status]);
  }
});

test("a client is who a trusted hop says it is; a forged one is not", async () => {
  const who: Rule = { kind: "remote-ip", prefix: "203.0.113.0", length: 24 };
  const direct: Rule = { kind: "direct-ip", prefix: "127.0.0.0", length: 8 };
  const allow = rbacConfig("allow", { office: { who: [{ kind: "and", rules: [who, direct] }] } });
  const statuses: number[] = [];
  for (const trustedHops of [0, 1]) {
    await using proxy = await startFiltered([allow], { http: { trustedHops } });
    for (const client of ["203.0.113.7", "198.51.100.1, 203.0.113.7", "203.0.113.7, 10.0.0.1"]) {
      const headers = { "x-forwarded-for": client };
      statuses.push((await send("h1", proxy.port, { headers })).status);
    }
  }
  expect(statuses).toEqual([403, 403, 403, 200, 200, 403]);
});

test("a tunnel passes filters that wait, compress and count, as it is", async () => {
  const upstream = createTcp((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\n");
      socket.write("connection: upgrade\r\nupgrade: websocket\r\n\r\n");
      socket.on("data", (chunk) => socket.write(`echo ${chunk}`));
    });
  });
  const buffer = { kind: "buffer", name: "buffer", requestBytesMax: 3 } as const;
  const adaptive = adaptiveConfig({ limitMin: 1, limitMax: 1 });
  const upstreamPorts = [await listenOn(upstream)];
  await using proxy = await startFiltered([buffer, compressor, adaptive], { upstreamPorts });
  const sockets = [1, 2].map(() => connect(proxy.port, "127.0.0.1"));
  for (const socket of sockets) {
    let got = "";
    socket.on("data", (chunk) => {
      got += chunk;
    });
    socket.write("GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n");
    socket.write("connection: upgrade\r\nupgrade: websocket\r\n\r\n");
    while (!got.endsWith("\r\n\r\n")) await turn();
    expect(got).toMatch(/^HTTP\/1\.1 101 /);
    socket.write("hello");
    while (!got.endsWith("echo hello")) await turn();
  }
  for (const socket of sockets) socket.destroy();
  upstream.close();
});

test("gRPC: a whole call passes filters that wait and mark, with its trailers", async () => {
  await using upstream = await startUpstream("h2", ({ body, trailers }) => ({
    status: 200,
    headers: { "content-type": "application/grpc" },
    body,
    trailers: { "grpc-status": "0", "x-got": String(trailers["x-sent"]) },
  }));
  const buffer = { kind: "buffer", name: "buffer", requestBytesMax: 100_000 } as const;
  const filters = [cors, denyAdmin, buffer, compressor, adaptiveConfig()];
  const cluster = { protocol: "http2" } as const;
  await using proxy = await startFiltered(filters, { upstreamPorts: [upstream.port], cluster });
  const body = noise(50_000);
  const headers = { ...grpc, "accept-encoding": "gzip" };
  const trailers = { "x-sent": "1" };
  const call = { method: "POST", path: "/a.B/C", headers, body, trailers };
  const got = await send("h2", proxy.port, call);
  expect(got.body.equals(body)).toBe(true);
  expect(got.trailers).toMatchObject({ "grpc-status": "0", "x-got": "1" });
  expect(countOf(proxy, "adaptive", "ignored")).toBe(0);
});

test("a route has the filter's settings of its own, or none", async () => {
  const limit = rateLimitConfig({ tokensMax: 1 });
  const routeTo = (prefix: string, own: HttpFilterConfig | false) => {
    const route = forwardRoute();
    const path = { kind: "prefix", value: prefix } as const;
    return { ...route, match: { ...route.match, path }, filters: new Map([["limit", own]]) };
  };
  const routes = [
    routeTo("/free", false),
    routeTo("/own", rateLimitConfig({ tokensMax: 2 })),
    forwardRoute(),
  ];
  const virtualHosts = [{ name: "all", domains: ["*"], requiresTls: false, routes }];
  await using proxy = await startFiltered([limit], { http: { virtualHosts } });
  using client = makeClient("h1", proxy.port);
  const statuses = async (path: string): Promise<number[]> => {
    const got: number[] = [];
    for (let i = 0; i < 3; i++) got.push((await client.send({ path })).status);
    return got;
  };
  expect(await statuses("/")).toEqual([200, 429, 429]);
  expect(await statuses("/own")).toEqual([200, 200, 429]);
  expect(await statuses("/free")).toEqual([200, 200, 200]);
});

test("a delay ends by the clock, and ends with its client", async () => {
  const clock = new ManualClock();
  const fault = faultConfig({ delay: { ms: 5_000, fraction: ALL } });
  await using proxy = await startFiltered([fault], { clock });
  const active = (): number | undefined => countOf(proxy, "fault", "activeFaults");
  const answer = send("h1", proxy.port, {});
  while (active() === 0) await turn();
  clock.advance(5_000);
  expect((await answer).status).toBe(200);
  expect(proxy.infos[0]?.responseFlags).toBe("DI");

  const socket = connect(proxy.port, "127.0.0.1");
  socket.write("GET /gone HTTP/1.1\r\nhost: a\r\n\r\n");
  while (active() === 0) await turn();
  socket.destroy();
  while (active() !== 0) await turn();
  clock.advance(60_000);
  expect(proxy.seen).toEqual(["/"]);
  expect(proxy.infos[1]?.responseFlags).toBe("DI,DC");
});

test("a limit counts what is in flight: one more is refused until the first has ended", async () => {
  const waiting: (() => void)[] = [];
  const upstream = createHttp((_request, response) => {
    waiting.push(() => response.end("done"));
  });
  const upstreamPorts = [await listenOn(upstream)];
  const adaptive = adaptiveConfig({ limitMin: 1, limitMax: 1 });
  await using proxy = await startFiltered([adaptive], { upstreamPorts });
  using client = makeClient("h2", proxy.port);
  const first = client.send({});
  while (waiting.length === 0) await turn();
  const refused = await client.send({});
  expect([refused.status, String(refused.body)]).toEqual([503, "reached concurrency limit\n"]);
  waiting[0]!();
  expect((await first).status).toBe(200);
  const next = client.send({});
  while (waiting.length === 1) await turn();
  waiting[1]!();
  expect((await next).status).toBe(200);
  expect(proxy.filters.get("adaptive")?.numbers).toMatchObject({ rqBlocked: 1, inFlight: 0 });
  upstream.close();
  upstream.closeAllConnections();
});

test("an event can be read, though it is compressed and no other follows", async () => {
  const upstream = createHttp((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: the only one\n\n");
  });
  const upstreamPorts = [await listenOn(upstream)];
  const filter = { ...compressor, contentTypes: ["text/event-stream"] };
  await using proxy = await startFiltered([filter], { upstreamPorts });
  const session = connectHttp2(`http://127.0.0.1:${proxy.port}`);
  const stream = session.request({ ":path": "/", "accept-encoding": "gzip" });
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
  const read = (): string =>
    chunks.length === 0
      ? ""
      : String(gunzipSync(Buffer.concat(chunks), { finishFlush: zlib.Z_SYNC_FLUSH }));
  while (read() !== "data: the only one\n\n") await turn();
  const active = (): number | undefined => countOf(proxy, "compressor", "active");
  expect(active()).toBe(1);
  stream.close(constants.NGHTTP2_CANCEL);
  while (active() !== 0) await turn();
  session.destroy();
  upstream.close();
  upstream.closeAllConnections();
});

test("a client that does not read stops upstream, compressed or not", async () => {
  const chunk = noise(65_536);
  let given = 0;
  const upstream = createHttp((_request, response) => {
    response.writeHead(200, { "content-type": "text/plain" });
    const give = (): void => {
      while (given < 2_000) {
        given++;
        if (!response.write(chunk)) return void response.once("drain", give);
      }
      response.end();
    };
    give();
  });
  const upstreamPorts = [await listenOn(upstream)];
  await using proxy = await startFiltered([compressor], { upstreamPorts });
  const socket = connect(proxy.port, "127.0.0.1");
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\n");
  let before = -1;
  // Everything has come to a halt when nothing is given over many turns.
  for (let quiet = 0; quiet < 200; ) {
    await turn();
    quiet = given === before ? quiet + 1 : 0;
    before = given;
  }
  expect(given).toBeGreaterThan(0);
  expect(given).toBeLessThan(2_000);
  socket.destroy();
  while (countOf(proxy, "compressor", "active") !== 0) await turn();
  upstream.close();
  upstream.closeAllConnections();
});

test("RFC 9110 §10.1.1: whoever waits for the body says so to a client that waits for a word", async () => {
  const buffer = { kind: "buffer", name: "buffer", requestBytesMax: 3 } as const;
  await using proxy = await startFiltered([buffer]);
  const socket = connect(proxy.port, "127.0.0.1");
  let got = "";
  socket.on("data", (chunk) => {
    got += chunk;
  });
  socket.write("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n");
  while (!got.endsWith("\r\n\r\n")) await turn();
  expect(got).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  expect(proxy.seen).toEqual([]);
  socket.write("abc");
  while (!got.includes("abc")) await turn();
  // Nobody asks upstream for a word that the client has.
  expect(got.match(/ 100 /g)?.length).toBe(1);
  socket.write("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
  while (!got.includes(" 413 ")) await turn();
  expect(got.match(/ 100 /g)?.length).toBe(1);
  socket.destroy();
});

test("RFC 9110 §8.6: a body that was waited for has a length; with trailers there is no place for one", async () => {
  const lengths: (string | string[] | undefined)[] = [];
  await using upstream = await startUpstream("h1", ({ headers, body, trailers }) => {
    lengths.push(headers["content-length"]);
    return { status: 200, body: `${body} ${trailers?.["x-sum"] ?? ""}` };
  });
  const buffer = { kind: "buffer", name: "buffer", requestBytesMax: 10 } as const;
  for (const filters of [[buffer], [buffer, { ...buffer, name: "again" }]]) {
    await using proxy = await startFiltered(filters, { upstreamPorts: [upstream.port] });
    const head =
      "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    const ask = async (end: string): Promise<string> => {
      const socket = connect(proxy.port, "127.0.0.1");
      let got = "";
      socket.on("data", (chunk) => {
        got += chunk;
      });
      socket.write(`${head}3\r\nabc\r\n2\r\nde\r\n0\r\n${end}\r\n`);
      await once(socket, "close");
      return got;
    };
    expect(await ask("")).toContain("abcde ");
    expect(await ask("x-sum: 5\r\n")).toContain("abcde 5");
  }
  expect(lengths).toEqual(["5", undefined, "5", undefined]);
});
