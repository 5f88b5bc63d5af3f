// The grow-only counter (Shapiro et al. 2011, specification 6): each replica counts its own
// increments, and the value is the sum. Concurrent increments all count.
import type { Delta } from "./delta.ts";
import type { Rows } from "./kinds/rows.ts";
import { growCounter, type UpRow } from "./kinds.ts";
import { Replicated } from "./replicated.ts";
import { checkAmount, checkTotal } from "./scalar.ts";
import type { ReplicaOptions } from "./site.ts";

/** A counter that only goes up. */
export class GrowCounter extends Replicated<Rows<UpRow>> {
  constructor(at: string | ReplicaOptions) {
    super(growCounter, at);
  }

  /** The sum of all increments; exact below 2^53. */
  get value(): number {
    return growCounter.view(this.store) as number;
  }

  /** Adds an integer from 1. */
  increment(amount = 1): Delta {
    checkAmount(amount);
    return this.mutate((mutation) => {
      const own = this.store.get(mutation.replica);
      const up = checkTotal((own?.up ?? 0) + amount);
      return new Map([[mutation.replica, { last: mutation.count(), up }]]);
    });
  }

  /** What is read, as JSON. */
  toJSON(): number {
    return this.value;
  }
}
