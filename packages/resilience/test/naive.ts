// The pipeline of retry, breaker, timeout and bulkhead once more, as one would write it by hand for
// one case: lists instead of links, a timer for each wait, a permit settled by hand. Slow, short,
// and the yardstick of model.property.test.ts.
import type { CircuitBreaker, Permit } from "@compendium/circuit-breaker";
import type { ManualClock } from "@compendium/runtime";

/** What both have to do. */
export interface Settings {
  readonly attemptsMax: number;
  readonly timeoutMs: number;
  readonly concurrencyMax: number;
  readonly lengthMax: number;
}

/** How each attempt of a call goes: how long its work takes, and whether it then succeeds. */
export type Script = readonly { readonly lastsMs: number; readonly succeeds: boolean }[];

/** Starts the work of the next attempt of a call; it ignores every abort. */
export type Start = () => Promise<unknown>;

class Fault extends Error {
  readonly code: string;
  readonly final: boolean;

  constructor(code: string, final: boolean) {
    super(code);
    this.code = code;
    this.final = final;
  }
}

export class Naive {
  readonly #settings: Settings;
  readonly #clock: ManualClock;
  readonly #breaker: CircuitBreaker;
  #running = 0;
  #waiting: { readonly enter: () => void; readonly deadlineMs: number }[] = [];

  constructor(settings: Settings, clock: ManualClock, breaker: CircuitBreaker) {
    this.#settings = settings;
    this.#clock = clock;
    this.#breaker = breaker;
  }

  async call(start: Start, signal: AbortSignal, backoffMs: number): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(start, signal);
      } catch (error) {
        const over = signal.aborted || attempt === this.#settings.attemptsMax;
        if (over || (error instanceof Fault && error.final)) throw error;
      }
      await this.#sleep(backoffMs * 2 ** (attempt - 1), signal);
    }
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(this.#clock.now() + ms, resolve);
      signal.addEventListener("abort", () => {
        timer[Symbol.dispose]();
        reject(signal.reason);
      });
    });
  }

  #attempt(start: Start, signal: AbortSignal): Promise<unknown> {
    const permit = this.#breaker.acquire();
    if (!permit.admitted) return Promise.reject(new Fault(permit.code, true));
    return new Promise((resolve, reject) => {
      const end = (settle: (permit: Permit) => void, answer: () => void) => {
        settle(permit);
        timer[Symbol.dispose]();
        this.#waiting = this.#waiting.filter((other) => other.enter !== enter);
        answer();
      };
      const deadlineMs = this.#clock.now() + this.#settings.timeoutMs;
      // The wheel rounds up to its ticks of 8 ms.
      const dueMs = 8 * Math.ceil(deadlineMs / 8);
      const timer = this.#clock.setTimer(dueMs, () => {
        end(
          (permit) => permit.fail(),
          () => reject(new Fault("TIMEOUT", false)),
        );
      });
      signal.addEventListener("abort", () => {
        end(
          (permit) => permit.cancel(),
          () => reject(signal.reason),
        );
      });
      const leave = () => {
        this.#running--;
        // Who is past his deadline is not served, even if the wheel has not told him yet.
        const now = this.#clock.now();
        while ((this.#waiting[0]?.deadlineMs ?? Infinity) <= now) this.#waiting.shift();
        this.#waiting.shift()?.enter();
      };
      const enter = () => {
        this.#running++;
        start().then(
          (value) => {
            leave();
            end(
              (permit) => permit.succeed(),
              () => resolve(value),
            );
          },
          (error) => {
            leave();
            end(
              (permit) => permit.fail(),
              () => reject(error),
            );
          },
        );
      };
      if (this.#running < this.#settings.concurrencyMax) enter();
      else if (this.#waiting.length < this.#settings.lengthMax) {
        this.#waiting.push({ enter, deadlineMs });
      } else {
        end(
          (permit) => permit.cancel(),
          () => reject(new Fault("BULKHEAD_FULL", true)),
        );
      }
    });
  }
}
