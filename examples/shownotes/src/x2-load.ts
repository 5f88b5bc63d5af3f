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

/** Begins to send a checkout at each of `dueMs`, which ascend; `name` goes into the keys. */
export function sendCheckouts(
  edgeUrl: URL,
  dueMs: readonly number[],
  { name, signal }: { name: string; signal: AbortSignal },
): CheckoutLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const startedAt = performance.now();
  const answers: Promise<Checkout>[] = [];
  const sent = new Promise<void>((resolve) => {
    const sendDue = () => {
      const elapsedMs = performance.now() - startedAt;
      while (answers.length < dueMs.length && !signal.aborted) {
        const at = dueMs[answers.length] as number;
        if (at > elapsedMs) return void setTimeout(sendDue, at - elapsedMs);
        const key = `${name}-${answers.length}`;
        answers.push(sendOne(edgeUrl, agent, { key, dueMs: at, startedAt }));
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

function sendOne(
  edgeUrl: URL,
  agent: Agent,
  { key, dueMs, startedAt }: { key: string; dueMs: number; startedAt: number },
): Promise<Checkout> {
  return new Promise((resolve) => {
    const end = (status: number) => {
      const tookMs = status === 0 ? Infinity : performance.now() - startedAt - dueMs;
      resolve({ dueMs, status, tookMs });
    };
    const url = new URL(`/episodes/${1 + (Math.floor(dueMs) % 35)}/checkout`, edgeUrl);
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
