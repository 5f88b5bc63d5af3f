// The definition, word for word: tries every order that respects real time. Exponential, with
// nothing in common with the search but the model, and short enough to be seen to be right.
import { type History, type Model, UNKNOWN } from "@compendium/linearizability";

export function isLinearizable<S, I, O>(
  history: History<I, O>,
  model: Model<S, I, O>,
  // What may as well not have happened, as far as this question is concerned.
  optional: History<I, O> = [],
): boolean {
  // The state of all parts together, so that taking a history apart is tested as well.
  type States = ReadonlyMap<string, S>;
  const keys = history.map(({ input }) => model.partition?.(input));
  const keyOf = (input: I): string =>
    keys.includes(undefined) ? "" : `${model.partition?.(input)}`;

  const attempt = (states: States, rest: History<I, O>): boolean => {
    const known = rest.filter((each) => each.return !== undefined);
    if (known.every((each) => optional.includes(each))) return true;
    const firstReturn = Math.min(...known.map((each) => each.return as number));
    return rest.some((each) => {
      const others = rest.filter((other) => other !== each);
      if (optional.includes(each) && attempt(states, others)) return true;
      if (each.call > firstReturn) return false;
      const key = keyOf(each.input);
      const output = each.return === undefined ? UNKNOWN : (each.output as O);
      const after = model.step(
        states.has(key) ? (states.get(key) as S) : model.init(),
        each.input,
        output,
      );
      if (after === undefined) return false;
      return attempt(new Map([...states, [key, after]]), others);
    });
  };
  return attempt(new Map(), history);
}
