// A limit on retries as a share of the traffic, kept by a token bucket (as gRPC's retry throttling,
// gRFC A6, and Finagle's RetryBudget do).
//
// Retries multiply exactly when a dependency can bear it least: three tiers that each try four
// times turn one request into 64. With a budget of a tenth, each tier adds at most a tenth:
// 1.1 × 1.1 × 1.1 = 1.33. One budget belongs to one dependency, shared by all who call it.

/** Options of {@link RetryBudget}. */
export interface RetryBudgetOptions {
  /** How many retries each deposit pays for. Above 0, up to 1; default 0.1. */
  ratio?: number;
  /** The most retries that can be saved up, and what there is at the start. From 1; default 10. */
  tokensMax?: number;
  /**
   * What pays: `successes` (the default: a dependency that answers nothing gets no retries once
   * the savings are gone), or every first attempt (`requests`).
   */
  fedBy?: "successes" | "requests";
}

/** What a budget shows. */
export interface RetryBudgetStats {
  /** Retries that could be paid for now. */
  tokens: number;
  /** Retries that were paid for. */
  granted: number;
  /** Retries for which there was nothing left. */
  denied: number;
}

/** Pays for retries out of deposits. O(1), no timer. */
export class RetryBudget {
  readonly #ratio: number;
  readonly #tokensMax: number;
  readonly #fedByRequests: boolean;
  // Invariant: 0 <= tokens <= tokensMax.
  #tokens: number;
  #granted = 0;
  #denied = 0;

  constructor({ ratio = 0.1, tokensMax = 10, fedBy = "successes" }: RetryBudgetOptions = {}) {
    if (!(ratio > 0 && ratio <= 1)) {
      throw new RangeError(`ratio must be a share above 0, up to 1, got ${ratio}`);
    }
    if (!(tokensMax >= 1 && tokensMax < Infinity)) {
      throw new RangeError(`tokensMax must be a number from 1, got ${tokensMax}`);
    }
    if (fedBy !== "successes" && fedBy !== "requests") {
      throw new TypeError(`fedBy must be "successes" or "requests", got ${fedBy}`);
    }
    this.#ratio = ratio;
    this.#tokensMax = tokensMax;
    this.#tokens = tokensMax;
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

  /** Pays for one retry, if there is enough. */
  withdraw(): boolean {
    if (this.#tokens < 1) {
      this.#denied++;
      return false;
    }
    this.#tokens--;
    this.#granted++;
    return true;
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): RetryBudgetStats {
    return { tokens: this.#tokens, granted: this.#granted, denied: this.#denied };
  }

  #deposit(): void {
    this.#tokens = Math.min(this.#tokensMax, this.#tokens + this.#ratio);
  }
}
