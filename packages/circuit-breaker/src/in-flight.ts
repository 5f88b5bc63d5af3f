// The timed calls of one generation that are in flight and not yet slow, oldest first: a ring of
// permits, closed by one that belongs to no call. Starting, settling and finding the oldest are
// O(1), and a permit leaves without knowing which ring it is in. So a ring can simply be dropped
// when its generation is over: what is still in it unlinks itself as it settles.
//
//   ┌─▶ end ─ younger ─▶ oldest ─ younger ─▶ … ─ younger ─▶ youngest ─┐
//   └─────────────────────────────────────────────────────────────────┘
import { CallPermit } from "./permit.ts";
import type { StateMachine } from "./state-machine.ts";

/** Calls in flight, in the order in which they started. */
export class InFlightRing {
  readonly #end: CallPermit;

  constructor(machine: StateMachine) {
    // A call that never started is never overdue. Being a permit, it also keeps the shape of
    // permits alive: V8 drops the code compiled for a shape of which a collection finds no object.
    this.#end = new CallPermit(machine, -1, Infinity);
  }

  /** The call that has been in flight for longest; where there is none, one that never started. */
  get oldest(): CallPermit {
    return this.#end.younger;
  }

  /** A call starts; it must not be listed already. O(1). */
  add(permit: CallPermit): void {
    const end = this.#end;
    const { older } = end;
    permit.older = older;
    permit.younger = end;
    older.younger = permit;
    end.older = permit;
  }
}

/** Takes a permit out of whichever ring it is in; one that is in none stays as it is. O(1). */
export function unlist(permit: CallPermit): void {
  const { older, younger } = permit;
  older.younger = younger;
  younger.older = older;
  // A permit that somebody keeps must not keep its old neighbours alive with it.
  permit.older = permit;
  permit.younger = permit;
}
