// Where Shownotes is, and what its users and its operator ask of it.
//
// Every request carries a `route`, so that thresholds can tell notes from previews, and a `name`,
// so that 35 episodes make one time series and not 35.
import http, { type RefinedResponse } from "k6/http";

const { EDGE = "http://127.0.0.1:8080", PREVIEW = "http://127.0.0.1:8081" } = __ENV;
const { EDGES = EDGE } = __ENV;
const EPISODES = 35;

/** The edge, `-e EDGE=http://…`. */
export const edgeUrl: string = EDGE.replace(/\/$/, "");
/** Its replicas, `-e EDGES=http://…,http://…`; by default there is one. */
export const edgeUrls: readonly string[] = EDGES.split(",").map((url) => url.replace(/\/$/, ""));
/** The preview service, for its control door only: `-e PREVIEW=http://…`. */
export const previewUrl: string = PREVIEW.replace(/\/$/, "");

export type Answer = RefinedResponse<"text">;

/** Reads the notes of the nth request's episode; without an answer by then, the status is 0. */
export function getNotes(n: number, timeoutMs: number): Answer {
  const url = `${edgeUrl}/episodes/${episodeOf(n)}/notes`;
  const tags = { route: "notes", name: "/episodes/:id/notes" };
  return http.get(url, { tags, responseType: "text", timeout: timeoutMs });
}

/** Asks what stands behind a link; without an answer by then, the status is 0. */
export function getPreview(n: number, timeoutMs: number): Answer {
  const episode = episodeOf(n);
  const link = encodeURIComponent(linkOf(n));
  const url = `${edgeUrl}/episodes/${episode}/preview?url=${link}`;
  const tags = { route: "preview", name: "/episodes/:id/preview" };
  return http.get(url, { tags, responseType: "text", timeout: timeoutMs });
}

/** Whether a preview names the page, rather than fall back to the bare link. */
export function hasTitle(answer: Answer, n: number): boolean {
  return answer.status === 200 && answer.json("title") !== linkOf(n);
}

/** What an operator does: `POST <service>/control/<verb>`. Throws when the service refuses. */
export function control(serviceUrl: string, verb: string, body: object): void {
  const url = `${serviceUrl}/control/${verb}`;
  const headers = { "content-type": "application/json" };
  const { status, body: said } = http.post(url, JSON.stringify(body), { headers, tags: OPERATOR });
  if (status !== 204) throw new Error(`POST ${url} answered ${status}: ${said}`);
}

/** Whether the edge's breaker has opened since a moment on the wall clock. */
export function hasOpenedSince(wallMs: number): boolean {
  const answer = http.get(`${edgeUrl}/control`, { tags: OPERATOR, responseType: "text" });
  const { transitions } = answer.json() as unknown as {
    transitions: { to: string; wallMs: number }[];
  };
  return transitions.some((transition) => transition.to === "open" && transition.wallMs >= wallMs);
}

/** Previews that the edge has got, and the calls that the preview service has seen for them. */
export function previewCounts(): { previews: number; calls: number; abandonedCalls: number } {
  const options = { tags: OPERATOR, responseType: "text" } as const;
  const edge = http.get(`${edgeUrl}/control`, options).json() as unknown as {
    breaker: { counts: { success: number } };
  };
  const { calls, abandonedCalls } = http
    .get(`${previewUrl}/control`, options)
    .json() as unknown as {
    calls: number;
    abandonedCalls: number;
  };
  return { previews: edge.breaker.counts.success, calls, abandonedCalls };
}

// Not `notes`, not `preview`: an operator's calls are no part of any measurement.
const OPERATOR = { route: "control", name: "/control" };

function episodeOf(n: number): number {
  return 1 + (n % EPISODES);
}

function linkOf(n: number): string {
  return `https://example.org/${episodeOf(n)}`;
}
