// Leads a limiter in memory through a history, on a clock that stands where the history says.
import type { Decision, Reservation } from "../../src/decision.ts";
import type { Rule } from "../../src/rule.ts";
import type { History, Operation } from "./histories.ts";
import { makeRule, type Subject } from "./rules.ts";

/** What the limiter said: a decision, a reservation, or nothing. */
export type Said = Decision | Reservation | undefined;

const KEYS_MAX = 5;

export class Replay {
  readonly limiter: InstanceType<Subject["RateLimiter"]>;
  readonly #plans: readonly (readonly Rule[])[];
  readonly #said: Said[] = [];
  readonly #isCrowded: boolean;
  #strangers = 0;
  #nowUs = 0;

  /**
   * @param isCrowded whether other keys come all the time, so that no key is remembered for longer
   * than it has to be
   */
  constructor(subject: Subject, { plans }: Pick<History, "plans">, isCrowded = false) {
    this.#isCrowded = isCrowded;
    this.#plans = plans.map((specs) => specs.map((spec) => makeRule(subject, spec)));
    // Only `now` is asked for. It may go back, as no monotonic clock does.
    const clock = { now: () => this.#nowUs / 1000, wallMs: () => 0, setTimer: neverSet };
    this.limiter = new subject.RateLimiter(this.#plans[0]!, { clock, keysMax: KEYS_MAX });
  }

  /** Does the next thing. */
  step(operation: Operation): Said {
    const said = this.#do(operation);
    this.#said.push(said);
    return said;
  }

  #do({ verb, nowUs, key, cost, waitMsMax, of, plan }: Operation): Said {
    this.#nowUs = nowUs;
    const { limiter } = this;
    // Denied for ever, and so full: a key that can be forgotten at once.
    if (this.#isCrowded) limiter.take(`stranger ${this.#strangers++}`, Number.MAX_SAFE_INTEGER);
    switch (verb) {
      case "take":
        return limiter.take(key, cost);
      case "peek":
        return limiter.peek(key, cost);
      case "reserve":
        return limiter.reserve(key, cost, waitMsMax);
      case "refund":
        return void limiter.refund(key, cost);
      case "rules":
        return void limiter.setRules(this.#plans[plan!]!);
      case "release":
        return void limiter.release(key, (this.#said[of] as Decision).lease);
      case "cancel": {
        const reservation = this.#said[of];
        return reservation !== undefined && "cancel" in reservation
          ? void reservation.cancel()
          : undefined;
      }
    }
  }
}

function neverSet(): never {
  throw new Error("a decision sets no timer");
}
