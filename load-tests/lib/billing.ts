// What X2's users ask of the edge, and its operator of billing.
import http from "k6/http";
import { type Answer, edgeUrl } from "./shownotes.ts";

const { BILLING = "http://127.0.0.1:8082" } = __ENV;

/** The billing service, for its control door only: `-e BILLING=http://…`. */
export const billingUrl: string = BILLING.replace(/\/$/, "");

/** Buys a seat under a key of its own; without an answer by then, the status is 0. */
export function checkOut(
  key: string,
  timeoutMs: number,
  { episode, edge = edgeUrl }: { episode: string; edge?: string },
): Answer {
  const url = `${edge}/episodes/${episode}/checkout`;
  const tags = { route: "checkout", name: "/episodes/:id/checkout" };
  const headers = { "idempotency-key": key };
  return http.post(url, null, { headers, tags, responseType: "text", timeout: timeoutMs });
}

/** Whether no key has been charged twice. */
export function chargedOnce(): boolean {
  const tags = { route: "control", name: "/control" };
  const answer = http.get(`${billingUrl}/control`, { tags, responseType: "text" });
  const { charges, keys } = answer.json() as unknown as { charges: number; keys: number };
  return charges > 0 && charges === keys;
}
