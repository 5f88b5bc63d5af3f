// Whether a request is tried again, and when (Envoy's retry_state_impl.cc). Three things must
// agree: the policy names the kind of failure, the policy has retries left, and the cluster's
// breaker grants one. The last is what keeps retries from finishing off a cluster that is going
// down: with a budget of 20 % it never gets more than 1.25 times its load (breakers.ts).
//
// Pauses are exponential with full jitter: the n-th is random in [0, base · 2^(n-1)), bounded. A
// server that says when to come back (Retry-After) is believed, as far as the policy allows.
import type { Clock, Random } from "@compendium/runtime";
import type { Breakers } from "../cluster/breakers.ts";
import type { ResponseHead } from "../codec/codec.ts";
import type { RetryConfig, RetryOn } from "../config/route-config.ts";
import type { Failure } from "./attempt.ts";

/** What comes of asking for a retry. */
export type RetryAnswer =
  | { readonly kind: "retry"; readonly afterMs: number }
  /** The policy does not name this, or there is no policy. */
  | { readonly kind: "keep" }
  /** It names this, and its retries are used up. */
  | { readonly kind: "exhausted" }
  /** It would, and the cluster's breaker does not. */
  | { readonly kind: "overflow" };

const keep: RetryAnswer = { kind: "keep" };

/** The retries of one request. */
export class RetryState {
  readonly #policy: RetryConfig | undefined;
  readonly #random: Pick<Random, "below">;
  readonly #clock: Pick<Clock, "wallMs">;
  #retries = 0;

  constructor(
    policy: RetryConfig | undefined,
    random: Pick<Random, "below">,
    clock: Pick<Clock, "wallMs">,
  ) {
    this.#policy = policy;
    this.#random = random;
    this.#clock = clock;
  }

  /** Retries that were granted. */
  get retries(): number {
    return this.#retries;
  }

  /** Whether there could be another one: as long as there could, the request has to be kept. */
  get hasLeft(): boolean {
    return this.#policy !== undefined && this.#retries < this.#policy.retries;
  }

  /** Whether the policy names such a response as one to try again after. */
  names(head: ResponseHead): boolean {
    return this.#policy !== undefined && namesResponse(this.#policy, head);
  }

  /** Asks about a response. Granted is taken from `breakers`, and must be given back. */
  askAfterResponse(head: ResponseHead, breakers: Breakers): RetryAnswer {
    const policy = this.#policy;
    if (policy === undefined || !namesResponse(policy, head)) return keep;
    const answer = this.#ask(breakers);
    if (answer.kind !== "retry") return answer;
    const wishMs = retryAfterMs(head.fields.get("retry-after"), this.#clock.wallMs());
    if (wishMs === undefined || wishMs > policy.retryAfterMsMax) return answer;
    // Up to half as long again: whoever was sent away together must not come back together.
    return { kind: "retry", afterMs: Math.max(answer.afterMs, wishMs + this.#below(wishMs / 2)) };
  }

  /** Asks about an attempt that brought no response. */
  askAfterFailure(failure: Failure, breakers: Breakers): RetryAnswer {
    const policy = this.#policy;
    return policy && namesFailure(policy.on, failure) ? this.#ask(breakers) : keep;
  }

  /**
   * Asks about an attempt that has taken its time.
   *
   * @param isHedged it goes on and has not failed, so that no condition has to name it; nor is
   *   there anything to wait for before another runs beside it
   */
  askAfterTryTimeout(breakers: Breakers, isHedged: boolean): RetryAnswer {
    const on = this.#policy?.on;
    if (on === undefined || on.size === 0) return keep;
    if (!isHedged && !on.has("5xx") && !on.has("gateway-error") && !on.has("reset")) return keep;
    const answer = this.#ask(breakers);
    return isHedged && answer.kind === "retry" ? { kind: "retry", afterMs: 0 } : answer;
  }

  #ask(breakers: Breakers): RetryAnswer {
    if (!this.hasLeft) return { kind: "exhausted" };
    if (!breakers.take("retries")) return { kind: "overflow" };
    const { baseMs, maxMs } = this.#policy!.backoff;
    const boundMs = Math.min(maxMs, baseMs * 2 ** this.#retries);
    this.#retries++;
    return { kind: "retry", afterMs: this.#below(boundMs) };
  }

  #below(boundMs: number): number {
    return this.#random.below(Math.max(1, Math.ceil(boundMs)));
  }
}

function namesResponse({ on, statusCodes }: RetryConfig, { status, fields }: ResponseHead) {
  // Whoever is told to slow down must not answer with more.
  if (fields.has("x-envoy-ratelimited")) return false;
  if (status >= 500 && on.has("5xx")) return true;
  if (status >= 502 && status <= 504 && on.has("gateway-error")) return true;
  if (status === 409 && on.has("retriable-4xx")) return true;
  if (statusCodes.has(status) && on.has("retriable-status-codes")) return true;
  const named = grpcConditions.get(fields.get("grpc-status") ?? "");
  return named !== undefined && on.has(named);
}

const grpcConditions: ReadonlyMap<string, RetryOn> = new Map<string, RetryOn>([
  ["1", "cancelled"],
  ["4", "deadline-exceeded"],
  ["8", "resource-exhausted"],
  ["13", "internal"],
  ["14", "unavailable"],
]);

function namesFailure(on: ReadonlySet<RetryOn>, { reason, hasSentHead }: Failure): boolean {
  switch (reason) {
    case "overflow":
    case "closed":
    case "local":
      return false;
    case "connect-failure":
    case "connect-timeout":
      if (on.has("connect-failure")) return true;
      break;
    case "refused":
      if (on.has("refused-stream")) return true;
  }
  if (!hasSentHead && on.has("reset-before-request")) return true;
  return on.has("5xx") || on.has("gateway-error") || on.has("reset");
}

// Seconds, or a date (RFC 9110 §10.2.3).
function retryAfterMs(value: string | undefined, nowWallMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const atMs = /GMT$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowWallMs);
}
