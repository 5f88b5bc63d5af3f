// Linearizability is local (Herlihy and Wing 1990, theorem 1): a history over several objects is
// linearizable if and only if its part on each object is. A key of a map, an element of a set and a
// named lock are such objects. A part is small where the whole is hopeless.
import type { Model } from "./model.ts";
import type { History } from "./operation.ts";

/** The operations that touch one part of the object. */
export interface Partition {
  /** What the model's `partition` called it; `undefined` where there is only one part. */
  readonly key: string | undefined;
  /** Places in the history, ascending. */
  readonly places: readonly number[];
}

/** Takes a history apart, as far as the model allows. */
export function partitionsOf<Input, Output>(
  history: History<Input, Output>,
  model: Pick<Model<never, Input, Output>, "partition">,
): Partition[] {
  const parts = new Map<string, number[]>();
  for (const [place, { input }] of history.entries()) {
    const key = model.partition?.(input);
    if (key === undefined) return [{ key: undefined, places: [...history.keys()] }];
    const part = parts.get(key);
    if (part === undefined) parts.set(key, [place]);
    else part.push(place);
  }
  return [...parts].map(([key, places]) => ({ key, places }));
}
