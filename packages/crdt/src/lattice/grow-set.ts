// The grow-only set (Shapiro et al. 2011, specification 11): members are added, and the join is
// the union. The textbook keeps the bare elements; here each has a dot, which costs an object, and
// tells what another replica lacks.
import type { Delta } from "./delta.ts";
import { Elements } from "./kinds/elements.ts";
import { growSet } from "./kinds.ts";
import { isThere, ReplicatedSet } from "./replicated-set.ts";
import { checkScalar, type Scalar } from "./scalar.ts";
import type { ReplicaOptions } from "./site.ts";

/** A set that only grows. */
export class GrowSet<T extends Scalar = Scalar> extends ReplicatedSet<T> {
  constructor(at: string | ReplicaOptions) {
    super(growSet, at, isThere);
  }

  /** Adds a member. */
  add(value: T): Delta {
    const checked = checkScalar(value);
    return this.mutate((mutation) => {
      const delta = new Elements(false);
      if (!this.store.entries.has(checked)) delta.entries.set(checked, mutation.dot());
      return delta;
    });
  }
}
