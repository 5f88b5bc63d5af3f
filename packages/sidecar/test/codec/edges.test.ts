// The corners of HTTP/1.x: what a proxy must not pass on as it came, and what it must not believe.
import { connect as connectHttp2 } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { listenOn, startProxy } from "../proxy/harness.ts";
import { collect, makeClient, startUpstream } from "../proxy/peers.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

/** An upstream that answers each request with these bytes; how often it was called. */
async function startRaw(answer: (head: string, socket: Socket) => string) {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    cleanups.push(() => socket.destroy());
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      const text = answer(chunk.toString("latin1"), socket);
      if (text !== "") socket.write(text, "latin1");
    });
  });
  cleanups.push(() => server.close());
  return { port: await listenOn(server), connections: () => connections };
}

/** Sends bytes, and collects what comes until the proxy closes or `isDone`. */
async function talk(port: number, bytes: string, isDone = (_: string) => false): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  cleanups.push(() => socket.destroy());
  let got = "";
  let isClosed = false;
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    got += chunk.toString("latin1");
  });
  socket.on("close", () => {
    isClosed = true;
  });
  socket.write(bytes, "latin1");
  await until(() => isClosed || isDone(got));
  return got;
}

test.each([
  ["behind a body", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"],
  ["behind a 204", "HTTP/1.1 204 No Content\r\n\r\n"],
  ["behind a 304 with a length", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"],
  ["behind chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
])("RFC 9112 §9.2: a second response %s is nobody's", async (_where, first) => {
  const second = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\npoisoned";
  let requests = 0;
  const upstream = await startRaw(() => (++requests === 1 ? first + second : first));
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  using client = makeClient("h1", proxy.port);
  const status = Number(first.slice(9, 12));
  for (let i = 0; i < 3; i++) {
    const got = await client.send({});
    expect([got.status, String(got.body)]).not.toContain("poisoned");
    expect(got.status).toBe(status);
    for (let j = 0; j < 5; j++) await turn();
  }
});

test("a body behind the response to HEAD is not the next response", async () => {
  let requests = 0;
  const upstream = await startRaw((head) => {
    requests++;
    const body = head.startsWith("HEAD") ? "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nX" : "ok";
    return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  });
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  using client = makeClient("h1", proxy.port);
  expect((await client.send({ method: "HEAD" })).status).toBe(200);
  for (let j = 0; j < 5; j++) await turn();
  expect(String((await client.send({})).body)).toBe("ok");
  expect(requests).toBe(2);
});

test("RFC 9112 §6.1: a response of HTTP/1.0 with a transfer coding is faulty", async () => {
  const upstream = await startRaw(
    () => "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  );
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  using client = makeClient("h1", proxy.port);
  expect((await client.send({})).status).toBe(502);
  expect(proxy.codec.stats().badResponses).toBe(1);
});

test("a response of HTTP/1.0 without a length ends with its connection, and is passed on whole", async () => {
  const upstream = await startRaw((_head, socket) => {
    socket.end("HTTP/1.0 200 OK\r\n\r\nto the end");
    return "";
  });
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  for (const version of ["h1", "h2"] as const) {
    using client = makeClient(version, proxy.port);
    expect(String((await client.send({})).body)).toBe("to the end");
  }
});

test("RFC 9112 §7.1: a client of HTTP/1.0 gets no chunks, and no trailers; the end is the connection's", async () => {
  await using upstream = await startUpstream("h1", () => ({
    status: 200,
    headers: { "transfer-encoding": "chunked", trailer: "x-sum" },
    body: "some text",
    trailers: { "x-sum": "1" },
  }));
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  const head = "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";
  const got = await talk(proxy.port, head);
  const [fields = "", body] = got.split("\r\n\r\n");
  expect(body).toBe("some text");
  expect(fields).toMatch(/connection: close/i);
  expect(fields).not.toMatch(/transfer-encoding|x-sum: 1/i);
});

test("RFC 9112 §9.3: a client of HTTP/1.0 that asks for it keeps its connection when the length is known", async () => {
  await using upstream = await startUpstream("h1", () => ({
    status: 200,
    headers: { "content-length": "2" },
    body: "ok",
  }));
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  const head = "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";
  const got = await talk(proxy.port, head + head, (text) => text.split("ok").length === 3);
  expect(got.match(/connection: keep-alive/gi)).toHaveLength(2);
});

test("RFC 9113 §8.2.3: the crumbs of a cookie are put together for HTTP/1.1", async () => {
  let seen = "";
  const upstream = await startRaw((head) => {
    seen = head;
    return "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
  });
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  const session = connectHttp2(`http://127.0.0.1:${proxy.port}`);
  cleanups.push(() => session.destroy());
  const stream = session.request({ ":path": "/", cookie: ["a=b", "c=d", "e=f"] });
  await collect(stream);
  expect(seen.match(/^cookie: .*$/gim)).toEqual(["cookie: a=b; c=d; e=f"]);
});

test.each([
  ["h1", "http1"],
  ["h1", "http2"],
  ["h2", "http1"],
  ["h2", "http2"],
] as const)("obs-text and repeated fields come through as they are, %s to %s", async (from, to) => {
  const text = Buffer.from("caf\u00e9", "latin1").toString("latin1");
  await using upstream = await startUpstream(to === "http2" ? "h2" : "h1", ({ headers }) => ({
    status: 200,
    headers: { "x-seen": String(headers["x-sent"]), "set-cookie": ["a=1", "b=2"] },
  }));
  await using proxy = await startProxy({
    upstreamPorts: [upstream.port],
    cluster: { protocol: to },
  });
  using client = makeClient(from, proxy.port);
  const got = await client.send({ headers: { "x-sent": text } });
  expect(got.headers["x-seen"]).toBe(text);
  expect(got.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
});

test("RFC 9110 §10.1.1: an upstream may answer a request that waits for 100 at once", async () => {
  const upstream = await startRaw(() => "HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno");
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  const head = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
  const got = await talk(proxy.port, head, (text) => text.endsWith("no"));
  expect(got).toMatch(/^HTTP\/1\.1 403 /);
  // Nobody knows whether the body follows: another request on this connection could not be told.
  expect(got).toMatch(/connection: close/i);
});

test("RFC 9110 §9.3.2: the response to HEAD keeps the length that GET would have", async () => {
  const upstream = await startRaw(() => "HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n");
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  for (const version of ["h1", "h2"] as const) {
    using client = makeClient(version, proxy.port);
    const got = await client.send({ method: "HEAD" });
    expect([got.headers["content-length"], got.body.length]).toEqual(["12345", 0]);
  }
});

test("an interim response behind another, and then the final one, in one packet", async () => {
  const upstream = await startRaw(
    () =>
      "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </b>\r\n\r\n" +
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
  );
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  const head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const got = await talk(proxy.port, head, (text) => text.endsWith("ok"));
  expect(got.match(/^HTTP\/1\.1 \d+/gm)).toEqual(["HTTP/1.1 103", "HTTP/1.1 103", "HTTP/1.1 200"]);
  expect(await talk(proxy.port, head.replace("1.1", "1.0"))).not.toContain("103");
});

test("RFC 9112 §9.6: an upstream that says `Connection: close` is not asked again", async () => {
  const upstream = await startRaw(
    () => "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
  );
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  using client = makeClient("h1", proxy.port);
  for (let i = 1; i <= 3; i++) {
    const got = await client.send({});
    const { connection } = got.headers;
    expect([got.status, connection]).toEqual([200, "keep-alive"]);
    expect(upstream.connections()).toBe(i);
  }
});
