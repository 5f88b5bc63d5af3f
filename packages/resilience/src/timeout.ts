// Gives up on an attempt that takes too long. Only the attempt: the work is told through its own
// signal, and neither the calls beside it nor the caller outside are touched.
//
// The caller gets its answer at once. The work may go on for as long as it ignores its signal, and
// a bulkhead's place is kept until the work is over, wherever the bulkhead stands. What the work
// answers after that is dropped: it is neither an answer nor an unhandled rejection.
import type { Call } from "./call.ts";
import { wheelOf } from "./deadline-wheel.ts";
import { ResilienceError } from "./errors.ts";
import type { Next, Policy } from "./policy.ts";

/** Options of {@link timeout}. */
export interface TimeoutOptions {
  /** How long an attempt may take, in ms. Above 0. */
  timeoutMs: number;
}

/** What a timeout has counted. */
export interface TimeoutStats {
  /** Attempts that ended in time. */
  inTime: number;
  /** Attempts that were given up. */
  timedOut: number;
  /** Attempts that somebody further out had aborted before. */
  cancelled: number;
}

/** Rejects an attempt after `timeoutMs`, or at most 16 ms later, with `TIMEOUT`, and aborts it. */
export class TimeoutPolicy implements Policy {
  readonly kind = "timeout";
  readonly #timeoutMs: number;
  #inTime = 0;
  #timedOut = 0;
  #cancelled = 0;

  constructor({ timeoutMs }: TimeoutOptions) {
    if (!(timeoutMs > 0 && timeoutMs < Infinity)) {
      throw new RangeError(`timeoutMs must be a number above 0, got ${timeoutMs}`);
    }
    this.#timeoutMs = timeoutMs;
  }

  run<T>(call: Call, next: Next<T>): Promise<T> {
    const now = call.clock.now();
    const deadlineMs = now + this.#timeoutMs;
    const attempt = call.fork(deadlineMs);
    return new Promise<T>((resolve, reject) => {
      let timedOut = false;
      const fire = () => {
        // Whom the caller has given up on cannot be late.
        if (attempt.aborted) return;
        timedOut = true;
        this.#timedOut++;
        const error = new ResilienceError("TIMEOUT", `no answer within ${this.#timeoutMs} ms`);
        reject(error);
        attempt.abort(error);
      };
      const timer = wheelOf(call.clock).add(deadlineMs, fire, now);
      const end = () => {
        timer.cancel();
        if (attempt.aborted) {
          if (!timedOut) this.#cancelled++;
          return;
        }
        this.#inTime++;
        attempt.release();
      };
      next(attempt).then(
        (value) => {
          end();
          resolve(value);
        },
        (error) => {
          end();
          reject(error);
        },
      );
    });
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): TimeoutStats {
    return { inTime: this.#inTime, timedOut: this.#timedOut, cancelled: this.#cancelled };
  }
}

/** Gives up on an attempt after `timeoutMs`. Throws a RangeError for a time that is not above 0. */
export function timeout(options: TimeoutOptions): TimeoutPolicy {
  return new TimeoutPolicy(options);
}
