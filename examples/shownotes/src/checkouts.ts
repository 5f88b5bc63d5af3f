// Checkouts in an open loop: each is sent when it is due, whether or not earlier ones were
// answered, and its time runs from when it was due (see load.ts). Each has a key of its own.
import { Agent, request } from "node:http";
import type { Sample } from "./load.ts";

/** How a checkout went: when it was due, how long it took from then, and the HTTP status. */
export type Checkout = Pick<Sample, "dueMs" | "status" | "tookMs">;

/** Checkouts that are being sent. */
export interface CheckoutLoad {
  /** When the plan began, on `performance.now()`. */
  startedAt: number;
  /** Settles when the last has been answered. Aborted, what is left counts as unanswered. */
  answered: Promise<Checkout[]>;
}

/** Options of {@link sendCheckouts}. */
export interface SendCheckouts {
  /** Goes into the keys. */
  name: string;
  signal: AbortSignal;
  /** Which episode the nth checkout, due at `dueMs`, is for. Default: one of 35. */
  episodeOf?: (n: number, dueMs: number) => string;
}

/**
 * Begins to send a checkout at each of `dueMs`, which ascend. Where there are several edges, they
 * take turns.
 */
export function sendCheckouts(
  edges: URL | readonly URL[],
  dueMs: readonly number[],
  { name, signal, episodeOf = oneOf35 }: SendCheckouts,
): CheckoutLoad {
  const urls = edges instanceof URL ? [edges] : edges;
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const startedAt = performance.now();
  const answers: Promise<Checkout>[] = [];
  const send = (n: number, at: number) => {
    const url = new URL(`/episodes/${episodeOf(n, at)}/checkout`, urls[n % urls.length]);
    return sendOne(url, agent, { key: `${name}-${n}`, dueMs: at, startedAt });
  };
  const sent = new Promise<void>((resolve) => {
    const sendDue = () => {
      const elapsedMs = performance.now() - startedAt;
      while (answers.length < dueMs.length && !signal.aborted) {
        const at = dueMs[answers.length] as number;
        if (at > elapsedMs) return void setTimeout(sendDue, at - elapsedMs);
        answers.push(send(answers.length, at));
      }
      resolve();
    };
    sendDue();
  });
  const abandon = () => agent.destroy();
  signal.addEventListener("abort", abandon, { once: true });
  const answered = sent.then(async () => {
    const checkouts = await Promise.all(answers);
    signal.removeEventListener("abort", abandon);
    // Idle connections would keep the edge from draining.
    abandon();
    return checkouts;
  });
  return { startedAt, answered };
}

function oneOf35(_n: number, dueMs: number): string {
  return String(1 + (Math.floor(dueMs) % 35));
}

function sendOne(
  url: URL,
  agent: Agent,
  { key, dueMs, startedAt }: { key: string; dueMs: number; startedAt: number },
): Promise<Checkout> {
  return new Promise((resolve) => {
    const end = (status: number) => {
      const tookMs = status === 0 ? Infinity : performance.now() - startedAt - dueMs;
      resolve({ dueMs, status, tookMs });
    };
    const headers = { "idempotency-key": key };
    const call = request(url, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.on("end", () => end(response.statusCode ?? 0));
      response.on("error", () => end(0));
    });
    call.on("error", () => end(0));
    call.end();
  });
}
