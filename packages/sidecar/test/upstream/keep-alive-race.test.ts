// RFC 9112 §9.3.1: a server may close an idle connection at any time, also at the very moment in
// which the next request is sent on it. Hundreds of phases of the two, by a seed; and at the worst
// of them the server has read the request, and closes without a word.

import { createServer as createHttp2, type Http2Session } from "node:http2";
import { createServer, type Socket } from "node:net";
import { SeededRandom } from "@compendium/runtime";
import { expect, test } from "vitest";
import { listenOn, startProxy } from "../proxy/harness.ts";
import { makeClient } from "../proxy/peers.ts";
import { turns } from "./turns.ts";

const ways = ["end", "destroy", "reset", "unheard"] as const;

/** Answers the first request on each connection, and closes it in some way a while later. */
async function startClosing(random: SeededRandom) {
  const numbers = { connections: 0, cutOff: 0 };
  const sockets = new Set<Socket>();
  const onConnection = (socket: Socket): void => {
    numbers.connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let isAnswered = false;
    const way = ways[random.below(ways.length)]!;
    const afterTurns = random.below(8);
    socket.on("data", async () => {
      if (isAnswered) {
        numbers.cutOff++;
        return void socket.destroy();
      }
      isAnswered = true;
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      await turns(afterTurns);
      if (way === "end") socket.end();
      else if (way === "destroy") socket.destroy();
      else if (way === "reset") socket.resetAndDestroy();
    });
  };
  const server = createServer(onConnection);
  const port = await listenOn(server);
  const stop = async (): Promise<void> => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port, numbers, [Symbol.asyncDispose]: stop };
}

test.each([1, 2, 3])("no idempotent request sees the race of keep-alive, seed %i", async (seed) => {
  const random = new SeededRandom(seed);
  await using upstream = await startClosing(random);
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  using client = makeClient("h1", proxy.port);
  const methods = ["GET", "PUT", "DELETE", "OPTIONS"];
  for (let i = 0; i < 200; i++) {
    const method = methods[random.below(methods.length)]!;
    const got = await client.send({ method, ...(method === "PUT" ? { body: "same" } : {}) });
    expect([got.status, String(got.body)], `${method}, request ${i}`).toEqual([200, "ok"]);
    await turns(random.below(8));
  }
  expect(upstream.numbers.cutOff).toBeGreaterThan(10);
});

/** Answers the first stream of each session, and takes its leave while the second is on its way. */
async function startLeaving(random: SeededRandom) {
  const server = createHttp2();
  const sessions = new Set<Http2Session>();
  const answered = new Map<Http2Session, number>();
  let crossed = 0;
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", async (stream) => {
    const { session } = stream;
    stream.on("error", () => {});
    const first = answered.get(session!);
    if (first !== undefined) {
      crossed++;
      session!.goaway(0, first);
      return;
    }
    answered.set(session!, stream.id!);
    stream.resume();
    stream.respond({ ":status": 200 });
    stream.end("ok");
    if (random.below(4) === 0) return;
    await turns(random.below(12));
    session?.close();
  });
  const port = await listenOn(server);
  const stop = async (): Promise<void> => {
    server.close();
    for (const session of sessions) session.destroy();
  };
  return { port, crossed: () => crossed, [Symbol.asyncDispose]: stop };
}

test("RFC 9113 §6.8: no request of any method sees a GOAWAY that crosses it", async () => {
  const random = new SeededRandom(4);
  await using upstream = await startLeaving(random);
  const cluster = { protocol: "http2" } as const;
  await using proxy = await startProxy({ upstreamPorts: [upstream.port], cluster });
  using client = makeClient("h2", proxy.port);
  for (let i = 0; i < 200; i++) {
    const got = await client.send(i % 2 === 0 ? {} : { method: "POST", body: "once" });
    expect([got.status, String(got.body)], `request ${i}`).toEqual([200, "ok"]);
    await turns(random.below(12));
  }
  expect(upstream.crossed()).toBeGreaterThan(10);
});
