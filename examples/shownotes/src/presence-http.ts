// The regions' presence services over HTTP, as X6's writers ask them.
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { getJson, readText } from "./http.ts";
import type { EpisodeEdit } from "./presence-episode.ts";
import type { Regions } from "./x6-crew.ts";

const LOOK_MS_MAX = 2_000;

/** The services at those addresses. */
export function presenceAt(urls: readonly URL[]): Regions & Disposable {
  const agent = new Agent({ keepAlive: true });
  const get = <T>(region: number, path: string): Promise<T> =>
    getJson<T>(new URL(path, urls[region]), { signal: AbortSignal.timeout(LOOK_MS_MAX) });
  return {
    edit: async (region, episode, edit, signal) => {
      const { method, path, body } = toHttp(edit);
      const url = new URL(`/episodes/${episode}/${path}`, urls[region]);
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const headers = { "content-type": "application/json" };
        httpRequest(url, { method, agent, signal, headers }, resolve)
          .on("error", reject)
          .end(body === undefined ? undefined : JSON.stringify(body));
      });
      const text = await readText(response);
      if (response.statusCode === 200) return;
      throw new Error(`${url.pathname} answered ${response.statusCode}: ${text.trim()}`);
    },
    read: (region, episode) => get(region, `/episodes/${episode}`),
    state: (region) => get(region, "/state"),
    // Idle connections would keep a service from draining.
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function toHttp(edit: EpisodeEdit): { method: string; path: string; body?: object } {
  switch (edit.do) {
    case "tag":
      return { method: "POST", path: `tags/${edit.tag}` };
    case "untag":
      return { method: "DELETE", path: `tags/${edit.tag}` };
    case "star":
      return { method: "POST", path: "stars" };
    case "unstar":
      return { method: "DELETE", path: "stars" };
    case "write": {
      const { do: _, ...body } = edit;
      return { method: "PATCH", path: "notes", body };
    }
    case "point":
      return { method: "PUT", path: `cursors/${edit.person}`, body: { at: edit.at } };
    case "leave":
      return { method: "DELETE", path: `cursors/${edit.person}` };
  }
}
