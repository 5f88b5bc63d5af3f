// A limit on requests in flight that finds its own size (envoy.filters.http.adaptive_concurrency):
// as long as more requests do not make the answers slower there is room, and what is beyond it is
// refused here, where that is cheap. The limit is resilience's gradient2, which measures what a
// request takes without a queue as Envoy's minRTT does, but does not stop the traffic down to
// `min_concurrency` for it.
//
// What counts: answers of upstream are measured, timeouts are losses. All else gives its place back
// and moves nothing: a failure may come fast, and would make a broken service look quick. Tunnels
// are let by: how long they last is their users' choice.
import { type Gradient2Limit, gradient2 } from "@compendium/resilience";
import type { Clock } from "@compendium/runtime";
import type { AdaptiveConcurrencyConfig } from "../config/filter-config.ts";
import type { RequestInfo } from "../router/request-info.ts";
import type { FilteredRequest, HttpFilter, Verdict } from "./http-filter.ts";

/** What an adaptive limit is made of. */
export interface AdaptiveConcurrencyOptions {
  readonly config: AdaptiveConcurrencyConfig;
  readonly clock: Pick<Clock, "now">;
  /** What part of the whole limit this process has. Above 0, up to 1. */
  readonly share: number;
}

const DEADLINE_EXCEEDED = "4";

/** Refuses what is beyond the limit of the moment. */
export class AdaptiveConcurrencyFilter implements HttpFilter {
  readonly kind = "adaptive-concurrency";
  readonly name: string;
  /**
   * Refused; in flight and how many may be; what a request takes without a queue, 0 until that is
   * known; requests that were losses, and that moved nothing.
   */
  readonly numbers: {
    rqBlocked: number;
    inFlight: number;
    concurrencyLimit: number;
    minRttMs: number;
    dropped: number;
    ignored: number;
  };
  readonly #clock: Pick<Clock, "now">;
  readonly #limit: Gradient2Limit;
  readonly #refusal: Verdict;

  constructor({ config, clock, share }: AdaptiveConcurrencyOptions) {
    this.name = config.name;
    this.#clock = clock;
    const limitMin = Math.max(1, Math.floor(config.limitMin * share));
    const limitMax = Math.max(limitMin, Math.floor(config.limitMax * share));
    this.#limit = gradient2({ limitMin, limitMax });
    this.numbers = {
      rqBlocked: 0,
      inFlight: 0,
      concurrencyLimit: this.#limit.limit,
      minRttMs: 0,
      dropped: 0,
      ignored: 0,
    };
    const text = "reached concurrency limit";
    const details = "reached_concurrency_limit";
    this.#refusal = { kind: "reply", reply: { status: config.status, text, details } };
  }

  onRequest(request: FilteredRequest): Verdict {
    if (request.head.upgrade !== undefined || request.head.method === "CONNECT") return undefined;
    if (this.numbers.inFlight >= this.#limit.limit) {
      this.numbers.rqBlocked++;
      return this.#refusal;
    }
    const inFlight = ++this.numbers.inFlight;
    const startMs = this.#clock.now();
    request.onEnd((info) => {
      this.numbers.inFlight--;
      this.#measure(info, inFlight, startMs);
    });
    return undefined;
  }

  #measure(info: RequestInfo, inFlight: number, startMs: number): void {
    const outcome = outcomeOf(info);
    if (outcome === "ignored") {
      this.numbers.ignored++;
      return;
    }
    const dropped = outcome === "dropped";
    if (dropped) this.numbers.dropped++;
    const nowMs = this.#clock.now();
    this.numbers.concurrencyLimit = this.#limit.onSample({
      rttMs: nowMs - startMs,
      inFlight,
      dropped,
      nowMs,
    });
    const { baseRttMs } = this.#limit;
    if (!Number.isNaN(baseRttMs)) this.numbers.minRttMs = baseRttMs;
  }
}

function outcomeOf({
  flags,
  host,
  response,
  trailers,
}: RequestInfo): "answered" | "dropped" | "ignored" {
  if (flags.has("UT")) return "dropped";
  // A delay on purpose is no failure, but it is no measure of upstream either.
  if (flags.size > 0 || host === undefined || response === undefined) return "ignored";
  const grpcStatus = trailers?.get("grpc-status") ?? response.fields.get("grpc-status") ?? "0";
  if (grpcStatus === DEADLINE_EXCEEDED) return "dropped";
  return response.status >= 500 || grpcStatus !== "0" ? "ignored" : "answered";
}
