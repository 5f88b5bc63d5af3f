// Leave to make one call, and the duty to say how it ended.
//
// A permit remembers the generation in which it was given. The breaker starts a new generation
// with every change of state, so a result that arrives after the state it belongs to is gone can
// be told apart, and moves nothing: the success of a call from before the outage must not close
// the breaker, nor its failure reopen one that has just recovered.
import type { StateMachine } from "./state-machine.ts";

/**
 * How a call counts. `cancelled`: the caller gave up. `ignored`: `isFailure` would not judge it.
 */
export type Outcome = "success" | "failure" | "cancelled" | "ignored";

/**
 * Leave to make one call. Settle it exactly once: later settlements are ignored, and one that is
 * never settled occupies its place among the calls in flight for ever. `using permit = …` settles
 * it as cancelled where nothing else did.
 */
export interface Permit extends Disposable {
  /** Tells a permit from a refusal. */
  readonly admitted: true;
  /** The call succeeded. */
  succeed(): void;
  /** The call failed. */
  fail(): void;
  /**
   * The call says nothing about the dependency: nobody waits for it any more, or it never began.
   */
  cancel(): void;
}

/** The machine's side of a permit. */
// One is made for every timed call. Fields that are declared with a value, and #private ones, are
// defined one by one when an object is made, which takes longer than the rest of the call.
export class CallPermit implements Permit {
  // Neighbours among the calls in flight (in-flight.ts); on its own, a permit is a ring of one.
  declare older: CallPermit;
  declare younger: CallPermit;
  declare readonly machine: StateMachine;
  declare readonly generation: number;
  declare readonly startedAt: number;
  // Where the window keeps a call that was recorded as slow while it ran; undefined if it was not.
  declare ticket: number | undefined;
  // Invariant: an outcome is given once, and the place in flight is given back once.
  declare judged: boolean;
  declare released: boolean;

  constructor(machine: StateMachine, generation: number, startedAt: number) {
    this.older = this;
    this.younger = this;
    this.machine = machine;
    this.generation = generation;
    this.startedAt = startedAt;
    this.ticket = undefined;
    this.judged = false;
    this.released = false;
  }

  get admitted(): true {
    return true;
  }

  succeed(): void {
    this.machine.settle(this, "success");
  }

  fail(): void {
    this.machine.settle(this, "failure");
  }

  cancel(): void {
    this.machine.settle(this, "cancelled");
  }

  [Symbol.dispose](): void {
    this.machine.settle(this, "cancelled");
  }
}
