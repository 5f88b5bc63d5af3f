// The remove-wins set (Almeida et al. 2018, §7.4.5): a deletion makes a dot that says no, whether
// the element was there or not, and stands against every addition that has not seen it. The no
// remains as a tombstone until it is overwritten or compacted away as stable.
import type { Delta } from "./delta.ts";
import { Elements, isUndisputed } from "./kinds/elements.ts";
import { removeWinsSet } from "./kinds.ts";
import { ReplicatedSet } from "./replicated-set.ts";
import { checkScalar, type Scalar } from "./scalar.ts";
import type { ReplicaOptions, Site } from "./site.ts";

/** A set; of concurrent updates of one element, deleting wins. */
export class RemoveWinsSet<T extends Scalar = Scalar> extends ReplicatedSet<T> {
  constructor(at: string | ReplicaOptions | Site<Elements>) {
    super(removeWinsSet, at, isUndisputed);
  }

  /** Adds a member, unless somebody deletes it at the same time. */
  add(value: T): Delta {
    return this.#say(value, true);
  }

  /** Deletes a member; an element that is not here, too, against those who add it just now. */
  delete(value: T): Delta {
    return this.#say(value, false);
  }

  #say(value: T, isMember: boolean): Delta {
    const checked = checkScalar(value);
    return this.mutate((mutation) => {
      const delta = new Elements(false);
      mutation.replace(this.store.entries.get(checked));
      delta.entries.set(checked, mutation.dot(isMember));
      return delta;
    });
  }
}
