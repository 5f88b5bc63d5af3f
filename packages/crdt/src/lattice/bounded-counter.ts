// The bounded counter: never below its bound, without asking anybody. kinds/bounded.ts says how. A
// replica that lacks rights is refused even where others have plenty; it must be handed some first.
// That is the price of being available: seats, stock and budgets are kept this way.
//
// Left out: who should hand rights to whom, and when. The paper's answer (§V) is a policy outside.
import type { Delta } from "./delta.ts";
import { distance, type RightsRow, rightsOf } from "./kinds/bounded.ts";
import type { Rows } from "./kinds/rows.ts";
import { boundedCounter } from "./kinds.ts";
import { Replicated } from "./replicated.ts";
import { checkAmount, checkReplica, checkTotal } from "./scalar.ts";
import type { ReplicaOptions } from "./site.ts";

/** How a bounded counter is set up. */
export interface BoundedCounterOptions extends ReplicaOptions {
  /** What the value never falls below; the same at every replica. Default: 0. */
  readonly bound?: number;
}

/** A counter with a lower bound. Its value begins there. */
export class BoundedCounter extends Replicated<Rows<RightsRow>> {
  /** What the value never falls below. */
  readonly bound: number;

  constructor(at: string | BoundedCounterOptions) {
    super(boundedCounter, at);
    const { bound = 0 } = typeof at === "string" ? {} : at;
    if (!Number.isSafeInteger(bound))
      throw new RangeError(`bound must be an integer, got ${bound}`);
    this.bound = bound;
  }

  /** The value, as far as it is known here. It is never below the bound. */
  get value(): number {
    return this.bound + distance(this.store);
  }

  /** How much may be taken away here, now. */
  get rights(): number {
    return rightsOf(this.store, this.replica);
  }

  /** How much a replica may take away, as far as it is known here. */
  rightsOf(replica: string): number {
    return rightsOf(this.store, checkReplica(replica));
  }

  /** Adds an integer from 1, and so many rights to this replica's. */
  increment(amount = 1): Delta {
    checkAmount(amount);
    return this.#write(({ made, ...row }) => ({ ...row, made: checkTotal(made + amount) }));
  }

  /** Takes an integer from 1 away; undefined, and nothing happens, with too few rights. */
  decrement(amount = 1): Delta | undefined {
    if (checkAmount(amount) > this.rights) return undefined;
    return this.#write(({ used, ...row }) => ({ ...row, used: checkTotal(used + amount) }));
  }

  /** Hands rights to another replica; undefined, and nothing happens, when there are too few. */
  transfer(amount: number, to: string): Delta | undefined {
    if (checkReplica(to) === this.replica) throw new RangeError("rights are handed to others");
    if (checkAmount(amount) > this.rights) return undefined;
    return this.#write(({ granted, ...row }) => {
      const sum = checkTotal((granted.get(to) ?? 0) + amount);
      return { ...row, granted: new Map(granted).set(to, sum) };
    });
  }

  /** What is read, as JSON. */
  toJSON(): number {
    return this.value;
  }

  #write(update: (row: RightsRow) => RightsRow): Delta {
    return this.mutate((mutation) => {
      const none = { last: 0, made: 0, used: 0, granted: new Map<string, number>() };
      const row = update(this.store.get(mutation.replica) ?? none);
      const rows = new Map(this.store);
      // With all that gave it the right: whoever hears of a decrement before he hears of the
      // increment that it uses up would read a value below the bound.
      for (const [replica, { last }] of rows) mutation.see(replica, last);
      return rows.set(mutation.replica, { ...row, last: mutation.count() });
    });
  }
}
