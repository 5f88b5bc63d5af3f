// A client that holds itself back. Refusing a request costs a server nearly as much as serving a
// cheap one; so a server that is overloaded can spend all it has on saying no. Its clients can see
// that it says no, and ask less (B. Beyer et al., "Site Reliability Engineering", 2016, ch. 21,
// "Client-Side Throttling"):
//
//                              requests − K × accepts
//     refuse with p = max( 0, ──────────────────────── )     over the last two minutes
//                                  requests + 1
//
// `requests` counts what the application wanted, `accepts` what the backend took. While it takes
// all, p is 0. When it takes nothing, p grows towards 1, but never reaches it: the few that go
// through are the probes that find out when it is well again. With K = 2 the backend still gets
// about twice what it can take, and learns of the demand; K = 1.1 spares it more, and recovers more
// slowly.
//
// A request counts when its outcome is known, or when it is refused here. Counted when it starts, a
// burst after a quiet hour would be refused for being a burst. Left out: one set of numbers per
// criticality; give each class its own throttle.
import { type Random, systemRandom } from "@compendium/runtime";
import type { Call } from "./call.ts";
import { ResilienceError } from "./errors.ts";
import type { Next, Policy } from "./policy.ts";
import type { AttemptResult } from "./retry.ts";

/** Options of {@link throttle}. */
export interface ThrottleOptions {
  /** How many requests the backend is offered for each that it accepts: K. From 1; default 2. */
  k?: number;
  /** How far back it looks, in ms. Above 0; default 120,000. */
  windowMs?: number;
  /**
   * Into how many parts the window is cut, to be forgotten one by one. A whole number from 2;
   * default 24.
   */
  buckets?: number;
  /** Refuses nobody before so many outcomes are known. A whole number from 0; default 10. */
  minimumCalls?: number;
  /**
   * Whether the backend refused, or was not there to accept. Default: every failure is; with K = 2
   * half of all may fail before anybody is refused.
   */
  isRejected?: (result: AttemptResult) => boolean;
  /** Draws who is refused. Default: the process's own. */
  random?: Pick<Random, "below">;
}

/** What a throttle shows. Requests and accepts are as of the last call. */
export interface ThrottleStats {
  /** Within the window: calls that the application wanted, and whose outcome is known. */
  requests: number;
  /** Within the window: those that the backend accepted. */
  accepts: number;
  /** With which probability the next call is refused. */
  refusalShare: number;
  /** Calls let through, ever. */
  admitted: number;
  /** Calls refused, ever. */
  refused: number;
}

const TWO_32 = 2 ** 32;

/** Refuses calls with `THROTTLED`, the more the fewer the backend accepts. */
export class ThrottlePolicy implements Policy {
  readonly kind = "throttle";
  readonly #k: number;
  readonly #minimumCalls: number;
  readonly #isRejected: ((result: AttemptResult) => boolean) | undefined;
  readonly #random: Pick<Random, "below">;
  readonly #window: CountWindow;
  #admitted = 0;
  #refused = 0;

  constructor(options: ThrottleOptions = {}) {
    const { k = 2, windowMs = 120_000, buckets = 24, minimumCalls = 10 } = options;
    if (!(k >= 1 && k < Infinity)) throw new RangeError(`k must be a number from 1, got ${k}`);
    if (!(windowMs > 0 && windowMs < Infinity)) {
      throw new RangeError(`windowMs must be a number above 0, got ${windowMs}`);
    }
    if (!(Number.isInteger(buckets) && buckets >= 2 && buckets <= 10_000)) {
      throw new RangeError(`buckets must be a whole number from 2 to 10,000, got ${buckets}`);
    }
    if (!(Number.isInteger(minimumCalls) && minimumCalls >= 0)) {
      throw new RangeError(`minimumCalls must be a whole number from 0, got ${minimumCalls}`);
    }
    this.#k = k;
    this.#minimumCalls = minimumCalls;
    this.#isRejected = options.isRejected;
    this.#random = options.random ?? systemRandom;
    this.#window = new CountWindow(windowMs / buckets, buckets);
  }

  run<T>(call: Call, next: Next<T>): Promise<T> {
    this.#window.advance(call.clock.now());
    const threshold = Math.floor(this.#share() * TWO_32);
    if (threshold > 0 && this.#random.below(TWO_32) < threshold) {
      this.#refused++;
      this.#window.add(1, 0);
      return Promise.reject(
        new ResilienceError("THROTTLED", "the backend refuses too much to be asked more"),
      );
    }
    this.#admitted++;
    return next(call).then(
      (value) => {
        const rejected = this.#isRejected?.({ status: "fulfilled", value }) ?? false;
        this.#count(call, rejected);
        return value;
      },
      (reason) => {
        if (!call.aborted || isOutOfTime(call.reason)) {
          this.#count(call, this.#isRejected?.({ status: "rejected", reason }) ?? true);
        }
        throw reason;
      },
    );
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): ThrottleStats {
    const { requests, accepts } = this.#window;
    const [admitted, refused] = [this.#admitted, this.#refused];
    return { requests, accepts, refusalShare: this.#share(), admitted, refused };
  }

  #share(): number {
    const { requests, accepts } = this.#window;
    if (requests < this.#minimumCalls) return 0;
    return Math.max(0, (requests - this.#k * accepts) / (requests + 1));
  }

  #count(call: Call, rejected: boolean): void {
    this.#window.advance(call.clock.now());
    this.#window.add(1, rejected ? 0 : 1);
  }
}

/** Holds calls back as the SRE book does. Throws a RangeError for options out of range. */
export function throttle(options: ThrottleOptions = {}): ThrottlePolicy {
  return new ThrottlePolicy(options);
}

// Whoever gave up of his own accord says nothing about the backend; one whose time was up does.
function isOutOfTime(reason: unknown): boolean {
  const code = (reason as { code?: unknown } | null | undefined)?.code;
  return code === "TIMEOUT" || code === "DEADLINE_EXCEEDED";
}

// Two numbers per part of the window, and their running sums. Nothing ticks: what has fallen out is
// forgotten when somebody looks.
class CountWindow {
  // Invariant: the sums over all parts, each of which belongs to (epoch - parts, epoch].
  requests = 0;
  accepts = 0;
  readonly #partMs: number;
  readonly #requests: number[];
  readonly #accepts: number[];
  #epoch: number | undefined;

  constructor(partMs: number, parts: number) {
    this.#partMs = partMs;
    this.#requests = new Array(parts).fill(0);
    this.#accepts = new Array(parts).fill(0);
  }

  advance(now: number): void {
    const epoch = Math.floor(now / this.#partMs);
    const last = this.#epoch ?? epoch;
    const passed = Math.min(epoch - last, this.#requests.length);
    for (let i = 1; i <= passed; i++) {
      const slot = this.#slot(last + i);
      this.requests -= this.#requests[slot] as number;
      this.accepts -= this.#accepts[slot] as number;
      this.#requests[slot] = 0;
      this.#accepts[slot] = 0;
    }
    this.#epoch = Math.max(epoch, last);
  }

  /** Adds to the part that {@link advance} came to last. */
  add(requests: number, accepts: number): void {
    const slot = this.#slot(this.#epoch as number);
    (this.#requests[slot] as number) += requests;
    (this.#accepts[slot] as number) += accepts;
    this.requests += requests;
    this.accepts += accepts;
  }

  // A clock may start below 0.
  #slot(epoch: number): number {
    const parts = this.#requests.length;
    return ((epoch % parts) + parts) % parts;
  }
}
