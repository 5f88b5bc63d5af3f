// The one public port: the page, the actions, and what users would see of the application, which is
// handed on to the live edge. The services' own probes and controls are not reachable from here.
import { readFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { metricsHandler } from "@compendium/metrics/http";
import { collectRuntime } from "@compendium/metrics/runtime";
import { Registry } from "prom-client";
import { readJson, send, sendJson, sendText } from "./http.ts";
import { BusyError, type Lab } from "./lab.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers the public port. `stop` ends the demo with an exit code. */
export function createPublicHandler(lab: Lab, stop: (code: number) => Promise<void>): Handler {
  const registry = new Registry();
  collectRuntime(registry);
  const metrics = metricsHandler(registry);
  const actions: Record<string, (on?: boolean) => Promise<unknown>> = {
    experiment: () => lab.runExperiment(),
    pattern: (on) => lab.setPattern(on),
    fault: (on) => lab.setFault(on),
    reset: () => lab.reset(),
    quit: async () => void setTimeout(() => void stop(0), 50),
  };

  const act = async (verb: string, request: IncomingMessage, response: ServerResponse) => {
    const action = Object.hasOwn(actions, verb) ? actions[verb] : undefined;
    if (action === undefined) {
      return sendText(response, 404, `try POST /lab/${Object.keys(actions).join(", ")}\n`);
    }
    if (request.method !== "POST") {
      response.setHeader("allow", "POST");
      return sendText(response, 405, "only POST\n");
    }
    // A page of another site may send a form here, but cannot hide where it comes from.
    const { origin, host } = request.headers;
    if (origin !== undefined && origin !== `http://${host}`) {
      return sendText(response, 403, `not for ${origin}\n`);
    }
    try {
      const { on } = await readJson(request);
      if (on !== undefined && typeof on !== "boolean") {
        throw new TypeError(`on must be true or false, got ${JSON.stringify(on)}`);
      }
      await action(on);
      sendJson(response, 200, await lab.state());
    } catch (error) {
      const bad = error instanceof TypeError || error instanceof SyntaxError;
      const status = error instanceof BusyError ? 409 : bad ? 400 : 500;
      sendText(response, status, `${(error as Error).message}\n`);
    }
  };

  return (request, response) => {
    const path = (request.url ?? "/").split("?")[0] as string;
    if (path === "/") return void sendPage(response);
    if (path === "/livez") return sendText(response, 200, "ok\n");
    if (path === "/readyz") {
      return lab.edgeUrl === undefined
        ? sendText(response, 503, "the services are being started\n")
        : sendText(response, 200, "ok\n");
    }
    if (path === "/metrics") return metrics(request, response);
    if (path === "/lab") return void lab.state().then((state) => sendJson(response, 200, state));
    if (path.startsWith("/lab/")) return void act(path.slice(5), request, response);
    if (path.startsWith("/episodes/")) return handOn(lab.edgeUrl, request, response);
    sendText(response, 404, "try / or /episodes/1/notes\n");
  };
}

async function sendPage(response: ServerResponse): Promise<void> {
  send(response, 200, "text/html; charset=utf-8", await readFile(PAGE, "utf8"));
}

const PAGE = new URL("../page.html", import.meta.url);

function handOn(
  edgeUrl: URL | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (edgeUrl === undefined) return sendText(response, 503, "no edge is running just now\n");
  const url = new URL(request.url ?? "/", edgeUrl);
  const { method = "GET" } = request;
  const call = httpRequest(url, { method }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  call.on("error", (error) => {
    if (response.headersSent) response.destroy();
    else sendText(response, 502, `the edge did not answer: ${error.message}\n`);
  });
  response.on("close", () => call.destroy());
  request.pipe(call);
}
