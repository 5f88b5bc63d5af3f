// How the end of a promise becomes an outcome. These handlers run once for every call, so they are
// plain functions bound to what they need to know: binding one costs half of what a closure does.

import type { CallResult } from "./options.ts";
import type { CallPermit, Outcome } from "./permit.ts";
import type { StateMachine } from "./state-machine.ts";

/** What a caller hands to a breaker. */
export type Work<T> = (signal?: AbortSignal) => T | PromiseLike<T>;

/** Whatever work does at once (return, throw, a thenable) becomes a promise like any other. */
export function start<T>(work: Work<T>, signal?: AbortSignal): Promise<Awaited<T>> {
  try {
    return Promise.resolve(work(signal));
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * The promise that the handlers derive, as `await` would: by the `then` of all promises. One that
 * somebody put in its place on this promise could call a handler twice, or never.
 */
export function derive<T>(
  promise: Promise<T>,
  onFulfilled: (value: unknown) => unknown,
  onRejected: (reason: unknown) => never,
): Promise<T> {
  return Promise.prototype.then.call(promise, onFulfilled, onRejected) as Promise<T>;
}

/** Settles the permit as the promise settles, before whoever waits for the result learns of it. */
export function watch<T>(permit: CallPermit, promise: Promise<T>): Promise<T> {
  return derive(promise, onFulfilled.bind(permit), onRejected.bind(permit));
}

function onFulfilled(this: CallPermit, value: unknown): unknown {
  if (this.machine.settings.judges) settle(this, { status: "fulfilled", value });
  else this.machine.settle(this, "success");
  return value;
}

function onRejected(this: CallPermit, reason: unknown): never {
  if (this.machine.settings.judges) settle(this, { status: "rejected", reason });
  else this.machine.settle(this, "failure");
  throw reason;
}

// A predicate that throws fails its call; its place in flight must be given back all the same.
function settle(permit: CallPermit, result: CallResult): void {
  const { machine } = permit;
  let outcome: Outcome = "failure";
  let slow = false;
  try {
    // Whoever gave up has the call's outcome settled: the predicates have nothing to say.
    if (permit.judged) return;
    outcome = judge(machine, result);
    slow = machine.settings.isSlow?.(machine.now() - permit.startedAt, result) ?? false;
  } finally {
    machine.settle(permit, outcome, slow);
  }
}

function judge({ settings }: StateMachine, result: CallResult): Outcome {
  const verdict = settings.isFailure?.(result) ?? result.status === "rejected";
  return verdict === "ignored" ? "ignored" : verdict ? "failure" : "success";
}

/** What a promise calls when it settles. */
export interface Handlers {
  readonly onFulfilled: (value: unknown) => unknown;
  readonly onRejected: (reason: unknown) => never;
}

/**
 * The handlers of all untimed calls of a generation. When it belongs to is all that such a call
 * must remember, so one pair serves them all, and the call makes no object of its own. A closure
 * is the cheaper here: it takes longer to make than a bound function, and less to call.
 */
export function untimedHandlers(machine: StateMachine, generation: number): Handlers {
  if (machine.settings.judges) return judgingHandlers(machine, generation);
  return {
    onFulfilled: (value) => {
      machine.endUntimed(generation, false);
      return value;
    },
    onRejected: (reason) => {
      machine.endUntimed(generation, true);
      throw reason;
    },
  };
}

function judgingHandlers(machine: StateMachine, generation: number): Handlers {
  return {
    onFulfilled: (value) => {
      settleUntimed(machine, generation, { status: "fulfilled", value });
      return value;
    },
    onRejected: (reason) => {
      settleUntimed(machine, generation, { status: "rejected", reason });
      throw reason;
    },
  };
}

function settleUntimed(machine: StateMachine, generation: number, result: CallResult): void {
  let outcome: Outcome = "failure";
  try {
    outcome = judge(machine, result);
  } finally {
    if (outcome === "ignored") machine.endIgnored(generation);
    else machine.endUntimed(generation, outcome === "failure");
  }
}

/** Settles as the promise does, or with the signal's reason in the very turn in which it aborts. */
export function settleOnAbort<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  onAbort: () => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => {
      onAbort();
      reject(signal.reason);
    };
    // Without the removal, a signal that lives as long as the process would keep every call alive.
    const stop = () => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(
      (value) => {
        stop();
        resolve(value);
      },
      (reason) => {
        stop();
        reject(reason);
      },
    );
    // The work itself may have aborted it, before there was a listener.
    if (signal.aborted) abort();
  });
}
