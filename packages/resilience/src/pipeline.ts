// Policies, composed: the first stands outermost, and each decides about everything further in.
//
//     pipeline(fallback, retry, breaker, timeout)        call ─▶ fallback ─▶ retry ─▶ breaker ─▶ timeout ─▶ work
//
// The chain is built once. A call then costs one object of its own, and what its policies need.
// Orders that cannot do what was meant are refused; see order.ts.
import { type Clock, systemClock } from "@compendium/runtime";
import { Call, type Criticality, type Work } from "./call.ts";
import { wheelOf } from "./deadline-wheel.ts";
import { ResilienceError } from "./errors.ts";
import { checkOrder } from "./order.ts";
import type { Next, Policy } from "./policy.ts";

/** What one call may say about itself. */
export interface CallOptions {
  /** Ends the wait in the turn in which it is aborted, with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** By when the call must be over, in ms from now. Above 0; default: no deadline. */
  deadlineInMs?: number | undefined;
  /** Whether doing it twice is as good as once. Default false: it is then not retried or hedged. */
  idempotent?: boolean | undefined;
  /** How much it matters when not all can be served. Default `"critical"`. */
  criticality?: Criticality | undefined;
  /** Whose call it is, or for what: calls with equal keys may share a flight, a rate limit, or a fate when load is shed. */
  key?: string | undefined;
}

/** What a list of policies may answer besides what the work answers. */
type Added<P> = P extends readonly Policy<infer Adds>[] ? Adds : never;

/** A chain of policies that calls go through. */
export class Pipeline<Adds = never> {
  readonly #clock: Clock;
  readonly #first: Next<unknown>;
  /** The policies, outermost first. */
  readonly policies: readonly Policy<unknown>[];

  /** @internal */
  constructor(policies: readonly Policy<unknown>[], clock: Clock) {
    checkOrder(policies);
    this.policies = policies;
    this.#clock = clock;
    this.#first = policies.reduceRight<Next<unknown>>(
      (next, policy) => (call) => policy.run(call, next),
      startWork,
    );
  }

  /** Runs `work` through every policy. Settles as they decide; O(policies). */
  call<T>(work: Work<T>, options: CallOptions = {}): Promise<Awaited<T> | Adds> {
    const { signal, deadlineInMs } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const clock = this.#clock;
    const call = new Call({
      work,
      clock,
      deadlineMs: deadlineInMs === undefined ? Infinity : clock.now() + checkMs(deadlineInMs),
      idempotent: options.idempotent ?? false,
      criticality: options.criticality ?? "critical",
      key: options.key,
    });
    const result = this.#first(call) as Promise<Awaited<T> | Adds>;
    if (signal === undefined && deadlineInMs === undefined) return result;
    return settleEarly(call, result, signal);
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

function startWork(call: Call): Promise<unknown> {
  if (call.aborted) return Promise.reject(call.reason);
  try {
    return Promise.resolve(call.work(call));
  } catch (error) {
    return Promise.reject(error);
  }
}

// The caller's patience may end before the work does: the promise then settles at once, and the
// call's abort tells every policy that nobody waits any more.
function settleEarly<T>(call: Call, result: Promise<T>, signal: AbortSignal | undefined) {
  return new Promise<T>((resolve, reject) => {
    call.onAbort(reject);
    const abort = () => call.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const timer =
      call.deadlineMs === Infinity
        ? undefined
        : wheelOf(call.clock).add(call.deadlineMs, () =>
            call.abort(new ResilienceError("DEADLINE_EXCEEDED", "the call's deadline has passed")),
          );
    const done = () => {
      timer?.cancel();
      signal?.removeEventListener("abort", abort);
    };
    result.then(
      (value) => {
        done();
        resolve(value);
      },
      (error) => {
        done();
        reject(error);
      },
    );
  });
}

function checkMs(deadlineInMs: number): number {
  if (deadlineInMs > 0 && deadlineInMs < Infinity) return deadlineInMs;
  throw new RangeError(`deadlineInMs must be a number above 0, got ${deadlineInMs}`);
}
