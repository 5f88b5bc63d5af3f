// What is said while the store does not answer. There is no right answer, only a choice between two
// harms: to let everybody through what the limit protects, or to turn everybody away because of a
// server that only counts. In between, each process can hold itself to its own share of the limit.
import type { Clock } from "@compendium/runtime";
import type { Decision } from "./decision.ts";
import { RateLimiter } from "./rate-limiter.ts";
import type { Rule } from "./rule.ts";
import { show } from "./rule-options.ts";

/** What to say when the store does not answer. */
export type OnStoreFailure =
  /** Let through. */
  | "open"
  /** Deny. */
  | "closed"
  /**
   * Hold this process to `localShare` of the limit, above 0 and up to 1: 0.25 in a fleet of four.
   */
  | { readonly localShare: number };

// What to name as the time to come back when nobody knows.
const RETRY_AFTER_MS = 1000;

/** Decides in the place of the store. */
export class StoreFailure {
  readonly #policy: OnStoreFailure;
  readonly #name: string;
  readonly #clock: Clock;
  #rules: readonly Rule[] = [];
  #local: RateLimiter | undefined;

  /** @throws RangeError for what is no policy */
  constructor(policy: OnStoreFailure, name: string, clock: Clock) {
    checkPolicy(policy);
    this.#policy = policy;
    this.#name = name;
    this.#clock = clock;
  }

  /** From now on decides by these rules. */
  setRules(rules: readonly Rule[]): void {
    this.#rules = rules;
    if (typeof this.#policy !== "object") return;
    const { localShare } = this.#policy;
    const shares = rules.map((rule) => rule.scaled(localShare));
    if (this.#local !== undefined) this.#local.setRules(shares);
    else this.#local = new RateLimiter(shares, { name: this.#name, clock: this.#clock });
  }

  /** What the policy says to a request. */
  decide(verb: "take" | "peek", key: string | undefined, cost: number): Decision {
    if (this.#local !== undefined) {
      const decision = this.#local[verb](key, cost);
      const outcome = decision.allowed ? "store-local-allowed" : "store-local-denied";
      return { ...decision, outcome };
    }
    const allowed = this.#policy === "open";
    return {
      allowed,
      outcome: allowed ? "store-open" : "store-closed",
      rule: this.#rules[0]!,
      remaining: 0,
      retryAfterMs: allowed ? 0 : RETRY_AFTER_MS,
      delayMs: 0,
      resetMs: 0,
      lease: 0,
    };
  }
}

function checkPolicy(policy: OnStoreFailure): void {
  if (policy === "open" || policy === "closed") return;
  const share = policy?.localShare;
  if (typeof share === "number" && share > 0 && share <= 1) return;
  throw new RangeError(
    `onStoreFailure must be "open", "closed" or { localShare: above 0, up to 1 }, ` +
      `got ${typeof policy === "object" ? JSON.stringify(policy) : show(policy)}`,
  );
}
