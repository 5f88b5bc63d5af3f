// The shortest history that still goes wrong: operations are left out one at a time, from the end,
// as long as it does.
import { expectationsOf } from "./expectations.ts";
import type { History } from "./histories.ts";

/** What the shortest failing history fails with; undefined when it does not fail. */
export function shorten(history: History, check: (history: History) => void): unknown {
  let failure = failureOf(history, check);
  if (failure === undefined) return undefined;
  let shortest = history;
  for (let place = history.steps.length - 1; place >= 0; place--) {
    const shorter = without(shortest, place);
    const found = shorter && failureOf(shorter, check);
    if (found === undefined) continue;
    shortest = shorter!;
    failure = found;
  }
  return failure;
}

function failureOf(history: History, check: (history: History) => void): unknown {
  try {
    check(history);
    return undefined;
  } catch (error) {
    return error;
  }
}

// The same without one operation; undefined if another refers to it.
function without(history: History, place: number): History | undefined {
  const operations = history.steps.map(({ operation }) => operation);
  if (operations.some(({ of }) => of === place)) return undefined;
  const kept = operations
    .toSpliced(place, 1)
    .map((operation) => ({ ...operation, of: operation.of - (operation.of > place ? 1 : 0) }));
  return { ...history, steps: expectationsOf(history.plans, kept) };
}
