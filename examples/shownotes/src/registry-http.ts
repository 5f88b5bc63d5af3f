// The registry's members over HTTP, as its clients ask them.
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { systemClock, systemRandom } from "@compendium/runtime";
import { getJson, readText } from "./http.ts";
import type { RegistryStatus } from "./registry.ts";
import { type Ask, RegistryClient, type RegistryRequest } from "./registry-client.ts";
import type { Refusal, Reply } from "./registry-member.ts";

const STATUS_MS_MAX = 500;

/** A client of the registry whose members 1, 2, … are at those addresses. */
export function registryAt(urls: readonly URL[]): RegistryClient & Disposable {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const members = urls.length;
  const ask = askOver(urls, agent);
  const client = new RegistryClient({ members, ask, clock: systemClock, random: systemRandom });
  // Idle connections would keep a member from draining.
  return Object.assign(client, { [Symbol.dispose]: () => agent.destroy() });
}

/** Where each member stands; undefined for one that does not answer. */
export async function statusesAt(urls: readonly URL[]): Promise<(RegistryStatus | undefined)[]> {
  const ask = (url: URL) =>
    getJson<RegistryStatus>(new URL("/status", url), {
      signal: AbortSignal.timeout(STATUS_MS_MAX),
    }).catch(() => undefined);
  return await Promise.all(urls.map(ask));
}

function askOver(urls: readonly URL[], agent: Agent): Ask {
  return async (member, asked, signal) => {
    const { method, path, body } = toHttp(asked);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const url = new URL(path, urls[member - 1]);
      const headers = { "content-type": "application/json" };
      httpRequest(url, { method, agent, signal, headers }, resolve)
        .on("error", reject)
        .end(body === undefined ? undefined : JSON.stringify(body));
    });
    const text = await readText(response);
    return toReply(response.statusCode ?? 0, text);
  };
}

function toHttp(asked: RegistryRequest): { method: string; path: string; body?: object } {
  switch (asked.kind) {
    case "open":
      return { method: "POST", path: "/sessions" };
    case "run": {
      const { session, command } = asked;
      return { method: "POST", path: "/commands", body: { session, command } };
    }
    case "read": {
      const { query } = asked;
      const path = query.of === "lease" ? `/leases/${query.document}` : `/seats/${query.workspace}`;
      return { method: "GET", path };
    }
  }
}

// A draining member answers with text: no answer, then, but from somebody who is about to leave.
function toReply(status: number, text: string): Reply<unknown> {
  if (status === 200) return { value: JSON.parse(text) };
  if (![400, 421, 503].includes(status)) throw new Error(`it answered ${status}: ${text.trim()}`);
  return { refusal: JSON.parse(text) as Refusal };
}
