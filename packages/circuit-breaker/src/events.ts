// Events cost nothing until somebody listens: no emitter is made, and a settled call asks one
// field. A listener that throws must neither change what a call returns nor silence the listeners
// after it, so its error surfaces where errors without an owner do: as an uncaught exception.
import type { CircuitBreakerError } from "./errors.ts";
import type { Outcome } from "./permit.ts";
import type { Transition } from "./state.ts";

/** What a breaker tells, and with which argument. */
export interface CircuitBreakerEvents {
  /** The state changed. */
  transition: Transition;
  /** How a call counts is known: by `call`, or by hand through a permit. */
  settled: { outcome: Outcome };
  /** A call was refused, or the leave to make one. */
  refused: CircuitBreakerError;
}

type Listener = (event: never) => void;

export class Listeners {
  readonly #byType = new Map<string, Set<Listener>>();

  add<K extends keyof CircuitBreakerEvents>(
    type: K,
    listener: (event: CircuitBreakerEvents[K]) => void,
  ): Disposable {
    // Wrapped, so that the same function added twice is two listeners, each with its own end.
    const own: Listener = (event) => listener(event);
    const set = this.#byType.get(type) ?? new Set();
    this.#byType.set(type, set.add(own));
    return { [Symbol.dispose]: () => void set.delete(own) };
  }

  emit<K extends keyof CircuitBreakerEvents>(type: K, event: CircuitBreakerEvents[K]): void {
    for (const listener of this.#byType.get(type) ?? []) {
      try {
        listener(event as never);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
