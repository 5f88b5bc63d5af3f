// A circuit breaker around calls that return promises. state-machine.ts decides; this file starts
// the calls, watches how they end, and hands the ends back.
//
// Two things here are about speed, because a breaker stands in front of every call:
//  - A call that nobody times needs no object of its own. One pair of handlers serves every call
//    of a generation; the generation is what tells an early result from a late one.
//  - The caller gets the promise those handlers derive. No async function runs in between.
//
// Left out: a timeout, a retry, a queue. They are policies of their own, and compose with this one.
import { systemClock, systemRandom } from "@compendium/runtime";
import { CircuitBreakerError } from "./errors.ts";
import { type CircuitBreakerEvents, Listeners } from "./events.ts";
import {
  type CallResult,
  type CircuitBreakerOptions,
  createWindow,
  resolveSettings,
} from "./options.ts";
import type { Outcome, Permit } from "./permit.ts";
import { restoreSnapshot, type Snapshot, takeSnapshot } from "./snapshot.ts";
import { type Refusal, type State, StateMachine } from "./state-machine.ts";
import { readStats, type Stats } from "./stats.ts";

/** Options of one call. */
export interface CallOptions<T> {
  /** Ends the wait, in the turn in which it is aborted, with the signal's reason. The work keeps its place in flight until it settles. */
  signal?: AbortSignal;
  /** Answers instead, when the call is refused or fails; what it throws is what the caller gets. Not asked after an abort. */
  fallback?: (error: unknown) => T | PromiseLike<T>;
}

type Work<T> = (signal?: AbortSignal) => T | PromiseLike<T>;

/**
 * Stops calling a dependency that fails or hangs, rests, then asks with a few probes whether it
 * has recovered.
 *
 * `call` costs O(1) whatever the window's size, and holds no timer. Options out of range throw a
 * RangeError that names the option, its value and its range.
 */
export class CircuitBreaker {
  readonly #machine: StateMachine;
  readonly #isFailure: CircuitBreakerOptions["isFailure"];
  readonly #isSlow: CircuitBreakerOptions["isSlow"];
  // Whether nobody but the machine wants to know how a call came out.
  #plain: boolean;
  // Whether each call needs a permit of its own, to be timed.
  readonly #timed: boolean;
  #listeners: Listeners | undefined = undefined;

  // The handlers of untimed calls, made anew for each generation by #watchGeneration.
  #watched = -1;
  #onFulfilled!: (value: unknown) => unknown;
  #onRejected!: (reason: unknown) => never;

  constructor(options: CircuitBreakerOptions = {}) {
    const { clock = systemClock, random = systemRandom } = options;
    const settings = resolveSettings(options);
    this.#machine = new StateMachine(settings, createWindow(options.window), clock, random);
    this.#isFailure = options.isFailure;
    this.#isSlow = options.isSlow;
    this.#plain = options.isFailure === undefined && options.isSlow === undefined;
    this.#timed = options.slowAfterMs !== undefined || options.isSlow !== undefined;
  }

  /** The `name` option. */
  get name(): string {
    return this.#machine.settings.name;
  }

  /** The state as of the last call: an open breaker turns half-open when a call asks, not before. */
  get state(): State {
    return this.#machine.state;
  }

  /**
   * Runs `work` if the breaker admits it. Rejects with a {@link CircuitBreakerError} if not, else
   * settles as `work` does: returned values, thrown errors, promises and thenables all count.
   */
  call<T>(work: Work<T>, options?: CallOptions<T>): Promise<Awaited<T>> {
    if (options !== undefined) return this.#callWith(work, options);
    if (this.#timed) return this.#callTimed(work);

    const refusal = this.#machine.admit();
    if (refusal !== undefined) return Promise.reject(this.#refuse(refusal));
    if (this.#watched !== this.#machine.generation) this.#watchGeneration();
    return start(work).then(
      this.#onFulfilled as (value: Awaited<T>) => Awaited<T>,
      this.#onRejected,
    );
  }

  /**
   * Asks for leave to make one call by hand (a stream, a socket, a callback). The permit must be
   * settled once; see {@link Permit}. A refusal is a value, not an error.
   */
  acquire(): Permit | Refusal {
    return this.#machine.acquire();
  }

  /** Refuses every call until {@link reset}, or another force. */
  forceOpen(): void {
    this.#machine.force("forced-open");
  }

  /** Admits every call that `inFlightMax` allows, and never trips, until {@link reset}. */
  forceClosed(): void {
    this.#machine.force("forced-closed");
  }

  /** Steps aside: admits every call, without a limit in flight, and judges none, until {@link reset}. */
  disable(): void {
    this.#machine.force("disabled");
  }

  /** Closes the breaker with an empty window. Results of calls that started before count as late. */
  reset(): void {
    this.#machine.force("closed");
  }

  /** Listens until the returned object is disposed. Costs the hot path nothing while nobody does. */
  on<K extends keyof CircuitBreakerEvents>(
    type: K,
    listener: (event: CircuitBreakerEvents[K]) => void,
  ): Disposable {
    if (this.#listeners === undefined) {
      const listeners = new Listeners();
      this.#listeners = listeners;
      this.#plain = false;
      this.#machine.onTransition = (transition) => listeners.emit("transition", transition);
    }
    return this.#listeners.add(type, listener);
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): Stats {
    return readStats(this.#machine);
  }

  /** The state as plain JSON, to be continued elsewhere by {@link restore}. O(window). */
  snapshot(): Snapshot {
    return takeSnapshot(this.#machine);
  }

  /**
   * Takes over a snapshot that was taken `elapsedMs` ago. One that does not fit this breaker is
   * refused whole with a {@link CircuitBreakerError} (`CIRCUIT_SNAPSHOT`), and nothing changes.
   */
  restore(snapshot: unknown, { elapsedMs = 0 }: { elapsedMs?: number } = {}): void {
    restoreSnapshot(this.#machine, snapshot, elapsedMs);
  }

  #watchGeneration(): void {
    const machine = this.#machine;
    const { generation } = machine;
    this.#watched = generation;
    this.#onFulfilled = (value) => {
      if (this.#plain) machine.endUntimed(generation, false);
      else this.#endUntimed(generation, { status: "fulfilled", value });
      return value;
    };
    this.#onRejected = (reason) => {
      if (this.#plain) machine.endUntimed(generation, true);
      else this.#endUntimed(generation, { status: "rejected", reason });
      throw reason;
    };
  }

  #endUntimed(generation: number, result: CallResult): void {
    // A predicate that throws fails its call; its place in flight must be given back all the same.
    let outcome: Outcome = "failure";
    try {
      outcome = this.#judge(result);
    } finally {
      if (outcome === "ignored") this.#machine.endIgnored(generation);
      else this.#machine.endUntimed(generation, outcome === "failure");
      this.#listeners?.emit("settled", { outcome });
    }
  }

  #callTimed<T>(work: Work<T>): Promise<Awaited<T>> {
    const permit = this.#machine.acquire();
    if (!permit.admitted) return Promise.reject(this.#refuse(permit));
    return this.#watch(permit, start(work));
  }

  #callWith<T>(work: Work<T>, { signal, fallback }: CallOptions<T>): Promise<Awaited<T>> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const permit = this.#machine.acquire();
    let answer: Promise<Awaited<T>> = permit.admitted
      ? this.#watch(permit, start(work, signal))
      : Promise.reject(this.#refuse(permit));
    if (fallback !== undefined) {
      answer = answer.catch((error) => {
        if (signal?.aborted) throw error;
        return fallback(error) as Awaited<T>;
      });
    }
    if (signal === undefined) return answer;
    return settleOnAbort(answer, signal, () => {
      if (!permit.admitted || permit.judged) return;
      this.#machine.judge(permit, "cancelled");
      this.#listeners?.emit("settled", { outcome: "cancelled" });
    });
  }

  #watch<T>(permit: Permit, promise: Promise<T>): Promise<T> {
    return promise.then(
      (value) => {
        this.#end(permit, "fulfilled", value);
        return value;
      },
      (reason) => {
        this.#end(permit, "rejected", reason);
        throw reason;
      },
    );
  }

  #end(permit: Permit, status: CallResult["status"], payload: unknown): void {
    if (this.#plain) {
      this.#machine.settle(permit, status === "fulfilled" ? "success" : "failure");
      return;
    }
    const wasJudged = permit.judged;
    let outcome: Outcome = "failure";
    let slow: boolean | undefined;
    try {
      const result: CallResult =
        status === "fulfilled" ? { status, value: payload } : { status, reason: payload };
      outcome = this.#judge(result);
      slow = this.#isSlow?.(this.#machine.now() - permit.startedAt, result);
    } finally {
      this.#machine.settle(permit, outcome, slow);
      if (!wasJudged) this.#listeners?.emit("settled", { outcome });
    }
  }

  #judge(result: CallResult): Outcome {
    const verdict = this.#isFailure?.(result) ?? result.status === "rejected";
    return verdict === "ignored" ? "ignored" : verdict ? "failure" : "success";
  }

  #refuse({ code, retryAfterMs }: Refusal): CircuitBreakerError {
    const error = new CircuitBreakerError(code, this.name, REFUSALS[code], retryAfterMs);
    this.#listeners?.emit("refused", error);
    return error;
  }
}

const REFUSALS: Record<Refusal["code"], string> = {
  CIRCUIT_OPEN: "the circuit is open: the dependency failed too often, and rests",
  CIRCUIT_HALF_OPEN: "the circuit is half-open: as many probes as may ask are under way",
  CIRCUIT_FORCED_OPEN: "the circuit was forced open, until somebody resets it",
  CIRCUIT_IN_FLIGHT_MAX: "as many calls as inFlightMax allows are in flight",
};

// Whatever work does at once (return, throw, a thenable) becomes a promise like any other.
function start<T>(work: Work<T>, signal?: AbortSignal): Promise<Awaited<T>> {
  try {
    return Promise.resolve(work(signal));
  } catch (error) {
    return Promise.reject(error);
  }
}

function settleOnAbort<T>(promise: Promise<T>, signal: AbortSignal, onAbort: () => void) {
  return new Promise<T>((resolve, reject) => {
    const abort = () => {
      onAbort();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    // Without the removal, a signal that lives as long as the process would keep every call alive.
    const done = () => signal.removeEventListener("abort", abort);
    promise.then(resolve, reject).then(done);
  });
}
