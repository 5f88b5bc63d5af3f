// A limit on retries as a share of the traffic, kept by a token bucket: deposits pay for retries
// (Finagle's RetryBudget; the retry throttling of gRPC, gRFC A6, is its cousin).
//
// Retries multiply exactly when a dependency can bear it least: three tiers that each try four
// times turn one request into 64. With a budget of a tenth, each tier adds at most a tenth:
// 1.1 × 1.1 × 1.1 = 1.33. One budget belongs to one dependency, shared by all who call it.
//
// Tokens are counted in thousandths, as gRPC does: ten tenths must pay for one retry, and in
// binary fractions they sum up to a little less.

/** Options of {@link RetryBudget}. */
export interface RetryBudgetOptions {
  /** How many retries each deposit pays for, in steps of 0.001. From 0.001 to 1; default 0.1. */
  ratio?: number;
  /** The most retries that can be saved up, and what there is at first. 1 to 10^9; default 10. */
  tokensMax?: number;
  /**
   * What pays: `successes` (the default: a dependency that answers nothing gets no retries once
   * the savings are gone), or every first attempt (`requests`).
   */
  fedBy?: "successes" | "requests";
}

const TOKEN = 1_000;
const TOKENS_MAX = 1e9;

/** What a budget shows. */
export interface RetryBudgetStats {
  /** Retries that could be paid for now. */
  tokens: number;
  /** Retries that were paid for. */
  granted: number;
  /** Retries for which there was nothing left. */
  denied: number;
}

/**
 * Pays for retries out of deposits: never for more than `tokensMax + ratio × deposits`. O(1), no
 * timer. Throws a RangeError or TypeError for options out of range.
 */
export class RetryBudget {
  /** Tells a budget from a policy, for metrics. */
  readonly kind = "retry-budget";
  readonly #ratio: number;
  readonly #tokensMax: number;
  readonly #fedByRequests: boolean;
  // In thousandths. Invariant: 0 <= tokens <= tokensMax, and whole.
  #tokens: number;
  #granted = 0;
  #denied = 0;

  constructor({ ratio = 0.1, tokensMax = 10, fedBy = "successes" }: RetryBudgetOptions = {}) {
    if (!(ratio >= 0.001 && ratio <= 1)) {
      throw new RangeError(`ratio must be a share from 0.001 to 1, got ${ratio}`);
    }
    if (!(tokensMax >= 1 && tokensMax <= TOKENS_MAX)) {
      throw new RangeError(`tokensMax must be a number from 1 to ${TOKENS_MAX}, got ${tokensMax}`);
    }
    if (fedBy !== "successes" && fedBy !== "requests") {
      throw new TypeError(`fedBy must be "successes" or "requests", got ${fedBy}`);
    }
    this.#ratio = Math.round(ratio * TOKEN);
    this.#tokensMax = Math.floor(tokensMax * TOKEN);
    this.#tokens = this.#tokensMax;
    this.#fedByRequests = fedBy === "requests";
  }

  /** A call begins. */
  requested(): void {
    if (this.#fedByRequests) this.#deposit();
  }

  /** A call, or one of its retries, succeeded. */
  succeeded(): void {
    if (!this.#fedByRequests) this.#deposit();
  }

  /** Pays for one retry, if there is enough. There is no way back: a paid retry may be made. */
  withdraw(): boolean {
    if (this.#tokens < TOKEN) {
      this.#denied++;
      return false;
    }
    this.#tokens -= TOKEN;
    this.#granted++;
    return true;
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): RetryBudgetStats {
    return { tokens: this.#tokens / TOKEN, granted: this.#granted, denied: this.#denied };
  }

  #deposit(): void {
    this.#tokens = Math.min(this.#tokensMax, this.#tokens + this.#ratio);
  }
}
