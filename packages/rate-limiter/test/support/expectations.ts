// What is expected of each operation of a history: the models, led along.
import type { Answer, Operation, Step } from "./histories.ts";
import { KeyModel } from "./key-model.ts";
import type { RuleSpec } from "./rules.ts";

/** Gives each operation its expected answer. */
export function expectationsOf(
  plans: readonly (readonly RuleSpec[])[],
  operations: readonly Operation[],
): Step[] {
  const expectations = new Expectations(plans);
  return operations.map((operation) => ({ operation, expected: expectations.apply(operation) }));
}

export class Expectations {
  readonly #plans: readonly (readonly RuleSpec[])[];
  readonly #models = new Map<string, KeyModel>();
  #plan = 0;
  #place = 0;
  #nowUs = 0;
  // The models' axis does not go back: it is this much ahead of the clock.
  #aheadUs = 0;

  constructor(plans: readonly (readonly RuleSpec[])[]) {
    this.#plans = plans;
  }

  /** The rules that are in force. */
  get rules(): readonly RuleSpec[] {
    return this.#plans[this.#plan]!;
  }

  /** A moment on the models' axis. */
  onAxis(nowUs: number): number {
    return nowUs + this.#aheadUs;
  }

  modelOf(key: string): KeyModel {
    let model = this.#models.get(key);
    if (model === undefined) {
      model = new KeyModel(this.rules);
      this.#models.set(key, model);
    }
    return model;
  }

  /** What has to come of the next operation; undefined where the definition does not say. */
  apply(operation: Operation): Answer | undefined {
    this.#aheadUs += Math.max(0, this.#nowUs - operation.nowUs);
    this.#nowUs = operation.nowUs;
    const answer = this.#apply(operation, this.#place++);
    return this.#aheadUs === 0 ? answer : undefined;
  }

  #apply(operation: Operation, place: number): Answer | undefined {
    const { verb, key, cost } = operation;
    if (verb === "rules") {
      this.#plan = operation.plan!;
      return undefined;
    }
    const nowUs = this.onAxis(operation.nowUs);
    const model = this.modelOf(key);
    // Given back before: nobody looks at the key.
    if (verb === "cancel" && !model.holds(operation.of)) return undefined;
    // A look under other rules leaves the key under those that it is under.
    if (verb === "peek" && !model.isUnder(this.rules)) return undefined;
    // So does the end of a lease.
    if (verb === "release") return model.release(operation.of);
    model.under(this.rules, nowUs);
    switch (verb) {
      case "take":
        return model.take(nowUs, cost, place);
      case "peek":
        return model.ask(nowUs, cost);
      case "reserve":
        return model.reserve(nowUs, cost, operation.waitMsMax, place);
      case "refund":
        return model.refund(nowUs, cost);
      case "cancel":
        return model.cancel(nowUs, operation.of);
    }
  }
}
