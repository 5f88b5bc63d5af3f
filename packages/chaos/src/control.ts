// Faults over HTTP: an experiment, a shell or a page switches them in another process. The resource
// is the state, so the verbs mean what RFC 9110 says: PUT replaces the faults, PATCH merges (RFC
// 7396), DELETE heals, and doing it twice changes nothing more.
//
//     GET     /proxies                      every proxy: addresses, faults, numbers
//     GET     /proxies/{name}               one of them
//     GET     /proxies/{name}/faults        its faults; PUT, PATCH and DELETE change them
//     DELETE  /proxies/{name}/connections   resets what is open, once
//     DELETE  /faults                       heals every proxy
//
// A problem is `{ "error": { code, message, field? } }`, and leaves every fault as it was.
//
// Left out: Toxiproxy's own API, whose toxics have names and an order; and any authentication.
// Bind it to 127.0.0.1, its default: whoever reaches it can stop the traffic. Pages in a browser on
// this machine reach it too, some of them through a name that leads here (DNS rebinding); they are
// told apart by the Origin that a browser adds to every change.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ChaosError } from "./errors.ts";
import { type FaultsReading, patchFaults, readFaults } from "./faults.ts";
import { type Address, checkAddress, formatAddress, listenOn } from "./listen.ts";
import type { FaultProxy } from "./proxy.ts";

/** Options of {@link ChaosControl.listen}. */
export interface ChaosControlOptions {
  /** By name, as it stands in the path: 1 to 64 letters, digits, `-`, `_` and `.`. */
  proxies: Readonly<Record<string, FaultProxy>>;
  /** Default 127.0.0.1 and a port that the system chooses. */
  listen?: Address;
  /** Gives up listening. It does not close a server that listens already. */
  signal?: AbortSignal;
}

const BODY_BYTES_MAX = 16_384;
const CONNECTIONS_MAX = 64;
const REQUEST_TIMEOUT_MS = 10_000;

/** An HTTP server that shows and switches the faults of some proxies; it does not own them. */
export class ChaosControl implements AsyncDisposable {
  readonly #proxies: ReadonlyMap<string, FaultProxy>;
  readonly #server: Server;
  #address: Required<Address>;
  #closed: Promise<void> | undefined;

  private constructor({ proxies, listen = { port: 0 } }: ChaosControlOptions) {
    this.#proxies = new Map(Object.entries(proxies));
    for (const name of this.#proxies.keys()) {
      if (/^[\w.-]{1,64}$/.test(name)) continue;
      const allowed = "1 to 64 letters, digits, -, _ and .";
      throw new RangeError(`a name in proxies must be ${allowed}, got ${JSON.stringify(name)}`);
    }
    this.#address = checkAddress("listen", listen, 0);
    this.#server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      this.#serve(request, response);
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /**
   * Resolves once requests are answered.
   *
   * @throws RangeError or TypeError naming an option that is out of its range
   * @throws ChaosError `LISTEN_FAILED` when the port cannot be had
   */
  static async listen(options: ChaosControlOptions): Promise<ChaosControl> {
    const control = new ChaosControl(options);
    control.#address = await listenOn(control.#server, control.#address, options.signal);
    return control;
  }

  /** Where it listens. */
  get address(): Required<Address> {
    return { ...this.#address };
  }

  /** Closes the port and what is connected to it; resolves when no handle is left. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    return this.#closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(request).catch(problemOf);
    if (response.destroyed) return;
    response.writeHead(answer.status, {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      ...answer.headers,
    });
    response.end(`${JSON.stringify(answer.body)}\n`);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    if (request.headers.origin !== undefined) {
      return problem(403, "FROM_A_PAGE", "a page in a browser may not switch faults");
    }
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const method = request.method === "HEAD" ? "GET" : (request.method ?? "");
    const route = this.#route(path);
    if (!route) return problem(404, "NOT_FOUND", `nothing is at ${path}; see GET /proxies`);
    const handle = route[method];
    if (!handle) {
      const allow = Object.keys(route).join(", ");
      const message = `${path} understands ${allow}, not ${request.method}`;
      return { ...problem(405, "METHOD_NOT_ALLOWED", message), headers: { allow } };
    }
    return handle(request);
  }

  #route(path: string): Route | undefined {
    if (path === "/proxies") return { GET: async () => ok(this.#all()) };
    if (path === "/faults") return { DELETE: () => this.#healAll() };
    const [, name = "", part] = /^\/proxies\/([\w.-]+)(?:\/(\w+))?$/.exec(path) ?? [];
    const proxy = this.#proxies.get(name);
    if (!proxy) return undefined;
    if (part === undefined) return { GET: async () => ok(show(name, proxy)) };
    if (part === "faults") return faultsRoute(name, proxy);
    if (part !== "connections") return undefined;
    return { DELETE: async () => ok({ connectionsReset: proxy.resetConnections() }) };
  }

  async #healAll(): Promise<Answer> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.heal()));
    return ok(this.#all());
  }

  #all(): object {
    return { proxies: [...this.#proxies].map(([name, proxy]) => show(name, proxy)) };
  }
}

interface Answer {
  status: number;
  body: object;
  headers?: Readonly<Record<string, string>>;
}

type Route = Readonly<Record<string, (request: IncomingMessage) => Promise<Answer>>>;

function faultsRoute(name: string, proxy: FaultProxy): Route {
  const change = async (
    request: IncomingMessage,
    read: (body: unknown) => FaultsReading,
  ): Promise<Answer> => {
    const body = await readJson(request);
    if ("answer" in body) return body.answer;
    const reading = read(body.value);
    if (reading.problem) {
      const { message, field } = reading.problem;
      return problem(400, "INVALID_FAULTS", message, field);
    }
    await proxy.set(reading.faults);
    return ok(show(name, proxy));
  };
  return {
    GET: async () => ok(proxy.faults),
    PUT: (request) => change(request, readFaults),
    PATCH: (request) => change(request, (body) => patchFaults(proxy.faults, body)),
    DELETE: async () => {
      await proxy.heal();
      return ok(show(name, proxy));
    },
  };
}

function show(name: string, proxy: FaultProxy): object {
  return {
    name,
    listen: formatAddress(proxy.address),
    upstream: formatAddress(proxy.upstream),
    faults: proxy.faults,
    stats: proxy.stats(),
  };
}

async function readJson(
  request: IncomingMessage,
): Promise<{ value: unknown } | { answer: Answer }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    // What is too much is read all the same, for as long as a request may take, and forgotten: a
    // client that is cut off while it sends never sees the answer.
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bytes > BODY_BYTES_MAX) {
    const message = `a body must be at most ${BODY_BYTES_MAX} bytes long, got ${bytes}`;
    return { answer: problem(413, "BODY_TOO_LARGE", message) };
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
    return { value: JSON.parse(text) };
  } catch (error) {
    const message = `the body must be JSON: ${(error as Error).message}`;
    return { answer: problem(400, "INVALID_JSON", message) };
  }
}

function ok(body: object): Answer {
  return { status: 200, body };
}

function problem(status: number, code: string, message: string, field?: string): Answer {
  return { status, body: { error: { code, message, ...(field && { field }) } } };
}

// What a handler throws: the world said no (409), or the client went away and reads no answer.
function problemOf(error: unknown): Answer {
  if (error instanceof ChaosError) return problem(409, error.code, error.message);
  return problem(500, "INTERNAL", error instanceof Error ? error.message : String(error));
}
