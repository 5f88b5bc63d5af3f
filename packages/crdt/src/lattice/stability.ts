// Causal stability (C. Baquero, P. S. Almeida, A. Shoker, "Pure Operation-Based Replicated Data
// Types", 2017, §5): an update is stable when every replica has it, and is known here to have; then
// no update can come any more that is concurrent with it. So it is enough to remember, of every
// replica, the version of its last state that was joined here.
//
// The members must be known, and one that is away for good holds everything up until it is removed.
// A version counts only together with its state: a version alone says what was seen, but what was
// made concurrently may still be on its way.
import { CausalContext } from "./context.ts";
import { checkReplica } from "./scalar.ts";

/** What every replica is known to have seen. */
export class Stability {
  readonly #versions: Map<string, CausalContext> = new Map();

  /** @param members the other replicas */
  constructor(members: Iterable<string>) {
    for (const member of members) this.#versions.set(checkReplica(member), new CausalContext());
  }

  /** A state of that version was joined here, or all that it has and this replica lacked. */
  joined(member: string, version: CausalContext): void {
    const before = this.#versions.get(member);
    if (before === undefined) throw new RangeError(`${member} is not a member`);
    before.join(version);
  }

  /** A new member, that has seen nothing. */
  add(member: string): void {
    if (!this.#versions.has(checkReplica(member))) this.#versions.set(member, new CausalContext());
  }

  /** A member is gone for good. */
  remove(member: string): void {
    this.#versions.delete(member);
  }

  /** The dots that are stable at a replica of this version. */
  stable(version: CausalContext): CausalContext {
    let stable = version.copy();
    for (const known of this.#versions.values()) stable = stable.meet(known);
    return stable;
  }
}
