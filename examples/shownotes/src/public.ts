// The one public port: the page, the actions, and what users would see of the application, which is
// handed on to the live edge. The services' own probes and controls are not reachable from here.
import { readFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { metricsHandler } from "@compendium/metrics/http";
import { collectRuntime } from "@compendium/metrics/runtime";
import { Registry } from "prom-client";
import { readJson, send, sendJson, sendText } from "./http.ts";
import { BusyError, type Lab } from "./lab.ts";
import { IDEMPOTENCY_KEY } from "./ledger.ts";
import { type PublicPresence, setPartition } from "./public-presence.ts";

// What users see of the application.
const APPLICATION = /^\/(episodes\/|workspaces\/|sign-in$)/;
// And of a region: /regions/eu/episodes/1.
const REGION = /^\/regions\/([\w-]+)(\/episodes\/.*|\/state)$/;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers the public port. `stop` ends the demo; `presence` is where there are regions. */
export function createPublicHandler(
  lab: Lab,
  stop: () => void,
  presence?: PublicPresence,
): Handler {
  const registry = new Registry();
  collectRuntime(registry);
  const metrics = metricsHandler(registry);
  const act = createActions({ lab, stop, presence });

  return (request, response) => {
    // Resolved before it is looked at: "/episodes/../control" asks for /control.
    const url = URL.parse(request.url ?? "/", "http://demo");
    if (url === null) return sendText(response, 400, "not a URL\n");
    const { pathname } = url;
    if (pathname === "/") return sendPage(response);
    if (pathname === "/livez") return sendText(response, 200, "ok\n");
    if (pathname === "/readyz") {
      return lab.edgeUrl === undefined
        ? sendText(response, 503, "the services are being started\n")
        : sendText(response, 200, "ok\n");
    }
    if (pathname === "/metrics") return metrics(request, response);
    if (pathname === "/lab") return sendState({ lab, presence }, response);
    if (pathname.startsWith("/lab/")) return void act(pathname.slice(5), request, response);
    const path = pathname + url.search;
    if (APPLICATION.test(pathname)) return handOn("edge", lab.edgeUrl, path, request, response);
    const [, region = "", asked] = REGION.exec(path) ?? [];
    if (asked !== undefined) {
      return handOn("region", presence?.urlOf(region), asked, request, response);
    }
    sendText(response, 404, "try / or /episodes/1/notes\n");
  };
}

interface Shown {
  readonly lab: Lab;
  readonly presence: PublicPresence | undefined;
}

function createActions({ lab, stop, presence }: Shown & { stop: () => void }) {
  const actions: Record<string, (asked: Asked) => Promise<unknown>> = {
    experiment: ({ id }) => lab.run(id),
    pattern: ({ on }) => lab.setPattern(on),
    fault: ({ on }) => lab.setFault(on),
    reset: () => lab.reset(),
    partition: ({ on }) => setPartition(presence, on),
    // The answer goes out first.
    quit: async () => void setTimeout(stop, 50),
  };
  return async (verb: string, request: IncomingMessage, response: ServerResponse) => {
    const action = Object.hasOwn(actions, verb) ? actions[verb] : undefined;
    if (action === undefined) {
      return sendText(response, 404, `try POST /lab/${Object.keys(actions).join(", ")}\n`);
    }
    if (request.method !== "POST") {
      response.setHeader("allow", "POST");
      return sendText(response, 405, "only POST\n");
    }
    if (isForeign(request)) return sendText(response, 403, `not for ${request.headers.origin}\n`);
    let asked: Asked;
    try {
      const body = await readJson(request);
      asked =
        verb === "experiment"
          ? { id: readExperiment(lab, body) }
          : { id: "", on: readSwitch(body) };
    } catch (error) {
      return sendText(response, 400, `${(error as Error).message}\n`);
    }
    try {
      await action(asked);
      sendState({ lab, presence }, response);
    } catch (error) {
      const status = error instanceof BusyError ? 409 : 500;
      sendText(response, status, `${(error as Error).message}\n`);
    }
  };
}

// What was said to an action: to an experiment which one, to a switch which side.
interface Asked {
  id: string;
  on?: boolean | undefined;
}

function readExperiment(lab: Lab, { id = "x1", ...others }: Record<string, unknown>): string {
  sayOnly("id", others);
  const known = lab.experiments.map((experiment) => experiment.id);
  if (typeof id === "string" && known.includes(id)) return id;
  throw new RangeError(`id must be one of ${known.join(", ")}, got ${JSON.stringify(id)}`);
}

function readSwitch({ on, ...others }: Record<string, unknown>): boolean | undefined {
  sayOnly("on", others);
  if (on === undefined || typeof on === "boolean") return on;
  throw new TypeError(`on must be true or false, got ${JSON.stringify(on)}`);
}

// A page of another site may send a form here, but cannot hide where it comes from.
function isForeign({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin !== undefined && origin !== `http://${host}`;
}

function sayOnly(name: string, others: object): void {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`only "${name}" may be said, got "${unknown}"`);
}

function sendState({ lab, presence }: Shown, response: ServerResponse): void {
  const areThere = presence?.names.every((name) => presence.urlOf(name) !== undefined);
  const regions = areThere && { names: presence?.names, isParted: presence?.isParted };
  lab.state().then(
    (state) => sendJson(response, 200, { ...state, regions: regions || null }),
    (error: Error) => sendText(response, 500, `${error.message}\n`),
  );
}

function sendPage(response: ServerResponse): void {
  readFile(PAGE, "utf8").then(
    (page) => send(response, 200, "text/html; charset=utf-8", page),
    (error: Error) => sendText(response, 500, `${error.message}\n`),
  );
}

const PAGE = new URL("../page.html", import.meta.url);

function handOn(
  what: "edge" | "region",
  at: URL | undefined,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (at === undefined) return sendText(response, 503, `no ${what} is running just now\n`);
  const url = new URL(path, at);
  const { method = "GET" } = request;
  if (method !== "GET" && isForeign(request)) {
    return sendText(response, 403, `not for ${request.headers.origin}\n`);
  }
  const key = request.headers[IDEMPOTENCY_KEY];
  const headers = key === undefined ? {} : { [IDEMPOTENCY_KEY]: key };
  const call = httpRequest(url, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  call.on("error", (error) => {
    if (response.headersSent) response.destroy();
    else sendText(response, 502, `the ${what} did not answer: ${error.message}\n`);
  });
  response.on("close", () => call.destroy());
  request.pipe(call);
}
