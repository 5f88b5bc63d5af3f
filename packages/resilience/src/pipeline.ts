// Policies, composed: the first stands outermost, and each decides about everything further in.
//
//     pipeline(fallback, retry, breaker, timeout)
//
//     call ─▶ fallback ─▶ retry ─▶ breaker ─▶ timeout ─▶ work
//
// The chain is built once. A call then costs one object of its own, and what its policies need.
// Orders that cannot do what was meant are refused; see order.ts.
//
// Three promises are kept here, once for every policy: nothing is started for a call that has been
// aborted; what a policy throws is a rejection like any other; and a caller who gives up is
// answered in that very turn, whatever the policies are doing.
import { type Clock, systemClock } from "@compendium/runtime";
import { Call, type Criticality, type Work } from "./call.ts";
import { wheelOf } from "./deadline-wheel.ts";
import { ResilienceError } from "./errors.ts";
import { checkOrder, losesSight } from "./order.ts";
import type { Next, Policy } from "./policy.ts";
import { Tally } from "./tally.ts";

/** What one call may say about itself. */
export interface CallOptions {
  /** Ends the wait in the turn in which it is aborted, with the signal's reason. */
  signal?: AbortSignal | undefined;
  /**
   * By when the call must be over, in ms from now. Infinity, the default: no deadline. From 0 down:
   * it has passed, and nothing is started. So a call's own `remainingMs()` can be handed on.
   */
  deadlineInMs?: number | undefined;
  /** Whether doing it twice is as good as once. Default false: it is then not retried or hedged. */
  idempotent?: boolean | undefined;
  /** How much it matters when not all can be served. Default `"critical"`. */
  criticality?: Criticality | undefined;
  /**
   * Whose call it is, or for what: calls with equal keys may share a flight, a rate limit, or a
   * fate when load is shed.
   */
  key?: string | undefined;
}

/** What a list of policies may answer besides what the work answers. */
type Added<P extends readonly unknown[]> = AddedBy<P[number]>;

// By the property, because nothing can be inferred through a generic method.
type AddedBy<P> = P extends unknown
  ? "adds" extends keyof P
    ? P extends { readonly adds?: infer Adds }
      ? Adds
      : never
    : never
  : never;

/** A chain of policies that calls go through. */
export class Pipeline<Adds = never> {
  readonly #clock: Clock;
  readonly #first: Next<unknown>;
  // Whether a policy needs to know about work that others have given up on.
  readonly #tallied: boolean;
  /** The policies, outermost first. */
  readonly policies: readonly Policy<unknown>[];

  /** @internal */
  constructor(policies: readonly Policy<unknown>[], clock: Clock) {
    checkOrder(policies);
    this.policies = policies;
    this.#clock = clock;
    this.#tallied = losesSight(policies);
    this.#first = policies.reduceRight<Next<unknown>>(link, startWork);
  }

  /**
   * Runs `work` through every policy, and settles as they decide; O(policies). Rejects with the
   * signal's reason once that is aborted, with a ResilienceError `DEADLINE_EXCEEDED` once the
   * deadline has passed; at most 16 ms late. Throws a RangeError for a deadline that is no number.
   */
  call<T>(work: Work<T>, options: CallOptions = {}): Promise<Awaited<T> | Adds> {
    const { signal, deadlineInMs = Infinity } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!(deadlineInMs > 0)) return pastDeadline(deadlineInMs);
    const clock = this.#clock;
    const bounded = deadlineInMs < Infinity;
    const init = {
      work,
      clock,
      deadlineMs: bounded ? clock.now() + deadlineInMs : Infinity,
      idempotent: options.idempotent ?? false,
      criticality: options.criticality ?? "critical",
      key: options.key,
      tally: this.#tallied ? new Tally() : undefined,
    };
    const call = new Call(init, init.deadlineMs, work, bounded || signal !== undefined);
    const result = this.#first(call) as Promise<Awaited<T> | Adds>;
    return call.abortable ? settleEarly(call, result, signal) : result;
  }
}

/** Composes policies, outermost first. Throws a TypeError for an order that cannot work. */
export function pipeline<const P extends readonly Policy<unknown>[]>(
  ...policies: P
): Pipeline<Added<P>> {
  return new Pipeline(policies, systemClock);
}

/** Composes policies on a clock of your own: a ManualClock in tests. */
export function pipelineOn<const P extends readonly Policy<unknown>[]>(
  clock: Clock,
  ...policies: P
): Pipeline<Added<P>> {
  return new Pipeline(policies, clock);
}

function link(next: Next<unknown>, policy: Policy<unknown>): Next<unknown> {
  return (call) => {
    if (call.aborted) return Promise.reject(call.reason);
    try {
      return policy.run(call, next);
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

function startWork(call: Call): Promise<unknown> {
  if (call.aborted) return Promise.reject(call.reason);
  let promise: Promise<unknown>;
  try {
    promise = Promise.resolve(call.work(call));
  } catch (error) {
    return Promise.reject(error);
  }
  call.tally?.began(promise);
  return promise;
}

// The caller's patience may end before the work does: the promise then settles at once, and the
// call's abort tells every policy that nobody waits any more.
function settleEarly<T>(call: Call, result: Promise<T>, signal: AbortSignal | undefined) {
  return new Promise<T>((resolve, reject) => {
    const abort = () => call.abort(signal?.reason);
    const timer =
      call.deadlineMs === Infinity
        ? undefined
        : wheelOf(call.clock).add(call.deadlineMs, () => call.abort(tooLate()));
    // Without it, work that ignores its abort would keep the caller's signal, and the signal the
    // call, for as long as it runs.
    const stop = () => {
      timer?.cancel();
      signal?.removeEventListener("abort", abort);
    };
    // Added last, and so told first: the caller does not wait for what policies do about it.
    call.onAbort((reason) => {
      stop();
      reject(reason);
    });
    signal?.addEventListener("abort", abort, { once: true });
    // The work itself may have aborted it, before there was a listener.
    if (signal?.aborted) abort();
    result.then(
      (value) => {
        stop();
        resolve(value);
      },
      (error) => {
        stop();
        reject(error);
      },
    );
  });
}

function tooLate(): ResilienceError {
  return new ResilienceError("DEADLINE_EXCEEDED", "the call's deadline has passed");
}

function pastDeadline(deadlineInMs: number): Promise<never> {
  if (deadlineInMs <= 0) return Promise.reject(tooLate());
  throw new RangeError(`deadlineInMs must be a number, got ${deadlineInMs}`);
}
