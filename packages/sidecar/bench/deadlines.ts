// npm run bench:deadlines [-- CALLS [CONCURRENCY]]: how late a deadline is in real time. Calls by
// gRPC's rules over HTTP/2 go through a proxy to a server that never answers; each says how long it
// waits (grpc-timeout), and what counts is how much later than that the proxy has ended it. Client,
// proxy and server share a process, which others may keep from running: so a bare timer is set
// beside each call, and is as late as nobody can help.

import { connect, createServer, type ServerHttp2Session } from "node:http2";
import { systemClock } from "@compendium/runtime";
import { listenOn, startProxy } from "../test/proxy/harness.ts";

const [calls = 2_000, concurrency = 40] = process.argv.slice(2).map(Number);
const seenMs: number[] = [];
const bareMs: number[] = [];

// To node's server so many streams that are called off would be a rapid reset.
const server = createServer({ streamResetBurst: 1_000_000, streamResetRate: 1_000_000 });
server.on("session", (session: ServerHttp2Session) => session.on("error", () => {}));
server.on("stream", (stream) => stream.on("error", () => {}).resume());
const latenessMs: number[] = [];

await using proxy = await startProxy({
  upstreamPorts: [await listenOn(server)],
  http: {
    limits: {
      headersBytesMax: 61_440,
      headersMax: 100,
      concurrentStreamsMax: 10_000,
      requestsPerConnectionMax: 0,
      bufferBytesMax: 1_048_576,
    },
  },
  cluster: { protocol: "http2" },
  action: { grpcTimeoutMsMax: 0 },
  observersFor: () => [
    {
      onEnd: ({ durationMs = 0, request }) => {
        const wish = request?.fields.get("grpc-timeout") ?? "";
        latenessMs.push(durationMs - Number.parseInt(wish, 10));
      },
    },
  ],
});

const client = connect(`http://127.0.0.1:${proxy.port}`);

/** Resolves with gRPC's status. */
async function call(timeoutMs: number): Promise<string> {
  const beganAtMs = performance.now();
  const dueAtMs = beganAtMs + timeoutMs;
  systemClock.setTimer(dueAtMs, () => bareMs.push(performance.now() - dueAtMs));
  const stream = client.request({
    ":method": "POST",
    ":path": "/a.B/C",
    "content-type": "application/grpc",
    te: "trailers",
    "grpc-timeout": `${timeoutMs}m`,
  });
  stream.end("message");
  return await new Promise((resolve, reject) => {
    stream.on("response", (head) => {
      seenMs.push(performance.now() - beganAtMs - timeoutMs);
      resolve(String(head["grpc-status"]));
    });
    stream.on("error", reject);
    stream.resume();
  });
}

let left = calls;
const statuses = new Map<string, number>();
const worker = async (): Promise<void> => {
  while (left-- > 0) {
    const status = await call(50 + (left % 200));
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
};
await Promise.all(Array.from({ length: concurrency }, worker));

const line = (name: string, values: number[]): void => {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN).toFixed(2);
  console.log(`${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, p100 ${at(1)} ms`);
};
console.log(`${calls} calls, ${concurrency} at a time, grpc-status ${[...statuses].join("; ")}`);
line("a bare timer is late by", bareMs);
line("the proxy ends a call late by", latenessMs);
line("the client hears of it late by", seenMs);
client.destroy();
server.close();
process.exitCode = Math.max(...latenessMs) > Math.max(...bareMs) + 10 ? 1 : 0;
