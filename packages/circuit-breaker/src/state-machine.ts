// The circuit breaker as a pure state machine (M. Nygard, Release It!, 2nd ed. 2018, ch. 5).
//
//              rates or run of failures over the threshold
//        ┌────────┐ ────────────────────────────────────▶ ┌──────┐ ◀──┐
//        │ closed │                                       │ open │    │ a probe too many failed or was
//        └────────┘ ◀── enough probes succeeded ──┐       └──────┘    │ slow, or they took too long
//                                             ┌───────────┐   │       │
//                                             │ half-open │ ◀─┘ ──────┘
//                                             └───────────┘   the rest is over, and a call arrives
//
// Aside from these three stand what an operator says: forced-open, forced-closed, disabled.
//
// Time and chance come in as arguments of the constructor; nothing here waits, and nothing ticks.
// The machine moves only when a call asks to start or says how it ended: an idle breaker costs
// nothing, and reading one never changes it.
import type { Clock, Random } from "@compendium/runtime";
import { InFlightList } from "./in-flight.ts";
import type { Settings } from "./options.ts";
import { type Outcome, Permit } from "./permit.ts";
import type { Snapshot } from "./snapshot.ts";
import type { SlidingWindow } from "./window.ts";

/** Where a breaker stands. The last three are set by an operator, and left only by one. */
export type State = "closed" | "open" | "half-open" | "forced-open" | "forced-closed" | "disabled";

/** Why a breaker changed its state. */
export type TransitionReason =
  | "failure-rate"
  | "slow-rate"
  | "consecutive-failures"
  | "rested"
  | "probes-succeeded"
  | "probes-failed"
  | "probes-slow"
  | "probes-late"
  | "operator"
  | "restored";

/** A change of state. */
export interface Transition {
  /** The state that ended. */
  from: State;
  /** The state that began. */
  to: State;
  /** What ended it. */
  reason: TransitionReason;
  /** When, in ms on the breaker's clock. */
  atMs: number;
}

/** A call that may not start: an expected outcome, so a value. */
export interface Refusal {
  /** Tells a refusal from a permit. */
  admitted: false;
  /** Which limit stands in the way. */
  code: "CIRCUIT_OPEN" | "CIRCUIT_HALF_OPEN" | "CIRCUIT_FORCED_OPEN" | "CIRCUIT_IN_FLIGHT_MAX";
  /** Whole milliseconds until the breaker asks again; `undefined` where time alone changes nothing. */
  retryAfterMs: number | undefined;
}

/** Counts since the breaker was made; none ever falls. */
export interface CallCounts {
  success: number;
  failure: number;
  cancelled: number;
  ignored: number;
  /** Calls in flight for too long, or judged slow; they count under how they ended, too. */
  slow: number;
  /** Results that arrived after the state they started in was gone. */
  late: number;
  refusedOpen: number;
  refusedHalfOpen: number;
  refusedForcedOpen: number;
  refusedInFlightMax: number;
}

export class StateMachine {
  readonly settings: Settings;
  readonly window: SlidingWindow;
  readonly counts: CallCounts = {
    success: 0,
    failure: 0,
    cancelled: 0,
    ignored: 0,
    slow: 0,
    late: 0,
    refusedOpen: 0,
    refusedHalfOpen: 0,
    refusedForcedOpen: 0,
    refusedInFlightMax: 0,
  };
  onTransition: ((transition: Transition) => void) | undefined = undefined;

  state: State = "closed";
  // Rises with every change of state. A call belongs to the generation in which it started.
  generation = 0;
  // Calls started and not yet ended, of all generations: work goes on when its caller is refused.
  inFlight = 0;
  failuresInARow = 0;

  // Trips since the breaker was last closed: the exponent of the rest's growth.
  trips = 0;
  // While open: when a call may ask again.
  openUntil = 0;

  // While half-open. Invariant: probesJudged <= probesAdmitted <= halfOpenCalls.
  halfOpenUntil = 0;
  probesAdmitted = 0;
  probesJudged = 0;
  probesFailed = 0;
  probesSlow = 0;

  readonly #clock: Pick<Clock, "now">;
  readonly #random: Pick<Random, "below">;
  // Calls of this generation that are timed, still in flight, and not yet known to be slow.
  readonly #running: InFlightList | undefined;

  constructor(
    settings: Settings,
    window: SlidingWindow,
    clock: Pick<Clock, "now">,
    random: Pick<Random, "below">,
  ) {
    this.settings = settings;
    this.window = window;
    this.#clock = clock;
    this.#random = random;
    this.#running = settings.slowAfterMs < Number.MAX_VALUE ? new InFlightList() : undefined;
  }

  now(): number {
    return this.#clock.now();
  }

  /** Counts one call in, or says why not. The caller must give its place back: {@link endUntimed}. */
  admit(): Refusal | undefined {
    if (this.state !== "closed") return this.#admitUnlessClosed();
    if (this.inFlight >= this.settings.inFlightMax) return this.#refuseInFlightMax();
    this.inFlight++;
    return undefined;
  }

  /** Like {@link admit}, with a permit that remembers when the call started. */
  acquire(): Permit | Refusal {
    const now = this.now();
    this.#markOverdue(now);
    const refusal = this.admit();
    if (refusal !== undefined) return refusal;
    const permit = new Permit(this, this.generation, now);
    this.#running?.add(permit);
    return permit;
  }

  /** A permit's call has ended. */
  settle(permit: Permit, outcome: Outcome, slow?: boolean): void {
    this.judge(permit, outcome, slow);
    if (permit.released) return;
    permit.released = true;
    this.inFlight--;
  }

  /** A permit's outcome is known; its work may still be running. */
  judge(permit: Permit, outcome: Outcome, slow?: boolean): void {
    if (permit.judged) return;
    permit.judged = true;
    this.counts[outcome]++;
    const told = outcome === "success" || outcome === "failure";
    if (permit.generation !== this.generation) {
      if (told) this.counts.late++;
      return;
    }
    const overdue = permit.ticket !== -1;
    if (!overdue) this.#running?.remove(permit);
    if (!told) {
      if (!overdue) this.#giveProbeBack();
      return;
    }
    const failed = outcome === "failure";
    this.failuresInARow = failed ? this.failuresInARow + 1 : 0;
    if (!overdue) this.#record(failed, slow ?? this.#tookTooLong(permit));
    else if (failed) this.#failedAfterAll(permit);
  }

  /** A call without a permit has ended. */
  endUntimed(generation: number, failed: boolean): void {
    this.inFlight--;
    if (failed) this.counts.failure++;
    else this.counts.success++;
    if (generation !== this.generation) {
      this.counts.late++;
      return;
    }
    this.failuresInARow = failed ? this.failuresInARow + 1 : 0;
    this.#record(failed, false);
  }

  /** A call without a permit has ended in a way that `isFailure` would not judge. */
  endIgnored(generation: number): void {
    this.inFlight--;
    this.counts.ignored++;
    if (generation === this.generation) this.#giveProbeBack();
  }

  /** An operator's word; `closed` starts afresh. */
  force(state: State): void {
    this.#enter(state, "operator", this.now());
  }

  /** Takes over a snapshot that has been checked. */
  restore(snapshot: Snapshot, elapsedMs: number): void {
    const now = this.now();
    this.#enter(snapshot.state, "restored", now);
    this.openUntil = now + Math.max(0, snapshot.openForMs - elapsedMs);
    this.trips = snapshot.trips;
    this.failuresInARow = snapshot.failuresInARow;
    this.window.load(snapshot.window, now, elapsedMs);
  }

  #admitUnlessClosed(): Refusal | undefined {
    const { counts, settings } = this;
    if (this.state === "disabled") {
      this.inFlight++;
      return undefined;
    }
    if (this.state === "forced-open") {
      counts.refusedForcedOpen++;
      return { admitted: false, code: "CIRCUIT_FORCED_OPEN", retryAfterMs: undefined };
    }
    const now = this.now();
    if (this.state === "half-open" && now >= this.halfOpenUntil) {
      // Probes that never settle must not wedge the breaker. The rest counts from when their time
      // was up, not from this look: a rarely used breaker would else never get to ask again.
      this.#open("probes-late", this.halfOpenUntil);
    }
    if (this.state === "open" && now < this.openUntil) {
      counts.refusedOpen++;
      const retryAfterMs = Math.ceil(this.openUntil - now);
      return { admitted: false, code: "CIRCUIT_OPEN", retryAfterMs };
    }
    if (this.inFlight >= settings.inFlightMax) return this.#refuseInFlightMax();
    if (this.state === "open") this.#enter("half-open", "rested", now);
    if (this.state === "half-open") {
      if (this.probesAdmitted >= settings.halfOpenCalls) {
        counts.refusedHalfOpen++;
        return { admitted: false, code: "CIRCUIT_HALF_OPEN", retryAfterMs: undefined };
      }
      this.probesAdmitted++;
    }
    this.inFlight++;
    return undefined;
  }

  #refuseInFlightMax(): Refusal {
    this.counts.refusedInFlightMax++;
    return { admitted: false, code: "CIRCUIT_IN_FLIGHT_MAX", retryAfterMs: undefined };
  }

  // A hanging call is bad news long before it settles: it counts as slow as soon as it is. Waiting
  // for it to end would let a dependency that hangs for a minute trip nothing for a minute.
  #markOverdue(now: number): void {
    const running = this.#running;
    if (running === undefined) return;
    let permit = running.oldest;
    while (permit !== undefined && now - permit.startedAt > this.settings.slowAfterMs) {
      running.remove(permit);
      permit.ticket = this.#record(false, true);
      // If that tripped the breaker, the list is empty now: its generation is over.
      permit = running.oldest;
    }
  }

  #tookTooLong(permit: Permit): boolean {
    if (this.#running === undefined) return false;
    return this.now() - permit.startedAt > this.settings.slowAfterMs;
  }

  // Returns where the window keeps the call, or 0 where no window does.
  #record(failed: boolean, slow: boolean): number {
    if (slow) this.counts.slow++;
    if (this.state === "half-open") {
      this.probesJudged++;
      if (failed) this.probesFailed++;
      if (slow) this.probesSlow++;
      this.#decideHalfOpen();
      return 0;
    }
    if (this.state !== "closed" && this.state !== "forced-closed") return 0;
    const ticket = this.window.record(this.window.needsTime ? this.now() : 0, failed, slow);
    if (this.state === "closed") this.#decideClosed();
    return ticket;
  }

  // A call that was already recorded as slow has now failed as well.
  #failedAfterAll(permit: Permit): void {
    if (this.state === "half-open") {
      this.probesFailed++;
      this.#decideHalfOpen();
    } else {
      this.window.markFailed(permit.ticket);
      if (this.state === "closed") this.#decideClosed();
    }
  }

  // A cancelled or ignored probe has told nothing: another may ask in its place.
  #giveProbeBack(): void {
    if (this.state === "half-open") this.probesAdmitted--;
  }

  #decideClosed(): void {
    const { settings, window } = this;
    if (this.failuresInARow >= settings.consecutiveFailures) {
      this.#open("consecutive-failures", this.now());
    } else if (window.calls >= settings.minimumCalls) {
      // A quotient, because it is rounded to the very number a threshold is written as: 55 of 100
      // is 0.55, but 0.55 × 100 is more than 55.
      if (window.failures > 0 && window.failures / window.calls >= settings.failureRateThreshold) {
        this.#open("failure-rate", this.now());
      } else if (window.slow > 0 && window.slow / window.calls >= settings.slowRateThreshold) {
        this.#open("slow-rate", this.now());
      }
    }
  }

  // Decides as soon as the probes still out cannot change the decision any more.
  #decideHalfOpen(): void {
    const { halfOpenCalls, failureRateThreshold, slowRateThreshold } = this.settings;
    const undecided = halfOpenCalls - this.probesJudged;
    if (this.probesFailed / halfOpenCalls >= failureRateThreshold) {
      this.#open("probes-failed", this.now());
    } else if (this.probesSlow / halfOpenCalls >= slowRateThreshold) {
      this.#open("probes-slow", this.now());
    } else if (
      (this.probesFailed + undecided) / halfOpenCalls < failureRateThreshold &&
      (this.probesSlow + undecided) / halfOpenCalls < slowRateThreshold
    ) {
      this.#enter("closed", "probes-succeeded", this.now());
    }
  }

  #open(reason: TransitionReason, atMs: number): void {
    this.openUntil = atMs + this.#restMs();
    this.trips++;
    this.#enter("open", reason, atMs);
  }

  // openForMs × growth^trips, at most openForMsMax; then lengthened by a random share of itself.
  // Without jitter, every client that failed together comes back together.
  #restMs(): number {
    const { openForMs, openGrowth, openForMsMax, openJitter } = this.settings;
    const grownMs = Math.min(openForMs * openGrowth ** this.trips, openForMsMax);
    return grownMs + this.#random.below(Math.floor(grownMs * openJitter) + 1);
  }

  #enter(to: State, reason: TransitionReason, atMs: number): void {
    const from = this.state;
    this.state = to;
    this.generation++;
    this.failuresInARow = 0;
    this.probesAdmitted = 0;
    this.probesJudged = 0;
    this.probesFailed = 0;
    this.probesSlow = 0;
    this.#running?.clear();
    if (to === "half-open") this.halfOpenUntil = atMs + this.settings.halfOpenForMs;
    if (to === "closed" || to === "forced-closed") {
      this.trips = 0;
      this.window.clear();
    }
    this.onTransition?.({ from, to, reason, atMs });
  }
}
