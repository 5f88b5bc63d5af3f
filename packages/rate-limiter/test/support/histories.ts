// Adversarial histories: a few rules, and a list of what is asked of them and when. Drawn from a
// seed, and plain data, so that anything with a limiter's verbs can be led through the same one:
// the limiter in memory, its mutants, a script in a server.
//
// Time and cost are aimed. A model (models.ts) is led along and asked when the next request would
// fit and what would just fit; then the history goes there, or a µs before or after. The models'
// answers are kept beside the operations: they are what is expected. Where no model can tell (the
// clock has been set back) an operation stands without.
import { pick, SeededRandom } from "@compendium/runtime";
import { Expectations } from "./expectations.ts";
import { ALGORITHMS, capacityOf, drawRule, type RuleSpec } from "./rules.ts";

export type Verb = "take" | "peek" | "reserve" | "refund" | "release" | "cancel" | "rules";

/** Something that is asked of a limiter. */
export interface Operation {
  readonly verb: Verb;
  /** When, in whole µs. Less than before where the clock is set back. */
  readonly nowUs: number;
  readonly key: string;
  readonly cost: number;
  /** `reserve`: the longest wait. */
  readonly waitMsMax: number;
  /** `release`, `cancel`: the operation that began it, by its place in the history. */
  readonly of: number;
  /** `rules`: the new rules. `take`: the rules of the request; undefined: the limiter's. */
  readonly plan: number | undefined;
}

/** What has to come of it; a decision's fields (src/decision.ts), the rule by its name. */
export interface Answer {
  readonly allowed: boolean;
  readonly retryAfterMs: number;
  /** `take` and `peek`. */
  readonly remaining: number;
  readonly delayMs: number;
  readonly resetMs: number;
  readonly rule: string;
  /** `reserve`. */
  readonly waitMs: number;
}

export interface Step {
  readonly operation: Operation;
  /** Undefined: the definition does not say, or the verb answers nothing. */
  readonly expected: Answer | undefined;
}

export interface History {
  readonly seed: number;
  /** Lists of rules of the same algorithms; a limiter begins under the first. */
  readonly plans: readonly (readonly RuleSpec[])[];
  readonly steps: readonly Step[];
}

/** What may occur; by default all. */
export interface HistoryOptions {
  readonly algorithms?: readonly RuleSpec["algorithm"][];
  readonly verbs?: readonly Verb[];
  /** Whether the clock may be set back. */
  readonly setBack?: boolean;
  /** How many rules are decided together at most. Default 3. */
  readonly rulesMax?: number;
  /** Where time begins, in µs: 0 and today in turns, if left out. */
  readonly startUs?: number;
  /** The number of operations. Default: 8 to 40. */
  readonly length?: number;
}

const TODAY_US = 1_700_000_000_000_000;
const AXIS_US = 1e15;
const VERBS: readonly Verb[] = [
  ...Array<Verb>(12).fill("take"),
  ...Array<Verb>(3).fill("peek"),
  ...Array<Verb>(3).fill("reserve"),
  "refund",
  "cancel",
  "release",
  "release",
];

/** The history of a seed. */
export function drawHistory(seed: number, options: HistoryOptions = {}): History {
  const random = new SeededRandom(seed);
  const plans = drawPlans(random, options);
  return { seed, plans, steps: new Drawing(random, plans, options).steps() };
}

function drawPlans(random: SeededRandom, options: HistoryOptions): RuleSpec[][] {
  const { algorithms = ALGORITHMS, rulesMax = 3, verbs } = options;
  const count = random.below(4) === 0 ? 1 + random.below(rulesMax) : 1;
  const chosen = Array.from({ length: count }, () => pick(random, algorithms));
  // One request has one lease.
  const kept = chosen.filter(
    (it, i) => it !== "concurrency-limit" || chosen.indexOf("concurrency-limit") === i,
  );
  const draw = () => kept.map((algorithm, i) => drawRule(random, algorithm, `r${i}`));
  const first = draw();
  const canChange = verbs === undefined || verbs.includes("rules");
  if (!canChange || random.below(8) > 0) return [first];
  const others = draw().map((spec, i) => {
    // Reservations made under one rule are kept by another that can hold them.
    const before = first[i]!;
    const isParted = spec.algorithm === "conservative-sliding-counter";
    return { ...spec, parts: isParted ? before.parts : 1, reserveMsMax: 0 };
  });
  return [first.map((spec) => ({ ...spec, reserveMsMax: 0 })), others];
}

class Drawing {
  readonly #random: SeededRandom;
  readonly #plans: readonly (readonly RuleSpec[])[];
  readonly #verbs: readonly Verb[];
  readonly #length: number;
  readonly #setBack: boolean;
  readonly #keys: readonly string[];
  readonly #expectations: Expectations;
  readonly #steps: Step[] = [];
  readonly #startUs: number;
  #nowUs: number;

  constructor(
    random: SeededRandom,
    plans: readonly (readonly RuleSpec[])[],
    options: HistoryOptions,
  ) {
    const { verbs, setBack = true, startUs, length } = options;
    this.#random = random;
    this.#plans = plans;
    this.#expectations = new Expectations(plans);
    this.#verbs = VERBS.filter((verb) => verbs === undefined || verbs.includes(verb));
    this.#length = length ?? 8 + random.below(33);
    this.#setBack = setBack && random.below(8) === 0;
    this.#keys = ["a", "b", "c"].slice(0, random.below(4) === 0 ? 3 : 1);
    this.#startUs = startUs ?? pick(random, [0, TODAY_US]);
    this.#nowUs = this.#startUs + random.below(3_000_000);
  }

  steps(): Step[] {
    while (this.#steps.length < this.#length) {
      const key = pick(this.#random, this.#keys);
      const cost = this.#cost(key);
      this.#move(key, cost);
      const operation = this.#operation(key, cost);
      this.#steps.push({ operation, expected: this.#expectations.apply(operation) });
    }
    return this.#steps;
  }

  #operation(key: string, cost: number): Operation {
    const random = this.#random;
    const isChange = this.#plans.length > 1 && random.below(8) === 0;
    let verb: Verb = isChange ? "rules" : pick(random, this.#verbs);
    const operation = { nowUs: this.#nowUs, key, cost, waitMsMax: 0, of: -1, plan: undefined };
    if (verb === "rules") return { ...operation, verb, plan: random.below(this.#plans.length) };
    if (verb === "cancel" || verb === "release") {
      const of = this.#begun(verb === "cancel" ? "reserve" : "take");
      if (of !== -1) return { ...this.#steps[of]!.operation, nowUs: this.#nowUs, verb, of };
      verb = "take";
    }
    if (verb !== "reserve") return { ...operation, verb };
    const rules = this.#expectations.rules;
    const mostMs = Math.min(...rules.map((spec) => spec.reserveMsMax));
    const hasQueue = rules.some((spec) => spec.algorithm === "leaky-bucket-queue");
    const anyMs = hasQueue ? 1 + random.below(5000) : random.below(mostMs + 1);
    return { ...operation, verb, waitMsMax: pick(random, [mostMs, anyMs]) };
  }

  // The place of something that can be ended, perhaps not for the first time; -1: there is nothing.
  #begun(verb: Verb): number {
    const hasLeases = this.#plans[0]!.some((spec) => spec.algorithm === "concurrency-limit");
    if (verb === "take" && !hasLeases) return -1;
    const places = [...this.#steps.keys()].filter((place) => {
      const { operation, expected } = this.#steps[place]!;
      return operation.verb === verb && expected?.allowed === true;
    });
    return places.length === 0 ? -1 : pick(this.#random, places);
  }

  #cost(key: string): number {
    const random = this.#random;
    const expectations = this.#expectations;
    const capacity = Math.min(...expectations.rules.map(capacityOf));
    const aim = random.below(8);
    if (aim < 3) return 1;
    if (aim === 3) return 1 + random.below(3);
    if (aim === 4) return capacity + (random.below(4) === 0 ? 1 : 0);
    if (aim === 5) return Math.max(1, Math.floor(capacity / pick(random, [2, 3, 4])));
    if (aim === 6) return 1 + random.below(capacity);
    const remaining = expectations.modelOf(key).remaining(expectations.onAxis(this.#nowUs));
    return Math.max(1, Math.min(remaining, 2 ** 52) + random.below(2));
  }

  // Where the next operation is: now, soon, where something is about to change, or long after.
  #move(key: string, cost: number): void {
    const random = this.#random;
    const { windowMs, limit, parts } = pick(random, this.#expectations.rules);
    const windowUs = windowMs * 1000;
    if (this.#setBack && this.#steps.length > 0 && random.below(8) === 0) {
      const backUs = pick(random, [1, windowUs, random.below(3 * windowUs), 3_600_000_000]);
      // To the end of a part of a window, one time in two.
      const partUs = Math.ceil(windowUs / parts);
      const pastUs = random.below(2) * (1 + ((this.#nowUs - backUs) % partUs));
      this.#nowUs = Math.max(this.#startUs, this.#nowUs - Math.max(0, backUs + pastUs));
      return;
    }
    const nowUs = this.#expectations.onAxis(this.#nowUs);
    const model = this.#expectations.modelOf(key);
    const edge = pick(random, [0, 0, 1, -1]);
    const byUs = pick(random, [
      () => 0,
      () => 0,
      () => 1 + random.below(3),
      () => random.below(windowUs),
      () => 1000 * random.below(windowMs),
      () => finite(model.waitUs(nowUs, cost)) + edge,
      () => finite(model.waitUs(nowUs, cost)) + edge,
      () => 1000 * Math.ceil(finite(model.waitUs(nowUs, cost)) / 1000) - pick(random, [0, 1000]),
      () => Math.max(0, model.fullUs(nowUs) - nowUs) + edge,
      () => Math.floor((windowUs / limit) * (1 + random.below(3))) + edge,
      () => windowUs - (nowUs % windowUs) + edge,
      () => windowUs + edge,
      () => random.below(3) * windowUs * 3,
    ])();
    const leftUs = Math.max(0, this.#startUs + AXIS_US - nowUs);
    this.#nowUs += Math.min(Math.max(0, byUs), leftUs);
  }
}

function finite(us: number): number {
  return us === Infinity ? 0 : us;
}
