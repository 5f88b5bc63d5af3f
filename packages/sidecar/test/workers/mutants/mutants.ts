// Planted bugs: what a division among workers is known to get wrong.
import type { Mutant } from "@compendium/house/planted";

const divide = (name: string, search: string, replacement: string): Mutant => {
  return { name, file: "workers/divide.ts", search, replacement };
};

export const mutants: readonly Mutant[] = [
  divide("nobody gets what is left over", "(index < whole % workers ? 1 : 0)", "0"),
  divide("everybody gets what is left over", "index < whole % workers", "whole % workers > 0"),
  divide("a worker has nothing to work with", "Math.max(1, part)", "part"),
  divide("a limit of 0 lets one through", "whole === 0 ||", ""),
  divide("a rate stays whole", "wholeMs * workers", "wholeMs"),
  divide(
    "a bucket stays whole",
    "tokensMax = this.#part(filter.tokensMax)",
    "{ tokensMax } = filter",
  ),
  divide("a budget is divided twice", "percent: retryBudget.percent", "percent: 10"),
  divide("a quiet worker may never retry", "Math.ceil(retryBudget", "Math.floor(retryBudget"),
  divide("routes with one limit have one each", "this.#filters.set(filter, made);", ""),
  divide(
    "routes' own filters stay whole",
    "mapValues(overrides, (filter) => filter && this.#filter(filter))",
    "overrides",
  ),
  divide("the high priority is not limited", "this.#thresholds(breakers.high)", "breakers.high"),
  divide(
    "a chain's connections stay whole",
    "connectionsMax === undefined ? undefined : this.#part(connectionsMax)",
    "connectionsMax",
  ),
  divide("faults stay whole", "activeMax: this.#part(filter.activeMax)", ""),
  divide(
    "the least concurrency stays whole",
    "limitMin = this.#part(filter.limitMin)",
    "{ limitMin } = filter",
  ),
];
