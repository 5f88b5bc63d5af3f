// How late a deadline is in real time. Calls by gRPC's rules over HTTP/2 go through a proxy to a
// server that never answers; each says how long it waits (grpc-timeout), and what counts is how
// much later than that the proxy has ended it. Client, proxy and server share a process, which
// others may keep from running: so a bare timer is set beside each deadline, and is as late as
// nobody can help.
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type ServerHttp2Session,
} from "node:http2";
import { systemClock } from "@compendium/runtime";
import type { RequestInfo } from "../../src/router/request-info.ts";
import { listenOn, startProxy } from "../proxy/harness.ts";

export interface DeadlineReport {
  /** What each call was told, by how many. */
  readonly statuses: ReadonlyMap<string, number>;
  /** By how much the proxy ended calls late, in order. */
  readonly lateMs: readonly number[];
  /** By how much later than a bare timer for the same moment, in order. */
  readonly beyondMs: readonly number[];
}

/** @param concurrency calls at a time */
export async function measureDeadlines(
  calls: number,
  concurrency: number,
): Promise<DeadlineReport> {
  const [lateMs, beyondMs]: [number[], number[]] = [[], []];
  const bareMs = new WeakMap<object, number>();
  const statuses = new Map<string, number>();
  // To node's server so many streams that are called off would be a rapid reset.
  const server = createServer({ streamResetBurst: 1_000_000, streamResetRate: 1_000_000 });
  server.on("session", (session: ServerHttp2Session) => session.on("error", () => {}));
  server.on("stream", (stream) => stream.on("error", () => {}).resume());
  await using proxy = await startProxy({
    upstreamPorts: [await listenOn(server)],
    cluster: { protocol: "http2" },
    action: { grpcTimeoutMsMax: 0 },
    observersFor: () => [
      {
        onBegin: (info) => {
          const dueAtMs = info.startedAtMs + timeoutMsOf(info);
          systemClock.setTimer(dueAtMs, () => bareMs.set(info, performance.now() - dueAtMs));
        },
        onEnd: (info) => {
          const late = (info.durationMs ?? Number.NaN) - timeoutMsOf(info);
          lateMs.push(late);
          // Where the bare one is still to come, the proxy was first.
          beyondMs.push(late - (bareMs.get(info) ?? late));
        },
      },
    ],
  });
  const client = connect(`http://127.0.0.1:${proxy.port}`);
  let left = calls;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const timeoutMs = 50 + (left % 200);
      const status = await call(client, timeoutMs);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  client.destroy();
  server.close();
  const inOrder = (values: number[]): number[] => values.sort((a, b) => a - b);
  return { statuses, lateMs: inOrder(lateMs), beyondMs: inOrder(beyondMs) };
}

const timeoutMsOf = ({ request }: RequestInfo): number =>
  Number.parseInt(request?.fields.get("grpc-timeout") ?? "", 10);

/** Resolves with gRPC's status. */
function call(client: ClientHttp2Session, timeoutMs: number): Promise<string> {
  const stream = client.request({
    ":method": "POST",
    ":path": "/a.B/C",
    "content-type": "application/grpc",
    te: "trailers",
    "grpc-timeout": `${timeoutMs}m`,
  });
  stream.end("message");
  return new Promise((resolve, reject) => {
    stream.on("response", (head) => resolve(String(head["grpc-status"])));
    stream.on("error", reject);
    stream.resume();
  });
}
