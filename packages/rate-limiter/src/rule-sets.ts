// Limits that change: a limiter's own rules, and those that a single request brings along, a
// customer's plan. Each distinct list of rules gets a number, and each row remembers under which
// its numbers were written, so that they can be converted when the next request comes with others.
import type { ConservativeSlidingCounter } from "./conservative-sliding-counter.ts";
import type { Rule, Table } from "./rule.ts";
import { show } from "./rule-options.ts";

const SETS_MAX = 2 ** 16;

/** The rules that rows are under. While there is only one list of rules, it costs nothing. */
export class RuleSets {
  readonly #sets: (readonly Rule[])[] = [];
  // Lists by what was passed in: a rule, or an array of them.
  readonly #numberOf = new Map<Rule | readonly Rule[], number>();
  #default: readonly Rule[];
  #defaultNumber = 0;
  // Whether rows can be under other rules than the first.
  #isChanged = false;
  // Invariant: empty while they cannot.
  #ofRow = new Uint16Array(0);
  readonly #free: number[] = [];

  constructor(rules: readonly Rule[]) {
    this.#default = rules;
    this.#sets.push(rules);
    this.#numberOf.set(rules, 0);
  }

  get default(): readonly Rule[] {
    return this.#default;
  }

  /** @throws TypeError when the rules are not of the same algorithms */
  setDefault(rules: Rule | readonly Rule[]): void {
    this.#isChanged = true;
    this.#defaultNumber = this.#intern(rules);
    this.#default = this.#sets[this.#defaultNumber]!;
  }

  /** The rules for a request; the row is converted to them where it was under others. */
  of(
    row: number,
    tables: readonly Table[],
    nowUs: number,
    wanted?: Rule | readonly Rule[],
  ): readonly Rule[] {
    if (!this.#isChanged && wanted === undefined) return this.#default;
    return this.#convert(row, tables, nowUs, wanted);
  }

  #convert(
    row: number,
    tables: readonly Table[],
    nowUs: number,
    wanted?: Rule | readonly Rule[],
  ): readonly Rule[] {
    this.#isChanged = true;
    const number = wanted === undefined ? this.#defaultNumber : this.#intern(wanted);
    const rules = this.#sets[number]!;
    if (row >= this.#ofRow.length) this.#grow(row);
    const before = this.#sets[this.#ofRow[row]!]!;
    if (before !== rules) {
      this.#ofRow[row] = number;
      for (const [i, table] of tables.entries()) {
        if (isAlike(before[i]!, rules[i]!)) continue;
        table.settle(row, before[i]!, nowUs);
        table.convert(row, before[i]!, rules[i]!, nowUs);
      }
    }
    return rules;
  }

  /** Throws what `of` would throw for these rules. */
  check(wanted: Rule | readonly Rule[]): void {
    this.#intern(wanted);
  }

  /** Whether a row would have to be converted for these rules. */
  isUnder(row: number, wanted?: Rule | readonly Rule[]): boolean {
    if (!this.#isChanged && wanted === undefined) return true;
    const number = wanted === undefined ? this.#defaultNumber : this.#intern(wanted);
    return this.#sets[number] === this.under(row);
  }

  /** Makes `to` a row like `from`. */
  copy(from: number, to: number, tables: readonly Table[]): void {
    for (const table of tables) table.copy(from, to);
    if (Math.max(from, to) >= this.#ofRow.length) this.#grow(Math.max(from, to));
    this.#ofRow[to] = this.#ofRow[from]!;
  }

  /** The rules that a request wants, or the default. */
  listOf(wanted: Rule | readonly Rule[] | undefined): readonly Rule[] {
    return wanted === undefined ? this.#default : this.#sets[this.#intern(wanted)]!;
  }

  /** The rules under which a row's numbers were written. */
  under(row: number): readonly Rule[] {
    return this.#sets[this.#ofRow[row] ?? 0]!;
  }

  #intern(given: Rule | readonly Rule[]): number {
    const known = this.#numberOf.get(given);
    if (known !== undefined) return known;
    const rules = checkRules(given);
    checkSameAlgorithms(this.#sets[0]!, rules);
    const number = this.#unusedNumber();
    this.#sets[number] = rules;
    this.#numberOf.set(given, number);
    return number;
  }

  #unusedNumber(): number {
    if (this.#sets.length < SETS_MAX) return this.#sets.length;
    if (this.#free.length === 0) this.#forgetUnused();
    const number = this.#free.pop();
    if (number !== undefined) return number;
    throw new RangeError(`more than ${SETS_MAX} lists of rules are in use; make each once`);
  }

  // O(keys), and not again before as many lists have come as were forgotten.
  #forgetUnused(): void {
    const used = new Set(this.#ofRow).add(this.#defaultNumber).add(0);
    for (const [given, number] of this.#numberOf) {
      if (used.has(number)) continue;
      this.#numberOf.delete(given);
      this.#free.push(number);
    }
  }

  #grow(row: number): void {
    const longer = new Uint16Array(Math.max(64, 2 * row));
    longer.set(this.#ofRow);
    this.#ofRow = longer;
  }
}

// Numbers written under one mean the same under the other. A configuration that is read again makes
// new rules that say the same: if each began its interval anew, a slow bucket would never fill.
function isAlike(a: Rule, b: Rule): boolean {
  const isSameLimit = a.limit === b.limit && a.windowMs === b.windowMs;
  return isSameLimit && a.capacity === b.capacity && partsOf(a) === partsOf(b);
}

function partsOf(rule: Rule): number | undefined {
  return (rule as Partial<ConservativeSlidingCounter>).parts;
}

/** Throws a TypeError unless the rules `wanted` are of the same algorithms in the same order. */
export function checkSameAlgorithms(rules: readonly Rule[], wanted: readonly Rule[]): void {
  const algorithms = (list: readonly Rule[]) => list.map((rule) => rule.algorithm).join(", ");
  if (algorithms(rules) === algorithms(wanted)) return;
  throw new TypeError(
    `rules must be of the algorithms ${algorithms(rules)}, got ${algorithms(wanted)}`,
  );
}

/**
 * One rule or several as a list.
 *
 * @throws TypeError for what is no rule, or none
 * @throws RangeError when two have one name
 */
export function checkRules(rules: Rule | readonly Rule[]): readonly Rule[] {
  const list = (Array.isArray(rules) ? [...rules] : [rules]) as readonly Rule[];
  if (list.length === 0) throw new TypeError("rules must not be empty");
  const names = new Set<string>();
  for (const rule of list) {
    if (typeof rule?.table !== "function") {
      throw new TypeError(
        `a rule is made by tokenBucket(…), gcra(…) and the like, got ${show(rule)}`,
      );
    }
    if (names.has(rule.name)) {
      throw new RangeError(
        `two rules have the name ${show(rule.name)}; give them names of their own`,
      );
    }
    names.add(rule.name);
  }
  if (list.filter((rule) => rule.algorithm === "concurrency-limit").length > 1) {
    throw new TypeError("rules must not have two concurrency limits: a decision has one lease");
  }
  return list;
}
