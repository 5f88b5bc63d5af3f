// The admin interface: Envoy's paths on a port of its own. It shows everything and can stop the
// proxy, and asks nobody who he is; it belongs on an address that only operators reach. Two things
// it refuses nevertheless, because a browser on an operator's machine reaches what he reaches: a
// change by GET, and a change that a page of somewhere else has asked for (it has an Origin).
//
// https://www.envoyproxy.io/docs/envoy/latest/operations/admin
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { METRICS_CONTENT_TYPE } from "@compendium/metrics/http";
import { AdminError } from "./admin-error.ts";
import type { AdminSubject } from "./admin-subject.ts";
import { clusters } from "./clusters.ts";
import { configDump } from "./config-dump.ts";
import { drainListeners, failHealth, logging, passHealth, quit } from "./controls.ts";
import { type Answer, type Endpoint, queryFor, text } from "./endpoint.ts";
import { listeners, ready, serverInfo } from "./pages.ts";
import { prometheusStats, stats } from "./stats.ts";

const help: Endpoint = {
  path: "/help",
  help: "print out list of admin commands",
  mutates: false,
  parameters: {},
  answer: () => {
    const lines = endpoints.map(({ path, help: what, mutates }) => {
      return `  ${path}${mutates ? " (POST)" : ""}: ${what}\n`;
    });
    return text(`admin commands are:\n${lines.join("")}`);
  },
};

const endpoints: readonly Endpoint[] = [
  clusters,
  configDump,
  drainListeners,
  failHealth,
  passHealth,
  help,
  listeners,
  logging,
  quit,
  ready,
  serverInfo,
  stats,
  prometheusStats,
].sort((a, b) => (a.path < b.path ? -1 : 1));

const byPath: ReadonlyMap<string, Endpoint> = new Map([
  ["/", help],
  ...endpoints.map((one) => [one.path, one] as const),
]);

const types: Readonly<Record<Answer["type"], string>> = {
  text: "text/plain; charset=utf-8",
  json: "application/json",
  prometheus: METRICS_CONTENT_TYPE,
};

const CONNECTIONS_MAX = 100;
const TIMEOUT_MS = 10_000;

/** The admin interface of one proxy. */
export class AdminServer implements AsyncDisposable {
  readonly #subject: AdminSubject;
  readonly #server: Server;

  constructor(subject: AdminSubject) {
    this.#subject = subject;
    const limits = { headersTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS };
    this.#server = createServer(limits, (request, response) => {
      // Nothing here takes a body.
      request.resume();
      void this.#answer(request, response);
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /**
   * Begins to listen; the port that it got, for a configured 0.
   *
   * @throws Error when the address cannot be had
   */
  async listen(address: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, address, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes the port, and every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      answer = await answerTo(request, this.#subject);
    } catch (error) {
      answer = failureOf(error, response);
    }
    const { status = 200, type, body } = answer;
    response.writeHead(status, {
      "content-type": types[type],
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-cache, max-age=0",
      "x-content-type-options": "nosniff",
    });
    response.end(body);
  }
}

async function answerTo(request: IncomingMessage, subject: AdminSubject): Promise<Answer> {
  const { method = "", url = "", headers } = request;
  const [path = "", ...rest] = url.split("?");
  const endpoint = byPath.get(path);
  if (endpoint === undefined) {
    throw new AdminError("UNKNOWN_ENDPOINT", "there is no such path; see /help");
  }
  const methods = endpoint.mutates ? ["POST"] : ["GET", "HEAD"];
  if (!methods.includes(method)) {
    throw new AdminError("WRONG_METHOD", `${path} takes ${methods.join(", ")}`, methods);
  }
  if (endpoint.mutates && headers.origin !== undefined) {
    throw new AdminError("FOREIGN_ORIGIN", "a page of a browser may not change anything here");
  }
  return await endpoint.answer(queryFor(endpoint, new URLSearchParams(rest.join("?"))), subject);
}

function failureOf(error: unknown, response: ServerResponse): Answer {
  if (!(error instanceof AdminError)) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      status: 500,
      type: "json",
      body: `${JSON.stringify({ code: "INTERNAL", message })}\n`,
    };
  }
  const { code, message, status, allow } = error;
  if (allow.length > 0) response.setHeader("allow", allow.join(", "));
  return { status, type: "json", body: `${JSON.stringify({ code, message })}\n` };
}
