// One request of a fetch on the wire, and its response until somebody takes it: which can be cut
// off alone.
import type { AbortListener, Call } from "./call.ts";
import { ResilienceError } from "./errors.ts";

/** One attempt; {@link end} must be called once it is known whose response is wanted. */
export class Attempt {
  response: Response | undefined;
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #listener: AbortListener;
  #over = false;

  constructor(call: Call, callersSignal: AbortSignal | undefined) {
    this.#listener = call.onAbort((reason) => this.#controller.abort(reason));
    // The caller's own signal must outlive the call: the body comes after it. `any` holds it
    // weakly.
    const { signal } = this.#controller;
    this.signal = callersSignal ? AbortSignal.any([signal, callersSignal]) : signal;
  }

  arrived(response: Response): void {
    this.response = response;
    // A fetch that does not look at its signal may answer when nobody is left to want it.
    if (this.#over || this.signal.aborted) this.drop();
  }

  end(wanted: boolean): void {
    this.#over = true;
    this.#listener.dispose();
    if (!wanted) this.drop();
  }

  /** Lets go of the response and its connection, if that is not free already. */
  drop(): void {
    this.#controller.abort(new ResilienceError("HEDGE_LOST", "another attempt was made instead"));
    this.response?.body?.cancel().catch(() => {});
  }
}
