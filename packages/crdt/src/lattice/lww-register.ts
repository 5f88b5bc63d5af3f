// The register in which the last writer wins (Shapiro et al. 2011, specification 8), last by the
// hybrid logical clock. A write replaces those that it has seen; of concurrent ones that with the
// highest timestamp is read, and of equal timestamps that of the replica with the greatest name.
// The others are lost: where that hurts, use the multi-value register.
import type { Delta } from "./delta.ts";
import type { Dots } from "./dot.ts";
import { lastWrite } from "./kinds/leaf.ts";
import { lwwRegister } from "./kinds.ts";
import { Replicated } from "./replicated.ts";
import { checkScalar, type Scalar } from "./scalar.ts";
import type { ReplicaOptions, Site } from "./site.ts";

/** A value that is overwritten as a whole. */
export class LwwRegister<T extends Scalar = Scalar> extends Replicated<Dots> {
  /** @param at needs a `clock` to be written to */
  constructor(at: string | ReplicaOptions | Site<Dots>) {
    super(lwwRegister, at);
  }

  /** The last write; undefined before the first. */
  get value(): T | undefined {
    return lastWrite(this.store)?.value as T | undefined;
  }

  /** The timestamp of the last write; 0 before the first. */
  get stamp(): number {
    return lastWrite(this.store)?.stamp ?? 0;
  }

  /** Writes a value, in place of all that is read here. */
  set(value: T): Delta {
    const checked = checkScalar(value);
    return this.mutate((mutation) => {
      mutation.replace(this.store);
      return mutation.dot({ stamp: mutation.stamp(), value: checked });
    });
  }

  /** What is read, as JSON. */
  toJSON(): T | null {
    return this.value ?? null;
  }
}
