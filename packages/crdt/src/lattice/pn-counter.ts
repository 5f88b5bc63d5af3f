// The PN-counter (Shapiro et al. 2011, specification 7): one grow-only counter for what was added,
// one for what was taken away. Concurrent updates all count. It cannot be removed and begun again;
// the counter in maps (counter.ts) can.
import type { Delta } from "./delta.ts";
import type { Rows } from "./kinds/rows.ts";
import { pnCounter, type UpDownRow } from "./kinds.ts";
import { Replicated } from "./replicated.ts";
import { checkAmount, checkTotal } from "./scalar.ts";
import type { ReplicaOptions } from "./site.ts";

/** A counter that goes both ways. */
export class PnCounter extends Replicated<Rows<UpDownRow>> {
  constructor(at: string | ReplicaOptions) {
    super(pnCounter, at);
  }

  /** What was added, less what was taken away. */
  get value(): number {
    return pnCounter.view(this.store) as number;
  }

  /** Adds an integer from 1. */
  increment(amount = 1): Delta {
    return this.#count(checkAmount(amount), 0);
  }

  /** Takes an integer from 1 away. */
  decrement(amount = 1): Delta {
    return this.#count(0, checkAmount(amount));
  }

  /** What is read, as JSON. */
  toJSON(): number {
    return this.value;
  }

  #count(added: number, taken: number): Delta {
    return this.mutate((mutation) => {
      const { up, down } = this.store.get(mutation.replica) ?? { up: 0, down: 0 };
      const row = { up: checkTotal(up + added), down: checkTotal(down + taken) };
      return new Map([[mutation.replica, { last: mutation.count(), ...row }]]);
    });
  }
}
