// The multi-value register (Shapiro et al. 2011, specification 10; Almeida et al. 2018, §7.4.3): a
// write replaces those that it has seen, and concurrent ones are all read, until somebody who has
// seen them writes again. Dynamo's shopping cart asks its user in this way.
import type { Delta } from "./delta.ts";
import { type Dots, each } from "./dot.ts";
import { mvRegister } from "./kinds.ts";
import { Replicated } from "./replicated.ts";
import { checkScalar, type Scalar } from "./scalar.ts";
import type { ReplicaOptions, Site } from "./site.ts";

/** A value that is overwritten as a whole, and shows conflicts. */
export class MvRegister<T extends Scalar = Scalar> extends Replicated<Dots> {
  constructor(at: string | ReplicaOptions | Site<Dots>) {
    super(mvRegister, at);
  }

  /** All writes that no other write has seen, in the order of their replicas' names. */
  get values(): T[] {
    return [...each(this.store)].map(({ value }) => value as T);
  }

  /** Writes a value, in place of all that is read here. */
  set(value: T): Delta {
    const checked = checkScalar(value);
    return this.mutate((mutation) => {
      mutation.replace(this.store);
      return mutation.dot(checked);
    });
  }

  [Symbol.iterator](): Iterator<T> {
    return this.values.values();
  }

  /** What is read, as JSON. */
  toJSON(): T[] {
    return this.values;
  }
}
