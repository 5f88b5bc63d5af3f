// The add-wins set, or observed-remove set: a deletion removes the additions that it has seen, so
// that a concurrent addition stands. Optimised, without tombstones; see kinds/elements.ts.
import type { Delta } from "./delta.ts";
import { Elements } from "./kinds/elements.ts";
import { addWinsSet } from "./kinds.ts";
import { isThere, ReplicatedSet } from "./replicated-set.ts";
import { checkScalar, type Scalar } from "./scalar.ts";
import type { ReplicaOptions, Site } from "./site.ts";

/** A set; of concurrent updates of one element, adding wins. */
export class AddWinsSet<T extends Scalar = Scalar> extends ReplicatedSet<T> {
  constructor(at: string | ReplicaOptions | Site<Elements>) {
    super(addWinsSet, at, isThere);
  }

  /** How many members it has. */
  override get size(): number {
    return this.store.entries.size;
  }

  /** Adds a member. Adding it again renews it: deletions that have not seen that leave it. */
  add(value: T): Delta {
    const checked = checkScalar(value);
    return this.mutate((mutation) => {
      const delta = new Elements(false);
      mutation.replace(this.store.entries.get(checked));
      delta.entries.set(checked, mutation.dot());
      return delta;
    });
  }

  /** Deletes a member, unless somebody adds it at the same time. */
  delete(value: T): Delta {
    const checked = checkScalar(value);
    return this.mutate((mutation) => {
      const delta = new Elements(false);
      const dots = this.store.entries.get(checked);
      mutation.replace(dots);
      if (dots !== undefined) delta.entries.set(checked, undefined);
      return delta;
    });
  }

  /** Deletes all members that are seen here. */
  clear(): Delta {
    return this.mutate((mutation) => addWinsSet.clear(this.store, mutation));
  }
}
