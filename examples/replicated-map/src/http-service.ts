// The map over HTTP. What matters is in what is said when something goes wrong: whoever gets no
// success must know whether the write may have happened.
//
//   200         it has happened, on a majority of the disks
//   404 / 412   it has not, and the map was looked at: no such key, or another version
//   503         it has not happened, and never will: send it again, here or elsewhere
//   504         nobody knows: it may have happened, or may yet. Sent again, it may happen twice,
//               unless it is sent in a session, where it happens once (thesis §6.3)
//
// A read goes round a majority first (ReadIndex, thesis §6.4), so that it sees every write that was
// answered before it was asked. `?stale=true` leaves that out, and is told what this member has.
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { metricsHandler } from "@compendium/metrics/http";
import { type RaftNode, RaftNodeError } from "@compendium/raft/node";
import type { Registry } from "prom-client";
import { administer } from "./admin.ts";
import { HttpError, ifVersion, keyOf, readText, sendJson, sessionOf } from "./http.ts";
import { decodeResult, encodeCommand, type MapCommand, type MapMachine } from "./map-machine.ts";

/** What the service speaks for. */
export interface ServiceOptions {
  readonly node: RaftNode;
  readonly machine: MapMachine;
  /** What `/metrics` shows. */
  readonly registry: Registry;
}

const STATUS_OF: { readonly [code in RaftNodeError["code"]]?: number } = {
  NOT_LEADER: 421,
  CHANGE_REFUSED: 409,
  SESSION_SEQUENCE: 409,
  SESSION_EXPIRED: 410,
};

/** Answers every request. */
export function createService({ node, machine, registry }: ServiceOptions): RequestListener {
  const metrics = metricsHandler(registry);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A page of another site can make a browser send requests here, but not without this header.
    if (request.headers.origin !== undefined) throw new HttpError(403, "not for pages");
    const url = URL.parse(request.url ?? "/", "http://map");
    const [place = "", ...rest] = url?.pathname.slice(1).split("/") ?? [];
    // Whoever hangs up waits no longer; what was proposed goes on.
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const { signal } = gone;
    if (url === null) throw new HttpError(400, "not a URL");
    if (place === "map" && rest.length === 1) {
      const key = keyOf(rest[0] as string);
      const { method = "" } = request;
      if (method === "GET" || method === "HEAD") {
        if (url.searchParams.get("stale") !== "true") await node.read({ signal });
        return sendValue(response, key);
      }
      if (method === "PUT") {
        const condition = ifVersion(request);
        const command = { op: "put", key, value: await readText(request), ...condition } as const;
        return await write(request, response, command, signal);
      }
      if (method === "DELETE") {
        return await write(request, response, { op: "delete", key, ...ifVersion(request) }, signal);
      }
      throw new HttpError(405, "only GET, HEAD, PUT and DELETE");
    }
    if (url.pathname === "/sessions" && request.method === "POST") {
      const { id } = await node.openSession({ signal });
      return sendJson(response, 201, { session: id });
    }
    if (url.pathname === "/metrics") return metrics(request, response);
    if (url.pathname === "/status") {
      const { group, configuration, members, ...status } = node.status();
      const addresses = Object.fromEntries([...group].map(([id, member]) => [id, member.address]));
      return sendJson(response, 200, { ...status, addresses, members, keys: machine.size });
    }
    if (place === "admin") return await administer({ node, request, response, rest, signal });
    throw new HttpError(404, "there are /map/KEY, /sessions, /status, /metrics and /admin/…");
  }

  async function write(
    request: IncomingMessage,
    response: ServerResponse,
    command: MapCommand,
    signal: AbortSignal,
  ): Promise<void> {
    const options = { signal, ...sessionOf(request) };
    const result = decodeResult((await node.propose(encodeCommand(command), options)).result);
    if (result.version > 0) response.setHeader("etag", `"${result.version}"`);
    if (result.done) return sendJson(response, 200, { version: result.version });
    const { why, version } = result;
    const status = { version: 412, absent: 404, full: 507 }[why];
    sendJson(response, status, { error: why, outcome: "not-executed", version });
  }

  function sendValue(response: ServerResponse, key: string): void {
    const found = machine.get(key);
    if (found === undefined) throw new HttpError(404, "absent");
    response.writeHead(200, {
      "content-type": "text/plain; charset=utf-8",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      etag: `"${found.version}"`,
    });
    response.end(found.value);
  }

  return (request, response) => {
    answer(request, response).catch((error: unknown) => sendError(response, error));
  };
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.headersSent) return;
  if (error instanceof HttpError) {
    return sendJson(response, error.status, { error: error.message, outcome: "not-executed" });
  }
  if (error instanceof RaftNodeError) {
    const { code, outcome, message } = error;
    const status = STATUS_OF[code] ?? (outcome === "not-executed" ? 503 : 504);
    if (status === 503) response.setHeader("retry-after", "1");
    return sendJson(response, status, { error: message, code, outcome });
  }
  sendJson(response, 500, { error: String(error), outcome: "unknown" });
}
