// RFC 9112 §9.3.1: a server may close an idle connection at any time, also at the very moment in
// which the next request is sent on it. Hundreds of phases of the two, by a seed; and at the worst
// of them the server has read the request, and closes without a word. And the same of HTTP/2, where
// a GOAWAY says which requests were not looked at (RFC 9113 §6.8).
import { createServer as createHttp2, type Http2Session } from "node:http2";
import { createServer, type Socket } from "node:net";
import { SeededRandom } from "@compendium/runtime";
import { listenOn, startProxy } from "../proxy/harness.ts";
import { type GotResponse, makeClient } from "../proxy/peers.ts";
import { turns } from "./turns.ts";

export interface RaceReport {
  readonly requests: number;
  /** What a request got that was not its answer. */
  readonly failures: readonly string[];
  /** Requests that the server had before it closed without an answer. */
  readonly crossed: number;
}

const ways = ["end", "destroy", "reset", "unheard"] as const;

/** Idempotent requests of HTTP/1.1, one after the other. */
export async function raceKeepAlive(seed: number, requests: number): Promise<RaceReport> {
  const random = new SeededRandom(seed);
  await using upstream = await startClosing(random);
  await using proxy = await startProxy({ upstreamPorts: [upstream.port] });
  using client = makeClient("h1", proxy.port);
  const methods = ["GET", "PUT", "DELETE", "OPTIONS"];
  const failures: string[] = [];
  for (let i = 0; i < requests; i++) {
    const method = methods[random.below(methods.length)]!;
    const answer = client.send({ method, ...(method === "PUT" ? { body: "same" } : {}) });
    const failure = await failureOf(answer);
    if (failure) failures.push(`${method}, request ${i}: ${failure}`);
    await turns(random.below(8));
  }
  return { requests, failures, crossed: upstream.numbers.cutOff };
}

/** Requests of HTTP/2, of any method. */
export async function raceGoaway(seed: number, requests: number): Promise<RaceReport> {
  const random = new SeededRandom(seed);
  await using upstream = await startLeaving(random);
  const cluster = { protocol: "http2" } as const;
  await using proxy = await startProxy({ upstreamPorts: [upstream.port], cluster });
  using client = makeClient("h2", proxy.port);
  const failures: string[] = [];
  for (let i = 0; i < requests; i++) {
    const answer = client.send(i % 2 === 0 ? {} : { method: "POST", body: "once" });
    const failure = await failureOf(answer);
    if (failure) failures.push(`request ${i}: ${failure}`);
    await turns(random.below(12));
  }
  return { requests, failures, crossed: upstream.crossed() };
}

async function failureOf(answer: Promise<GotResponse>): Promise<string | undefined> {
  const got = await answer.then(({ status, body }) => `${status} ${body}`, String);
  return got === "200 ok" ? undefined : got;
}

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
