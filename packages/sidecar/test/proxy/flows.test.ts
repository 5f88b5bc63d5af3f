// What does not follow the happy order: answers before the request's end, peers that go away,
// readers that are slow, other protocols on the connection.
import { createServer as createHttp, request as httpRequest } from "node:http";
import { connect as connectHttp2, constants, createServer as createHttp2 } from "node:http2";
import { connect, createServer as createTcp, type Socket } from "node:net";
import { expect, test } from "vitest";
import { listenOn, startProxy } from "./harness.ts";
import { collect, makeClient, startUpstream } from "./peers.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

interface TcpUpstream extends AsyncDisposable {
  readonly port: number;
  readonly sockets: Socket[];
}

async function startTcp(onSocket: (socket: Socket, index: number) => void): Promise<TcpUpstream> {
  const sockets: Socket[] = [];
  const server = createTcp((socket) => {
    socket.on("error", () => {});
    onSocket(socket, sockets.push(socket) - 1);
  });
  const port = await listenOn(server);
  return {
    port,
    sockets,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

test("RFC 9112 §9.3.1: a used connection that closes under a request is not the client's trouble", async () => {
  // The first connection answers once, and closes when a second request arrives on it.
  await using upstream = await startTcp((socket, index) => {
    let requests = 0;
    socket.on("data", () => {
      if (index === 0 && ++requests === 2) socket.destroy();
      else socket.write(ok);
    });
  });
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  using client = makeClient("h1", proxy.port);
  expect((await client.send({})).status).toBe(200);
  await until(() => upstream.sockets.length === 1);
  await turn();
  expect((await client.send({ path: "/again" })).status).toBe(200);
  expect(upstream.sockets).toHaveLength(2);
  expect(proxy.plane.clusterOf("backend")?.calls.repeated).toBe(1);
});

test("RFC 9110 §9.2.2: a POST is not sent again", async () => {
  let requests = 0;
  await using upstream = await startTcp((socket) => {
    socket.on("data", () => {
      if (++requests === 2) socket.destroy();
      else socket.write(ok);
    });
  });
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  using client = makeClient("h1", proxy.port);
  expect((await client.send({})).status).toBe(200);
  await turn();
  expect((await client.send({ method: "POST", body: "once" })).status).toBe(503);
  expect(requests).toBe(2);
});

test("a body is sent again with its request", async () => {
  await using upstream = await startTcp((socket, index) => {
    let seen = "";
    let requests = 0;
    socket.on("data", (chunk) => {
      seen += chunk;
      if (!seen.endsWith("the body") && !seen.endsWith("\r\n\r\n")) return;
      if (index === 0 && ++requests === 2) socket.destroy();
      else if (seen.startsWith("PUT")) socket.write(ok.replace("ok", "up"));
      else if (seen.startsWith("GET")) socket.write(ok);
      seen = "";
    });
  });
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  using client = makeClient("h1", proxy.port);
  await client.send({});
  await turn();
  const headers = { "content-length": "8" };
  const got = await client.send({ method: "PUT", body: "the body", headers });
  expect(String(got.body)).toBe("up");
});

test("an early response reaches the client, and the request stops", async () => {
  const server = createHttp((_request, response) => {
    response.writeHead(413, { "content-length": "9" });
    response.end("too large");
  });
  const port = await listenOn(server);
  await using proxy = await startProxy({ upstreamPorts: [port] });
  const request = httpRequest({ port: proxy.port, method: "POST" });
  request.on("error", () => {});
  request.write("a beginning");
  const response = await new Promise<import("node:http").IncomingMessage>((resolve) =>
    request.on("response", resolve),
  );
  expect(response.statusCode).toBe(413);
  expect(String(await collect(response))).toBe("too large");
  request.destroy();
  server.close();
  server.closeAllConnections();
});

test("RFC 9113 §8.1: an early response of HTTP/2 ends with RST_STREAM(NO_ERROR)", async () => {
  const server = createHttp2();
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 413 });
    stream.end("too large");
  });
  const port = await listenOn(server);
  await using proxy = await startProxy({ upstreamPorts: [port], cluster: { protocol: "http2" } });
  const session = connectHttp2(`http://127.0.0.1:${proxy.port}`);
  const stream = session.request({ ":method": "POST" }, { endStream: false });
  stream.on("error", () => {});
  let got = "";
  stream.on("data", (chunk) => {
    got += chunk;
  });
  stream.write("a beginning");
  await until(() => stream.closed);
  expect(got).toBe("too large");
  expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  session.destroy();
  server.close();
});

test("a client that goes away takes its request to upstream with it", async () => {
  let aborted = 0;
  let begun = 0;
  const server = createHttp((request) => {
    begun++;
    request.on("error", () => {});
    request.on("close", () => aborted++);
  });
  const port = await listenOn(server);
  await using proxy = await startProxy({ upstreamPorts: [port] });
  const socket = connect(proxy.port, "127.0.0.1");
  socket.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => begun === 1);
  socket.destroy();
  await until(() => aborted === 1);
  expect(proxy.plane.managerOf("in", "http")?.numbers).toMatchObject({ active: 0, cancelled: 1 });
  server.close();
});

test("an upstream that goes away in the middle of a response cuts it short, and does not end it", async () => {
  await using upstream = await startTcp((socket) => {
    socket.on("data", () => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", () =>
        socket.destroy(),
      );
    });
  });
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  for (const version of ["h1", "h2"] as const) {
    using client = makeClient(version, proxy.port);
    await expect(client.send({})).rejects.toThrow();
  }
});

test("an upstream that closes without an answer is a 503, nonsense is a 502", async () => {
  await using closing = await startTcp((socket) => socket.on("data", () => socket.destroy()));
  await using talking = await startTcp((socket) =>
    socket.on("data", () => socket.write("EHLO\r\n")),
  );
  for (const [upstream, status] of [
    [closing, 503],
    [talking, 502],
  ] as const) {
    await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
    using client = makeClient("h1", proxy.port);
    expect((await client.send({})).status).toBe(status);
  }
});

test("a response with two lengths is no response", async () => {
  await using upstream = await startTcp((socket) => {
    socket.on("data", () => {
      const fields = "content-length: 5\r\ntransfer-encoding: chunked";
      socket.write(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n0\r\n\r\n`);
    });
  });
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  using client = makeClient("h1", proxy.port);
  expect((await client.send({})).status).toBe(502);
  expect(proxy.codec.stats().badResponses).toBe(1);
});

test("a client that does not read stops the upstream that writes", async () => {
  let written = 0;
  const server = createHttp((_request, response) => {
    const chunk = Buffer.alloc(64 * 1024);
    const write = (): void => {
      while (!response.destroyed) {
        written += chunk.length;
        if (!response.write(chunk)) break;
      }
    };
    response.on("drain", write);
    write();
  });
  const port = await listenOn(server);
  await using proxy = await startProxy({ upstreamPorts: [port] });
  const socket = connect(proxy.port, "127.0.0.1");
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  // It stands still when nothing more is written in many turns.
  for (let before = -1, still = 0; still < 200; still = before === written ? still + 1 : 0) {
    before = written;
    await turn();
  }
  // Two pairs of socket buffers of the kernel, some 6 MB each here, and ours.
  expect(written).toBeLessThan(40_000_000);
  socket.destroy();
  server.close();
  server.closeAllConnections();
});

test("an upstream that does not read stops the client that writes", async () => {
  await using upstream = await startTcp((socket) => socket.pause());
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  const socket = connect(proxy.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  const chunk = Buffer.concat([
    Buffer.from("10000\r\n"),
    Buffer.alloc(65_536),
    Buffer.from("\r\n"),
  ]);
  let written = 0;
  const write = (): void => {
    do written += chunk.length;
    while (socket.write(chunk));
  };
  socket.on("drain", write);
  write();
  for (let before = -1, still = 0; still < 200; still = before === written ? still + 1 : 0) {
    before = written;
    await turn();
  }
  expect(written).toBeLessThan(40_000_000);
  socket.destroy();
});

test("RFC 9110 §15.2: 100 and 103 pass, in front of the response", async () => {
  const server = createHttp();
  server.on("checkContinue", (request, response) => {
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
    response.writeContinue();
    request.on("data", () => {});
    request.on("end", () => response.end("done"));
  });
  const port = await listenOn(server);
  await using proxy = await startProxy({ upstreamPorts: [port] });
  const seen: string[] = [];
  const request = httpRequest({
    port: proxy.port,
    method: "PUT",
    headers: { expect: "100-continue", "content-length": "4" },
  });
  request.on("information", ({ statusCode, headers: { link = "" } }) =>
    seen.push(`${statusCode} ${link}`.trim()),
  );
  request.on("continue", () => request.end("body"));
  const response = await new Promise<import("node:http").IncomingMessage>((resolve) =>
    request.on("response", resolve),
  );
  expect(String(await collect(response))).toBe("done");
  expect(seen).toEqual(["103 </style.css>; rel=preload", "100"]);
  request.destroy();
  server.close();
  server.closeAllConnections();
});

test("RFC 9110 §7.8: bytes pass both ways after a 101, and each end closes its own", async () => {
  await using upstream = await startTcp((socket) => {
    socket.once("data", (head) => {
      expect(String(head)).toMatch(/upgrade: websocket/i);
      expect(String(head)).toMatch(/connection: upgrade/i);
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n");
      socket.write("upgrade: websocket\r\n\r\nfirst;");
      socket.on("data", (chunk) => socket.write(`echo ${chunk};`));
      socket.on("end", () => socket.end("bye;"));
    });
  });
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  const socket = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
  let got = "";
  socket.on("data", (chunk) => {
    got += chunk;
  });
  socket.write(
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  await until(() => got.endsWith("first;"));
  expect(got).toMatch(/^HTTP\/1\.1 101 /);
  socket.write("one");
  await until(() => got.endsWith("echo one;"));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.end();
  await closed;
  expect(got.endsWith("bye;")).toBe(true);
});

test("an upgrade that upstream refuses is an ordinary response", async () => {
  await using upstream = await startUpstream("h1", () => ({ status: 403, body: "no" }));
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  const socket = connect(proxy.port, "127.0.0.1");
  socket.write(
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  const got = String(await collect(socket));
  expect(got).toMatch(/^HTTP\/1\.1 403 /);
  expect(got).toMatch(/connection: close/i);
});

test("draining HTTP/1.1 closes after the response; HTTP/2 says GOAWAY and serves what is under way", async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = 0;
  await using upstream = await startUpstream("h1", async () => {
    begun++;
    await held;
    return { status: 200, body: "late" };
  });
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  using h1 = makeClient("h1", proxy.port);
  using h2 = makeClient("h2", proxy.port);
  const answers = [h1.send({}), h2.send({})];
  await until(() => begun === 2);
  proxy.plane.drain();
  release();
  const [first, second] = await Promise.all(answers);
  expect(first?.headers).toMatchObject({ connection: "close" });
  expect(String(second?.body)).toBe("late");
  await until(() => proxy.plane.managerOf("in", "http")?.connections === 0);
});

test("a client of HTTP/2 that leaves an idle connection takes it along", async () => {
  await using upstream = await startUpstream("h1", () => ({ status: 200 }));
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  const client = makeClient("h2", proxy.port);
  await client.send({});
  expect(proxy.plane.managerOf("in", "http")?.connections).toBe(1);
  client[Symbol.dispose]();
  await until(() => proxy.plane.managerOf("in", "http")?.connections === 0);
});
