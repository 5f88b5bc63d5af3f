// The counter for maps: like the PN-counter, and it can be removed with its field. A removal takes
// away what its remover has seen, exactly; increments that he has not seen stay. See
// kinds/resettable.ts.
import type { Delta } from "./delta.ts";
import { type Accounts, balance } from "./kinds/resettable.ts";
import { counter } from "./kinds.ts";
import { Replicated } from "./replicated.ts";
import { checkTotal } from "./scalar.ts";
import type { ReplicaOptions, Site } from "./site.ts";

/** A counter that goes both ways and can be reset. */
export class Counter extends Replicated<Accounts> {
  constructor(at: string | ReplicaOptions | Site<Accounts>) {
    super(counter, at);
  }

  /** The sum of all updates since the last reset that saw them. */
  get value(): number {
    return balance(this.store);
  }

  /** Adds an integer, which may be below 0. */
  increment(amount = 1): Delta {
    if (!Number.isSafeInteger(amount)) {
      throw new RangeError(`amount must be an integer, got ${amount}`);
    }
    return this.mutate((mutation) => {
      const own = this.store.get(mutation.replica);
      const last = mutation.count();
      const total = checkTotal((own?.total ?? 0) + amount);
      const fresh = { start: last, seen: 0, removed: 0, remover: "", removal: 0 };
      if (own !== undefined && own.seen > 0) mutation.see(own.remover, own.removal);
      return new Map([[mutation.replica, { ...(own ?? fresh), last, total }]]);
    });
  }

  /** Takes an integer away. */
  decrement(amount = 1): Delta {
    return this.increment(-amount);
  }

  /** Takes away all updates that were seen here. */
  reset(): Delta {
    return this.mutate((mutation) => counter.clear(this.store, mutation));
  }

  /** What is read, as JSON. */
  toJSON(): number {
    return this.value;
  }
}
