// What the TypeScript says, if it remembers no more than the server has been told to: a limiter in
// memory, new at every step, is led through what has been written about the key so far, and then
// asked. (A limiter in memory lets time pass on a row whenever it looks, and converts it to other
// rules; on a clock that does not go back, and under one list of rules, nobody can see that. In
// Redis, looking leaves no trace.)
import * as subject from "../../src/index.ts";
import type { Rule } from "../../src/rule.ts";
import type { History, Operation } from "../support/histories.ts";
import { makeRule } from "../support/rules.ts";
import { isDecision, perform, type Said, together, type Verbs } from "./perform.ts";

interface Entry {
  readonly place: number;
  readonly operation: Operation;
  readonly rules: readonly Rule[];
}

/** A history's reference, in memory. */
export class Journal {
  readonly #plans: readonly (readonly Rule[])[];
  readonly #isGroup: boolean;
  readonly #written = new Map<string, Entry[]>();
  #rules: readonly Rule[];
  #place = -1;
  #nowUs = 0;

  constructor({ plans }: Pick<History, "plans">, isGroup: boolean) {
    this.#plans = plans.map((specs) => specs.map((spec) => makeRule(subject, spec)));
    this.#rules = this.#plans[0]!;
    this.#isGroup = isGroup;
  }

  /** What the next operation is answered. It is asked, but not written down. */
  ask(operation: Operation): Said {
    this.#place++;
    if (operation.verb === "rules") {
      this.#rules = this.#plans[operation.plan!]!;
      return undefined;
    }
    const limiter = this.#make();
    const leases = new Map<number, number>();
    const entry = { place: this.#place, operation, rules: this.#rules };
    let said: Said;
    for (const it of [...(this.#written.get(operation.key) ?? []), entry]) {
      if (limiter instanceof subject.RateLimiter) limiter.setRules(it.rules);
      this.#nowUs = it.operation.nowUs;
      said = perform(limiter, it.operation, (place) => leases.get(place) ?? 0) as Said;
      if (isDecision(said)) leases.set(it.place, said.lease);
    }
    return said;
  }

  /** Writes down what was asked last. */
  write(operation: Operation): void {
    const { key } = operation;
    const entry = { place: this.#place, operation, rules: this.#rules };
    this.#written.set(key, [...(this.#written.get(key) ?? []), entry]);
  }

  /** Forgets a key. */
  forget(key: string): void {
    this.#written.delete(key);
  }

  #make(): Verbs {
    this.#nowUs = 0;
    const clock = { now: () => this.#nowUs / 1000, wallMs: () => 0, setTimer: neverSet };
    const make = (rules: Rule | readonly Rule[]) =>
      new subject.RateLimiter(rules, { clock, keysMax: 1 });
    const rules = this.#plans[0]!;
    return this.#isGroup
      ? together(rules.map(make), (parts) => subject.RateLimiter.takeTogether(parts))
      : make(rules);
  }
}

function neverSet(): never {
  throw new Error("a decision sets no timer");
}
