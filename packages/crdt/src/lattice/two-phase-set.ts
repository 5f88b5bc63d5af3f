// The two-phase set (Shapiro et al. 2011, specification 12): what was deleted once is never a
// member again. So it needs no causality to be right, and every deletion is remembered for ever.
// It suits what happens once: accounts closed, tokens revoked.
import type { Delta } from "./delta.ts";
import { Elements, isUndisputed } from "./kinds/elements.ts";
import { twoPhaseSet } from "./kinds.ts";
import { ReplicatedSet } from "./replicated-set.ts";
import { checkScalar, type Scalar } from "./scalar.ts";
import type { ReplicaOptions } from "./site.ts";

/** A set in which a deletion is final. */
export class TwoPhaseSet<T extends Scalar = Scalar> extends ReplicatedSet<T> {
  constructor(at: string | ReplicaOptions) {
    super(twoPhaseSet, at, isUndisputed);
  }

  /** Adds a member, unless it was deleted or will turn out to have been. */
  add(value: T): Delta {
    const checked = checkScalar(value);
    return this.mutate((mutation) => {
      const delta = new Elements(false);
      if (!this.store.entries.has(checked)) delta.entries.set(checked, mutation.dot(true));
      return delta;
    });
  }

  /** Deletes a member for good. What is no member here is left alone. */
  delete(value: T): Delta {
    const checked = checkScalar(value);
    return this.mutate((mutation) => {
      const delta = new Elements(false);
      const dots = this.store.entries.get(checked);
      if (!isUndisputed(dots)) return delta;
      mutation.replace(dots);
      delta.entries.set(checked, mutation.dot(false));
      return delta;
    });
  }
}
