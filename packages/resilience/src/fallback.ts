// Answers in place of a failure: the second-best answer now, instead of the best one never.
import type { Call } from "./call.ts";
import type { Next, Policy } from "./policy.ts";

/** Answers failures; what it throws is what the caller gets. */
export class FallbackPolicy<A> implements Policy<A> {
  readonly kind = "fallback";
  readonly #answer: (error: unknown, call: Call) => A | PromiseLike<A>;
  #answered = 0;

  constructor(answer: (error: unknown, call: Call) => A | PromiseLike<A>) {
    if (typeof answer !== "function") {
      throw new TypeError(`a fallback must be a function, got ${typeof answer}`);
    }
    this.#answer = answer;
  }

  run<T>(call: Call, next: Next<T>): Promise<T | A> {
    return next(call).catch((error: unknown) => {
      // Nobody waits for an answer to a call that was aborted.
      if (call.aborted) throw error;
      this.#answered++;
      return this.#answer(error, call);
    });
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): { answered: number } {
    return { answered: this.#answered };
  }
}

/** Answers failures with what `answer` returns. */
export function fallback<A>(
  answer: (error: unknown, call: Call) => A | PromiseLike<A>,
): FallbackPolicy<A> {
  return new FallbackPolicy(answer);
}
