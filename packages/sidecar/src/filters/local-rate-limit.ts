// A rate limit in this process (envoy.filters.http.local_ratelimit): a token for each request, and
// 429 for whoever finds none. The bucket is rate-limiter's: exact, and without a timer. It holds
// `tokensMax`, and of `tokensPerFill` in each `fillIntervalMs` one drops in at a time, as in
// Envoy's AtomicTokenBucket; nothing waits for the interval's end to rush in.
//
// Of several workers each has a bucket of its own, with its share of the tokens, and gets them at
// its share of the rate: the same number of tokens, in as many times the interval.
//
// Left out: descriptors, buckets for each connection.
import { type TokenBucket, tokenBucket } from "@compendium/rate-limiter";
import type { Clock, Random } from "@compendium/runtime";
import type { LocalRateLimitConfig } from "../config/filter-config.ts";
import { happens } from "./fraction.ts";
import type { FilteredRequest, HttpFilter, Verdict } from "./http-filter.ts";

/** What a rate limit is made of. */
export interface LocalRateLimitOptions {
  readonly config: LocalRateLimitConfig;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  /** What part of the whole limit this process has. Above 0, up to 1. */
  readonly share: number;
}

/** A token for each request. */
export class LocalRateLimitFilter implements HttpFilter {
  readonly kind = "local-ratelimit";
  readonly name: string;
  /** Looked at; those that found a token, or none; those that were refused for it. */
  readonly numbers: { enabled: number; ok: number; rateLimited: number; enforced: number } = {
    enabled: 0,
    ok: 0,
    rateLimited: 0,
    enforced: 0,
  };
  readonly #config: LocalRateLimitConfig;
  readonly #clock: Pick<Clock, "now">;
  readonly #random: Random;
  readonly #rule: TokenBucket;
  readonly #bucket: ReturnType<TokenBucket["table"]>;

  /** @throws RangeError when the tokens cannot be counted exactly */
  constructor({ config, clock, random, share }: LocalRateLimitOptions) {
    this.name = config.name;
    this.#config = config;
    this.#clock = clock;
    this.#random = random;
    this.#rule = bucketOf(config, share);
    this.#bucket = this.#rule.table(1);
  }

  onRequest(_request: FilteredRequest): Verdict {
    const { enabled, enforced, status } = this.#config;
    if (!happens(enabled, this.#random)) return undefined;
    this.numbers.enabled++;
    const waitUs = this.#take();
    if (waitUs === 0) {
      this.numbers.ok++;
      return undefined;
    }
    this.numbers.rateLimited++;
    if (!happens(enforced, this.#random)) return undefined;
    this.numbers.enforced++;
    const fields = [
      ["x-envoy-ratelimited", "true"],
      ["retry-after", String(Math.ceil(waitUs / 1e6))],
    ] as const;
    const text = "local_rate_limited";
    return { kind: "reply", reply: { status, text, fields, flag: "RL", details: text } };
  }

  /** Takes a token; where there is none, says in how many µs there will be one. */
  #take(): number {
    const nowUs = Math.floor(this.#clock.now() * 1000);
    this.#bucket.settle(0, this.#rule, nowUs);
    const waitUs = this.#bucket.waitUs(0, this.#rule, nowUs, 1);
    if (waitUs === 0) this.#bucket.charge(0, this.#rule, nowUs, 1);
    return waitUs;
  }
}

/**
 * The bucket that a configuration describes.
 *
 * @throws RangeError when its tokens cannot be counted exactly
 */
function bucketOf(
  config: Pick<LocalRateLimitConfig, "tokensMax" | "tokensPerFill" | "fillIntervalMs">,
  share: number,
): TokenBucket {
  const { tokensMax, tokensPerFill, fillIntervalMs } = config;
  return tokenBucket({
    burst: Math.max(1, Math.floor(tokensMax * share)),
    limit: tokensPerFill,
    windowMs: Math.round(fillIntervalMs / share),
  });
}
