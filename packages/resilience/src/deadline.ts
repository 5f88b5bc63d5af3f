// By when a call must be over, for everything further in. A timeout bounds one attempt, and starts
// anew with the next; a deadline is a point in time, and does not move, however many attempts and
// hops there are. So it can be handed on (see deadline-headers.ts), and whoever finds it in the
// past knows that nobody waits for the answer, and does not start.
//
//     caller ├──────────────────────── 500 ms ────────────────────────┤
//     edge      ├─ attempt ─┤  ├─ attempt ────────── told: 310 ms ────┤
//     editor                      ├─ told: 300 ms ────────────────────┤
import type { AbortListener, Call } from "./call.ts";
import { wheelOf } from "./deadline-wheel.ts";
import { ResilienceError } from "./errors.ts";
import type { Next, Policy } from "./policy.ts";

/** Options of {@link deadline}. */
export interface DeadlineOptions {
  /**
   * By when a call must be over, in ms from when it comes here; it never lengthens a deadline.
   * Above 0; default: only the call's own.
   */
  deadlineInMs?: number;
}

/** What a deadline has counted. */
export interface DeadlineStats {
  /** Calls whose deadline was set or shortened. */
  bounded: number;
  /** Calls that came too late to be started. */
  notStarted: number;
  /** Calls that were given up on when their time was over. */
  exceeded: number;
}

/**
 * Rejects a call with `DEADLINE_EXCEEDED` once its time is over, at most 16 ms late, and aborts it;
 * one that comes too late is not started.
 */
export class DeadlinePolicy implements Policy {
  readonly kind = "deadline";
  readonly #deadlineInMs: number;
  #bounded = 0;
  #notStarted = 0;
  #exceeded = 0;

  constructor({ deadlineInMs = Infinity }: DeadlineOptions = {}) {
    if (!(deadlineInMs > 0)) {
      throw new RangeError(`deadlineInMs must be a number above 0, got ${deadlineInMs}`);
    }
    this.#deadlineInMs = deadlineInMs;
  }

  run<T>(call: Call, next: Next<T>): Promise<T> {
    const now = call.clock.now();
    if (call.deadlineMs <= now) {
      this.#notStarted++;
      return Promise.reject(
        new ResilienceError("DEADLINE_EXCEEDED", "the deadline had passed before the call began"),
      );
    }
    const deadlineMs = now + this.#deadlineInMs;
    // Whoever set a deadline sees to it.
    if (deadlineMs >= call.deadlineMs) return next(call);
    this.#bounded++;
    return this.#bound(call, deadlineMs, next);
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): DeadlineStats {
    return { bounded: this.#bounded, notStarted: this.#notStarted, exceeded: this.#exceeded };
  }

  #bound<T>(call: Call, deadlineMs: number, next: Next<T>): Promise<T> {
    const bounded = call.fork(deadlineMs);
    return new Promise<T>((resolve, reject) => {
      let listener: AbortListener | undefined;
      const timer = wheelOf(call.clock).add(deadlineMs, () => {
        listener?.dispose();
        this.#exceeded++;
        const error = new ResilienceError("DEADLINE_EXCEEDED", "the call's deadline has passed");
        reject(error);
        bounded.abort(error);
      });
      listener = call.onAbort((reason) => {
        timer.cancel();
        reject(reason);
      });
      const end = () => {
        timer.cancel();
        listener?.dispose();
        bounded.release();
      };
      next(bounded).then(
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
}

/** Sets or shortens the deadline of calls. Throws a RangeError for a time that is not above 0. */
export function deadline(options: DeadlineOptions = {}): DeadlinePolicy {
  return new DeadlinePolicy(options);
}
