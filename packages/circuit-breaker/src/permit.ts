// Leave to make one call, and the duty to say how it ended.
//
// A permit remembers the generation in which it was given. The breaker starts a new generation
// with every change of state, so a result that arrives after the state it belongs to is gone can
// be told apart, and moves nothing: the success of a call from before the outage must not close
// the breaker, nor its failure reopen one that has just recovered.
import type { StateMachine } from "./state-machine.ts";

/** How a call counts. `cancelled`: the caller gave up. `ignored`: `isFailure` would not judge it. */
export type Outcome = "success" | "failure" | "cancelled" | "ignored";

/**
 * Leave to make one call. Settle it exactly once: later settlements are ignored, and one that is
 * never settled occupies its place among the calls in flight for ever. `using permit = …` settles
 * it as cancelled where nothing else did.
 */
export class Permit implements Disposable {
  /** Tells a permit from a refusal. */
  readonly admitted = true;

  /** @internal */ readonly generation: number;
  /** @internal */ readonly startedAt: number;
  // Neighbours among the calls in flight, in the order they started; see in-flight.ts.
  /** @internal */ older: Permit | undefined = undefined;
  /** @internal */ younger: Permit | undefined = undefined;
  /** @internal Where the window recorded this call as slow while it ran; -1: not recorded. */
  ticket = -1;
  /** @internal Invariant: an outcome is given once, and the place in flight given back once. */
  judged = false;
  /** @internal */ released = false;

  readonly #machine: StateMachine;

  /** @internal */
  constructor(machine: StateMachine, generation: number, startedAt: number) {
    this.#machine = machine;
    this.generation = generation;
    this.startedAt = startedAt;
  }

  /** The call succeeded. */
  succeed(): void {
    this.#machine.settle(this, "success");
  }

  /** The call failed. */
  fail(): void {
    this.#machine.settle(this, "failure");
  }

  /** The call says nothing about the dependency: nobody waits for it any more, or it never began. */
  cancel(): void {
    this.#machine.settle(this, "cancelled");
  }

  [Symbol.dispose](): void {
    this.cancel();
  }
}
