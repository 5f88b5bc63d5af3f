// Answers in place of a failure: the second-best answer now, instead of the best one never.
//
// It answers everything that is thrown further in, refusals and bugs alike; an answer that does not
// fit an error throws that error again. A caller who has given up, by his signal or his deadline,
// is past being answered.
import type { Call } from "./call.ts";
import type { Next, Policy } from "./policy.ts";

/** What a fallback has counted. */
export interface FallbackStats {
  /** Failures that were answered. */
  answered: number;
  /** Failures that it had no answer to either: it threw. */
  failed: number;
}

/** Answers failures; what it throws is what the caller gets. */
export class FallbackPolicy<A> implements Policy<A> {
  readonly kind = "fallback";
  /** Only a type: what may be answered besides what the work answers. */
  declare readonly adds: A;
  readonly #answer: (error: unknown, call: Call) => A | PromiseLike<A>;
  #answered = 0;
  #failed = 0;

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
      return this.#answerTo(error, call);
    });
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): FallbackStats {
    return { answered: this.#answered, failed: this.#failed };
  }

  async #answerTo(error: unknown, call: Call): Promise<A> {
    try {
      const answer = await this.#answer(error, call);
      this.#answered++;
      return answer;
    } catch (thrown) {
      this.#failed++;
      throw thrown;
    }
  }
}

/**
 * Answers failures with what `answer` returns or its promise resolves to; what it throws is thrown.
 * It is not asked once the call has been aborted. Throws a TypeError unless it is a function.
 */
export function fallback<A>(
  answer: (error: unknown, call: Call) => A | PromiseLike<A>,
): FallbackPolicy<A> {
  return new FallbackPolicy(answer);
}
