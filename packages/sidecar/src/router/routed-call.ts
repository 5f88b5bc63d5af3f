// A request that its route sends on: to which cluster and host, with what in its head, within what
// time, and what of it is said in the answer.
import type { Breakers } from "../cluster/breakers.ts";
import type { Host } from "../cluster/host.ts";
import type { RequestHead, ResponseHead } from "../codec/codec.ts";
import type { ForwardAction, HedgeConfig, RetryConfig } from "../config/route-config.ts";
import type { Destination, UpstreamCluster } from "../upstream/upstream-cluster.ts";
import { addDeadline, type Timeout, timeoutOf } from "./deadline-fields.ts";
import type { ForwardPlan } from "./decision.ts";
import { addCookie, type HashedRequest, hashRequest } from "./request-hash.ts";
import type { RequestInfo } from "./request-info.ts";
import type { CallNumbers, CallPlan } from "./upstream-call.ts";

/** What a call is made of. */
export interface RoutedCallOptions {
  readonly cluster: UpstreamCluster;
  readonly action: ForwardAction;
  /** As the client has sent it. */
  readonly asked: RequestHead;
  /** As it is sent on. */
  readonly sent: RequestHead;
  readonly info: RequestInfo;
  readonly mirrors: readonly CallPlan[];
}

/** One request, after its route and its cluster were found. */
export class RoutedCall implements ForwardPlan {
  readonly kind = "forward";
  readonly head: RequestHead;
  readonly timeout: Timeout;
  readonly numbers: CallNumbers;
  readonly breakers: Breakers;
  readonly retry: RetryConfig | undefined;
  readonly hedge: HedgeConfig | undefined;
  readonly mirrors: readonly CallPlan[];
  readonly #options: RoutedCallOptions;
  readonly #hashed: HashedRequest | undefined;
  readonly #decidedAtMs: number;

  constructor(options: RoutedCallOptions) {
    const { cluster, action, asked, sent, info, mirrors } = options;
    this.#options = options;
    this.head = sent;
    this.timeout = timeoutOf(action, asked);
    this.numbers = cluster.calls;
    this.breakers = cluster.cluster.breakers[action.priority];
    this.retry = action.retry;
    this.hedge = action.hedge;
    this.mirrors = mirrors;
    this.#hashed = action.hash.length === 0 ? undefined : hashRequest(action.hash, asked, info);
    this.#decidedAtMs = info.elapsedMs();
  }

  choose(tried: (host: Host) => boolean): Destination | undefined {
    const { cluster, action, asked, info } = this.#options;
    const context = {
      hash: this.#hashed?.hash,
      subset: info.share?.subset ?? action.subset,
      tried,
      hostSelectionAttempts: action.retry?.hostSelectionAttempts ?? 0,
    };
    return cluster.choose(context, asked.protocol, action.priority);
  }

  prepare(own: RequestHead, { host }: Destination): void {
    const { action, sent } = this.#options;
    if (action.hostRewrite?.kind === "auto" || sent.authority === "") own.authority = host.hostname;
    const leftMs = this.#leftMs();
    if (leftMs !== undefined) addDeadline(own, leftMs, action);
  }

  onAnswer({ fields }: ResponseHead, host: Host): void {
    if (!fields.has("x-envoy-immediate-health-check-fail")) return;
    this.#options.cluster.failHealth(host);
  }

  finish(response: ResponseHead): void {
    const { requestDurationMs, responseDurationMs } = this.#options.info;
    // An answer to half a request says nothing of how long one takes.
    if (requestDurationMs !== undefined && responseDurationMs !== undefined) {
      const serviceMs = String(Math.floor(this.#sinceEndMs(responseDurationMs)));
      response.fields.set("x-envoy-upstream-service-time", serviceMs);
    }
    if (this.#hashed !== undefined) addCookie(response, this.#hashed);
  }

  // What this try may take: what is left of the whole, and no more than one try has. With hedging a
  // try goes on after its time.
  #leftMs(): number | undefined {
    const { retry, hedge } = this.#options.action;
    const timeoutMs = this.timeout.ms;
    const tryMs = hedge?.onPerTryTimeout ? 0 : (retry?.perTryTimeoutMs ?? 0);
    if (timeoutMs === 0) return tryMs || undefined;
    const spentMs = this.#spentMs();
    return tryMs === 0 ? timeoutMs - spentMs : Math.min(tryMs, timeoutMs - spentMs);
  }

  #spentMs(): number {
    const elapsedMs = this.#options.info.elapsedMs();
    return this.timeout.from === "head" ? elapsedMs : this.#sinceEndMs(elapsedMs);
  }

  // A time that runs from the request's end does not begin before the filters have let the request
  // pass.
  #sinceEndMs(elapsedMs: number): number {
    const { requestDurationMs } = this.#options.info;
    if (requestDurationMs === undefined) return 0;
    return elapsedMs - Math.max(requestDurationMs, this.#decidedAtMs);
  }
}
