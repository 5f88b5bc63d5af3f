// Open-loop load: requests leave when the plan says, whether or not earlier ones were answered. A
// closed loop (a fixed number of clients, each waiting for its answer) sends less to a server that
// answers late, and so hides the very overload it should show. For the same reason a request's
// time runs from when it was due, not from when this process got round to sending it
// (G. Tene's "coordinated omission").
import { Agent, get } from "node:http";
import { SeededRandom, shuffle } from "@compendium/runtime";

const SLICE_MS = 100;
// How long the last answers are waited for: far longer than any fault here. One timer for all; a
// timer per request would keep each request in memory for as long.
const GIVE_UP_MS = 15_000;

export type Route = "notes" | "preview";

/** What to send. */
export interface LoadPlan {
  ratePerSecond: number;
  /** Share of requests that ask for a preview, 0 to 1. */
  previewShare: number;
  durationMs: number;
  seed: number;
}

/** One request of a plan. */
export interface Arrival {
  dueMs: number;
  route: Route;
}

/** How one request went. */
export interface Sample extends Arrival {
  /** From when it was due to the last byte of its answer; Infinity: never answered. */
  tookMs: number;
  /** HTTP status; 0: no answer. */
  status: number;
}

/**
 * The requests of a plan, in order. Each tenth of a second has its exact number of requests and of
 * previews, at random moments in a random order; the same seed gives the same plan.
 */
export function planArrivals({
  ratePerSecond,
  previewShare,
  durationMs,
  seed,
}: LoadPlan): Arrival[] {
  const random = new SeededRandom(seed);
  const arrivals: Arrival[] = [];
  let planned = 0;
  let previews = 0;
  for (let sliceMs = 0; sliceMs < durationMs; sliceMs += SLICE_MS) {
    const lengthMs = Math.min(SLICE_MS, durationMs - sliceMs);
    const untilNow = Math.round((ratePerSecond * (sliceMs + lengthMs)) / 1_000);
    const count = untilNow - planned;
    const previewCount = Math.round(untilNow * previewShare) - previews;
    planned += count;
    previews += previewCount;
    const routes = Array.from({ length: count }, (_, i) =>
      i < previewCount ? "preview" : "notes",
    );
    const dueMs = routes.map(() => sliceMs + random.below(lengthMs * 1_000) / 1_000);
    dueMs.sort((a, b) => a - b);
    shuffle(random, routes);
    for (const [i, route] of routes.entries()) {
      arrivals.push({ dueMs: dueMs[i] as number, route: route as Route });
    }
  }
  return arrivals;
}

/** A load that is being sent. */
export interface RunningLoad {
  /** When the plan began, on `performance.now()`. */
  startedAt: number;
  /** Settles when the last request has been sent. */
  sent: Promise<void>;
  /** Settles when the last request for `route` has been answered, or given up. */
  answered(route: Route): Promise<Sample[]>;
  /** Gives up what is still under way. */
  abandon(): void;
}

/** Options of {@link sendLoad}. */
export interface SendOptions {
  /** Aborting sends no more, and gives up what is under way. */
  signal?: AbortSignal | undefined;
  /**
   * Told of every request as it is sent: when it was due, on `performance.now()`, and how it will
   * have gone.
   */
  onSend?: (arrival: Arrival, dueAt: number, answer: Promise<Sample>) => void;
}

/** Begins to send `arrivals` to the edge at `baseUrl`. */
export function sendLoad(
  baseUrl: URL,
  arrivals: readonly Arrival[],
  { signal, onSend }: SendOptions = {},
): RunningLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const startedAt = performance.now();
  const answers: Record<Route, Promise<Sample>[]> = { notes: [], preview: [] };
  const sent = new Promise<void>((resolve) => {
    let next = 0;
    const sendDue = () => {
      if (signal?.aborted) return resolve();
      const elapsedMs = performance.now() - startedAt;
      for (; next < arrivals.length; next++) {
        const arrival = arrivals[next] as Arrival;
        if (arrival.dueMs > elapsedMs) break;
        const answer = sendOne(baseUrl, agent, arrival, startedAt);
        answers[arrival.route].push(answer);
        onSend?.(arrival, startedAt + arrival.dueMs, answer);
      }
      if (next === arrivals.length) return resolve();
      setTimeout(sendDue, (arrivals[next] as Arrival).dueMs - elapsedMs);
    };
    sendDue();
  });
  const answered = (route: Route) => sent.then(() => Promise.all(answers[route]));
  const abandon = () => agent.destroy();
  void sent.then(async () => {
    const timer = setTimeout(abandon, GIVE_UP_MS);
    await Promise.all([answered("notes"), answered("preview")]);
    clearTimeout(timer);
    // Without this, a signal that outlives many loads would keep every one of them in memory.
    signal?.removeEventListener("abort", abandon);
    // Idle connections would keep the edge from draining.
    abandon();
  });
  signal?.addEventListener("abort", abandon, { once: true });
  return { startedAt, sent, answered, abandon };
}

function sendOne(baseUrl: URL, agent: Agent, arrival: Arrival, startedAt: number): Promise<Sample> {
  return new Promise((resolve) => {
    const end = (status: number) => {
      const tookMs = performance.now() - startedAt - arrival.dueMs;
      resolve({ ...arrival, status, tookMs: status === 0 ? Number.POSITIVE_INFINITY : tookMs });
    };
    const url = new URL(pathOf(arrival), baseUrl);
    const call = get(url, { agent }, (response) => {
      response.resume();
      response.on("end", () => end(response.statusCode ?? 0));
      response.on("error", () => end(0));
    });
    call.on("error", () => end(0));
  });
}

function pathOf({ dueMs, route }: Arrival): string {
  const episode = 1 + (Math.floor(dueMs) % 35);
  return route === "notes"
    ? `/episodes/${episode}/notes`
    : `/episodes/${episode}/preview?url=${encodeURIComponent(`https://example.org/${episode}`)}`;
}
