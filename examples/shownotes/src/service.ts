// What every service of the demo has in common: a socket, probes, metrics, a control door, and a
// decent end. SIGTERM makes `/readyz` say no, refuses what comes new, lets the requests in flight
// finish, and exits; what is not done after four seconds is cut off, because whoever asked will not
// wait for ever.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { metricsHandler } from "@compendium/metrics/http";
import { collectRuntime } from "@compendium/metrics/runtime";
import type { Registry } from "prom-client";
import type { Listen } from "./command-line.ts";
import { readJson, sendJson, sendText } from "./http.ts";

const DRAIN_MS = 4_000;

/** What a service does besides what all do. */
export interface ServiceDefinition {
  name: string;
  /** Answers everything that no common path takes. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): void;
  /** `GET /control`: where the service stands. */
  state(): object;
  /** `POST /control/<verb>` with a JSON body. Throws a TypeError or RangeError for a bad one. */
  control: Record<string, (body: Record<string, unknown>) => void>;
  registry: Registry;
  /** What is to be done at the end, once nothing is in hand any more. */
  close?(): Promise<void>;
}

/** Starts a service and tells its port: on the terminal, and to the supervisor if there is one. */
export async function runService(definition: ServiceDefinition, listen: Listen): Promise<void> {
  collectRuntime(definition.registry);
  const exit = () => process.exit(0);
  const { server, drain } = createService(definition, () => {
    if (definition.close === undefined) exit();
    else definition.close().finally(exit);
  });
  process.on("SIGTERM", drain);
  superviseFromAbove(drain);
  const port = await listenOn(server, listen);
  process.send?.({ port });
  if (process.send === undefined) {
    console.log(`${definition.name} listens on http://${listen.host}:${port}`);
  }
}

/** A service without its process. `exit` is called once, when `drain` has nothing to wait for. */
export function createService(
  definition: ServiceDefinition,
  exit: () => void,
): { server: Server; drain: () => void } {
  let draining = false;
  let ended = false;
  let inHand = 0;
  const end = () => {
    if (!ended) exit();
    ended = true;
  };
  const drain = () => {
    if (draining) return;
    draining = true;
    if (inHand === 0) end();
    else setTimeout(end, DRAIN_MS).unref();
  };
  const answer = createAnswers(definition, () => draining, drain);
  // The socket stays open while draining: a probe is told "draining", not refused a connection.
  const server = createServer((request, response) => {
    inHand++;
    response.on("close", () => {
      inHand--;
      if (draining && inHand === 0) end();
    });
    answer(request, response);
  });
  return { server, drain };
}

function createAnswers(
  definition: ServiceDefinition,
  isDraining: () => boolean,
  drain: () => void,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { name, registry } = definition;
  const metrics = metricsHandler(registry);
  // A fresh process for a fresh experiment, where something restarts what exits.
  const control = { ...definition.control, exit: drain };

  return (request, response) => {
    const url = URL.parse(request.url ?? "/", "http://service");
    if (url === null) return sendText(response, 400, "not a URL\n");
    const { pathname } = url;
    if (pathname === "/livez") return sendText(response, 200, "ok\n");
    if (pathname === "/readyz" && !isDraining()) return sendText(response, 200, "ok\n");
    if (pathname === "/metrics") return metrics(request, response);
    if (isDraining()) return sendText(response, 503, "draining\n");
    if (pathname === "/control" && request.method === "GET") {
      const startedAtMs = performance.timeOrigin;
      return sendJson(response, 200, { name, startedAtMs, ...definition.state() });
    }
    if (pathname.startsWith("/control/")) {
      return void answerControl(control, pathname.slice(9), request, response);
    }
    definition.handle(request, response, url);
  };
}

async function answerControl(
  control: ServiceDefinition["control"],
  verb: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const act = Object.hasOwn(control, verb) ? control[verb] : undefined;
  if (act === undefined) return sendText(response, 404, `no control "${verb}"\n`);
  if (request.method !== "POST") {
    response.setHeader("allow", "POST");
    return sendText(response, 405, "only POST\n");
  }
  try {
    act(await readJson(request));
    sendText(response, 204, "");
  } catch (error) {
    sendText(response, 400, `${(error as Error).message}\n`);
  }
}

/**
 * Has a child of the supervisor end with it, however it ends; `drain` is what Ctrl-C does where
 * there is none.
 */
// The channel between them closes even when the supervisor is killed with SIGKILL. Ctrl-C reaches
// the whole group; the supervisor decides what it means.
export function superviseFromAbove(drain: () => void): void {
  if (process.send === undefined) {
    process.on("SIGINT", drain);
    return;
  }
  process.on("SIGINT", () => {});
  process.on("disconnect", () => process.exit(0));
  // It may have gone while this process was still starting, before anybody listened for it.
  if (!process.connected) process.exit(0);
}

/** Listens, or throws one line that says what to do. */
export function listenOn(server: Server, { host, port }: Listen): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const { code = "" } = error;
      const next = NEXT_STEPS[code] ?? "";
      reject(new Error(`cannot listen on ${host}:${port} (${code})${next}`, { cause: error }));
    });
    // Connections that nobody has accepted yet wait in a backlog; 128 would refuse a burst.
    server.listen({ host, port, backlog: 4_096 }, () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

const NEXT_STEPS: Record<string, string> = {
  EADDRINUSE: ": it is taken; choose another with --port, or 0 for any that is free",
  EACCES: ": not allowed to; choose one above 1023 with --port",
  EADDRNOTAVAIL: ": not an address of this machine; choose another with --host",
  ENOTFOUND: ": no such host; choose another with --host",
};
