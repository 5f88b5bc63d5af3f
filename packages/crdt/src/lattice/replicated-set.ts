// How a set is read, whoever wins in it.
import type { Dots } from "./dot.ts";
import type { Kind } from "./kind.ts";
import { type Elements, members } from "./kinds/elements.ts";
import { Replicated } from "./replicated.ts";
import { checkScalar, compareScalars, type Scalar } from "./scalar.ts";
import type { ReplicaOptions, Site } from "./site.ts";

/** A replicated set of scalars. */
export abstract class ReplicatedSet<T extends Scalar> extends Replicated<Elements> {
  readonly #isMember: (dots: Dots) => boolean;

  constructor(
    kind: Kind<Elements>,
    at: string | ReplicaOptions | Site<Elements>,
    isMember: (dots: Dots) => boolean,
  ) {
    super(kind, at);
    this.#isMember = isMember;
  }

  /** How many members it has. Takes time in their number. */
  get size(): number {
    return members(this.store, this.#isMember).length;
  }

  /** Whether this is a member. */
  has(value: T): boolean {
    return this.#isMember(this.store.entries.get(checkScalar(value)));
  }

  /** The members, in an order of this replica's. */
  [Symbol.iterator](): Iterator<T> {
    return (members(this.store, this.#isMember) as T[]).values();
  }

  /** The members in their order: null, booleans, integers, other numbers, strings. */
  toJSON(): T[] {
    return (members(this.store, this.#isMember) as T[]).sort(compareScalars);
  }
}

/** Whether any dot is there. */
export const isThere = (dots: Dots): boolean => dots !== undefined;
