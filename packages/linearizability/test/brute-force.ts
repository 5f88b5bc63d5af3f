// The definition, word for word: tries every order that respects real time. Exponential, with nothing
// in common with the search but the model, and short enough to be seen to be right.
import { type History, type Model, UNKNOWN } from "@compendium/linearizability";

export function isLinearizable<S, I, O>(history: History<I, O>, model: Model<S, I, O>): boolean {
  // The state of all parts together, so that taking a history apart is tested as well.
  type States = ReadonlyMap<string, S>;
  const keys = history.map(({ input }) => model.partition?.(input));
  const keyOf = (input: I): string =>
    keys.includes(undefined) ? "" : `${model.partition?.(input)}`;

  const attempt = (states: States, rest: History<I, O>): boolean => {
    const required = rest.filter((each) => each.return !== undefined);
    if (required.length === 0) return true;
    const firstReturn = Math.min(...required.map((each) => each.return as number));
    return rest.some((each) => {
      if (each.call > firstReturn) return false;
      const key = keyOf(each.input);
      const output = each.return === undefined ? UNKNOWN : (each.output as O);
      const after = model.step(
        states.has(key) ? (states.get(key) as S) : model.init(),
        each.input,
        output,
      );
      if (after === undefined) return false;
      const others = rest.filter((other) => other !== each);
      return attempt(new Map([...states, [key, after]]), others);
    });
  };
  return attempt(new Map(), history);
}
