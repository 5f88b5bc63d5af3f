// A circuit breaker around calls that return promises. state-machine.ts decides; this file starts
// the calls, and endings.ts hands back how they end.
//
// The caller gets the very promise from which the ending is read. No async function runs in
// between, so that a breaker, which stands in front of every call, costs about as much as the
// call's own promise; and a rejection that nobody handles is still reported as one.
//
// Left out: a timeout, a retry, a queue. They are policies of their own, and compose with this one.
import { systemClock, systemRandom } from "@compendium/runtime";
import {
  derive,
  type Handlers,
  settleOnAbort,
  start,
  untimedHandlers,
  type Work,
  watch,
} from "./endings.ts";
import { CircuitBreakerError } from "./errors.ts";
import { type CircuitBreakerEvents, Listeners } from "./events.ts";
import { type CircuitBreakerOptions, createWindow, nameOf, resolveSettings } from "./options.ts";
import type { Permit } from "./permit.ts";
import { restoreSnapshot, type Snapshot, takeSnapshot } from "./snapshot.ts";
import type { Refusal, State } from "./state.ts";
import { StateMachine } from "./state-machine.ts";
import { readStats, type Stats } from "./stats.ts";

/** Options of one call. */
export interface CallOptions<T> {
  /**
   * Ends the wait, in the turn in which it is aborted, with the signal's reason. The work keeps its
   * place in flight until it settles.
   */
  signal?: AbortSignal;
  /**
   * Answers instead, when the call is refused or fails; what it throws is what the caller gets. Not
   * asked after an abort.
   */
  fallback?: (error: unknown) => T | PromiseLike<T>;
}

/**
 * Stops calling a dependency that fails or hangs, rests, then asks with a few probes whether it
 * has recovered.
 *
 * `call` costs O(1) whatever the window's size, and holds no timer. Options out of range throw a
 * RangeError, unknown or contradictory ones a TypeError; both name the option, its value and what
 * it may be.
 */
export class CircuitBreaker {
  readonly #machine: StateMachine;
  // The handlers of untimed calls, and the generation for which they were made.
  #handled = -1;
  #onFulfilled!: Handlers["onFulfilled"];
  #onRejected!: Handlers["onRejected"];

  constructor(options: CircuitBreakerOptions = {}) {
    const { clock = systemClock, random = systemRandom } = options;
    // First the window: what minimumCalls may be depends on it.
    const window = createWindow(options.window);
    const settings = resolveSettings(options);
    this.#machine = new StateMachine(nameOf(options), settings, window, clock, random);
  }

  /** The `name` option. */
  get name(): string {
    return this.#machine.name;
  }

  /**
   * The state as of the last call: an open breaker turns half-open when a call asks, not before.
   */
  get state(): State {
    return this.#machine.state;
  }

  /**
   * Runs `work` if the breaker admits it. Rejects with a {@link CircuitBreakerError} if not, else
   * settles as `work` does: returned values, thrown errors, promises and thenables all count.
   */
  call<T>(work: Work<T>, options?: CallOptions<T>): Promise<Awaited<T>> {
    if (options !== undefined) return this.#callWith(work, options);
    const machine = this.#machine;
    if (machine.settings.timed) return this.#callTimed(work);

    const refusal = machine.admit();
    if (refusal !== undefined) return Promise.reject(this.#refuse(refusal));
    if (this.#handled !== machine.generation) this.#handleGeneration();
    // Read before the work starts: it may change the state, and its call belongs to this one.
    const onFulfilled = this.#onFulfilled;
    const onRejected = this.#onRejected;
    return derive(start(work), onFulfilled, onRejected);
  }

  /**
   * Asks for leave to make one call by hand (a stream, a socket, a callback). The permit must be
   * settled once; see {@link Permit}. A refusal is a value, not an error.
   */
  acquire(): Permit | Refusal {
    const permit = this.#machine.acquire();
    if (!permit.admitted && this.#machine.listeners !== undefined) this.#refuse(permit);
    return permit;
  }

  /** Refuses every call until {@link reset}, or another force. */
  forceOpen(): void {
    this.#machine.force("forced-open");
  }

  /**
   * Admits every call that `inFlightMax` allows, records it, and never trips, until {@link reset}.
   */
  forceClosed(): void {
    this.#machine.force("forced-closed");
  }

  /**
   * Steps aside: admits every call, without a limit in flight, and judges none, until {@link
   * reset}.
   */
  disable(): void {
    this.#machine.force("disabled");
  }

  /**
   * Closes the breaker with an empty window. Results of calls that started before count as late.
   */
  reset(): void {
    this.#machine.force("closed");
  }

  /**
   * Listens until the returned object is disposed. Listeners are called at once, in the order in
   * which they were added; what one throws surfaces as an uncaught exception and changes nothing
   * else. Until the first listener, events cost nothing.
   */
  on<K extends keyof CircuitBreakerEvents>(
    type: K,
    listener: (event: CircuitBreakerEvents[K]) => void,
  ): Disposable {
    this.#machine.listeners ??= new Listeners();
    return this.#machine.listeners.add(type, listener);
  }

  /** Plain numbers; reading them changes nothing. O(1), with a time window O(buckets). */
  stats(): Stats {
    return readStats(this.#machine);
  }

  /** The state as plain JSON, to be continued elsewhere by {@link restore}. O(window). */
  snapshot(): Snapshot {
    return takeSnapshot(this.#machine);
  }

  /**
   * Takes over a snapshot that was taken `elapsedMs` ago; calls in flight count as late from then
   * on. One that does not fit this breaker is refused whole with a {@link CircuitBreakerError}
   * (`CIRCUIT_SNAPSHOT`), and nothing changes. O(window).
   */
  restore(snapshot: unknown, { elapsedMs = 0 }: { elapsedMs?: number } = {}): void {
    restoreSnapshot(this.#machine, snapshot, elapsedMs);
  }

  #handleGeneration(): void {
    const { generation } = this.#machine;
    const { onFulfilled, onRejected } = untimedHandlers(this.#machine, generation);
    this.#handled = generation;
    this.#onFulfilled = onFulfilled;
    this.#onRejected = onRejected;
  }

  #callTimed<T>(work: Work<T>): Promise<Awaited<T>> {
    const permit = this.#machine.acquire();
    if (!permit.admitted) return Promise.reject(this.#refuse(permit));
    return watch(permit, start(work));
  }

  #callWith<T>(work: Work<T>, { signal, fallback }: CallOptions<T>): Promise<Awaited<T>> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const permit = this.#machine.acquire();
    let answer: Promise<Awaited<T>> = permit.admitted
      ? watch(permit, start(work, signal))
      : Promise.reject(this.#refuse(permit));
    if (fallback !== undefined) {
      answer = answer.catch((error) => {
        if (signal?.aborted) throw error;
        return fallback(error) as Awaited<T>;
      });
    }
    if (signal === undefined) return answer;
    return settleOnAbort(answer, signal, () => {
      if (permit.admitted) this.#machine.judge(permit, "cancelled");
    });
  }

  #refuse({ code, retryAfterMs }: Refusal): CircuitBreakerError {
    const { name, listeners } = this.#machine;
    const error = new CircuitBreakerError(code, name, REFUSALS[code], retryAfterMs);
    listeners?.emit("refused", error);
    return error;
  }
}

const REFUSALS: Record<Refusal["code"], string> = {
  CIRCUIT_OPEN: "the circuit is open: the dependency failed too often, and rests",
  CIRCUIT_HALF_OPEN: "the circuit is half-open: as many probes as may ask are under way",
  CIRCUIT_FORCED_OPEN: "the circuit was forced open, until somebody resets it",
  CIRCUIT_IN_FLIGHT_MAX: "as many calls as inFlightMax allows are in flight",
};
