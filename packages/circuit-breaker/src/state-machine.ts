// The circuit breaker as a pure state machine (M. Nygard, Release It!, 2nd ed. 2018, ch. 5).
//
//              rates or run of failures over the threshold
//        ┌────────┐ ────────────────────────────────────▶ ┌──────┐ ◀──┐ a probe too many
//        │ closed │                                       │ open │    │ failed or was slow, or
//        └────────┘ ◀── enough probes succeeded ──┐       └──────┘    │ they took too long
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
import type { Listeners } from "./events.ts";
import { InFlightRing, unlist } from "./in-flight.ts";
import type { Settings } from "./options.ts";
import { CallPermit, type Outcome } from "./permit.ts";
import { Probes } from "./probes.ts";
import type { Snapshot } from "./snapshot.ts";
import {
  type CallCounts,
  neverEntered,
  noCalls,
  type Refusal,
  type State,
  type TransitionReason,
} from "./state.ts";
import type { SlidingWindow } from "./window.ts";

/** One breaker: its state, its numbers, and the rules by which they move. */
export class StateMachine {
  readonly name: string;
  readonly settings: Settings;
  readonly window: SlidingWindow;
  readonly counts: CallCounts = noCalls();
  // How often each state was entered.
  readonly entered: Record<State, number> = neverEntered();
  listeners: Listeners | undefined = undefined;

  state: State = "closed";
  // Rises with every change of state. A call belongs to the generation in which it started.
  generation = 0;
  // Calls started and not yet ended, of all generations: work goes on when its caller is refused.
  inFlight = 0;
  // In this generation.
  failuresInARow = 0;

  // Trips since the breaker was last closed: the exponent of the rest's growth.
  trips = 0;
  // While open: when a call may ask again.
  openUntil = 0;
  // While half-open, and only then.
  probes: Probes | undefined = undefined;

  readonly #clock: Pick<Clock, "now">;
  readonly #random: Pick<Random, "below">;
  // Calls of this generation that are timed, still in flight, and not yet known to be slow.
  #running: InFlightRing | undefined = undefined;

  constructor(
    name: string,
    settings: Settings,
    window: SlidingWindow,
    clock: Pick<Clock, "now">,
    random: Pick<Random, "below">,
  ) {
    this.name = name;
    this.settings = settings;
    this.window = window;
    this.#clock = clock;
    this.#random = random;
    if (settings.slowAfterMs < Infinity) this.#running = new InFlightRing(this);
  }

  now(): number {
    return this.#clock.now();
  }

  /**
   * Counts one call in, or says why not. The caller must give its place back: {@link endUntimed}.
   */
  admit(): Refusal | undefined {
    if (this.state !== "closed") return this.#admitUnlessClosed();
    if (this.inFlight >= this.settings.inFlightMax) return this.#refuseInFlightMax();
    this.inFlight++;
    return undefined;
  }

  /** Like {@link admit}, with a permit that remembers when the call started. */
  acquire(): CallPermit | Refusal {
    const startedAt = this.settings.timed ? this.now() : 0;
    if (this.#running !== undefined) this.#markOverdue(this.#running, startedAt);
    const refusal = this.admit();
    if (refusal !== undefined) return refusal;
    const permit = new CallPermit(this, this.generation, startedAt);
    this.#running?.add(permit);
    return permit;
  }

  /** A permit's call has ended. */
  settle(permit: CallPermit, outcome: Outcome, slow = false): void {
    if (!permit.released) {
      permit.released = true;
      this.inFlight--;
    }
    this.judge(permit, outcome, slow);
  }

  /** A permit's outcome is known; its work may still be running. */
  judge(permit: CallPermit, outcome: Outcome, slow = false): void {
    if (permit.judged) return;
    permit.judged = true;
    // This call, too, is overdue from the moment it is, not from when somebody looked.
    if (this.#running !== undefined) this.#markOverdue(this.#running, this.now());
    unlist(permit);
    this.#count(outcome);
    const told = outcome === "success" || outcome === "failure";
    const overdue = permit.ticket !== undefined;
    if (permit.generation !== this.generation) {
      if (told) this.counts.late++;
    } else if (told) {
      const failed = outcome === "failure";
      this.failuresInARow = failed ? this.failuresInARow + 1 : 0;
      if (!overdue) this.#record(failed, slow);
      else if (failed) this.#failedAfterAll(permit.ticket as number);
    } else if (!overdue) {
      this.#giveProbeBack();
    }
    this.listeners?.emit("settled", { outcome });
  }

  /** A call without a permit has ended. */
  endUntimed(generation: number, failed: boolean): void {
    this.inFlight--;
    if (failed) this.counts.failure++;
    else this.counts.success++;
    if (generation !== this.generation) {
      this.counts.late++;
    } else {
      this.failuresInARow = failed ? this.failuresInARow + 1 : 0;
      this.#record(failed, false);
    }
    this.listeners?.emit("settled", { outcome: failed ? "failure" : "success" });
  }

  /** A call without a permit has ended in a way that `isFailure` would not judge. */
  endIgnored(generation: number): void {
    this.inFlight--;
    this.counts.ignored++;
    if (generation === this.generation) this.#giveProbeBack();
    this.listeners?.emit("settled", { outcome: "ignored" });
  }

  /** An operator's word; `closed` starts afresh. */
  force(state: State): void {
    this.#enter(state, "operator", this.now());
  }

  /** Takes over a snapshot that has been checked. */
  restore(snapshot: Snapshot, elapsedMs: number): void {
    const now = this.now();
    const from = this.state;
    this.#begin(snapshot.state, now);
    this.openUntil = now + Math.max(0, snapshot.openForMs - elapsedMs);
    this.trips = snapshot.trips;
    this.failuresInARow = snapshot.failuresInARow;
    this.window.load(snapshot.window, now, elapsedMs);
    this.listeners?.emit("transition", { from, to: this.state, reason: "restored", atMs: now });
  }

  // Where a step changes the state, the question is put again to the state that is now: a listener
  // may have changed it once more.
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
    if (this.probes !== undefined && now >= this.probes.untilMs) {
      // Probes that never settle must not wedge the breaker. The rest counts from when their time
      // was up, not from this look: a rarely used breaker would else never get to ask again.
      this.#open("probes-late", this.probes.untilMs);
      return this.admit();
    }
    if (this.state === "open" && now < this.openUntil) {
      counts.refusedOpen++;
      const retryAfterMs = Math.ceil(this.openUntil - now);
      return { admitted: false, code: "CIRCUIT_OPEN", retryAfterMs };
    }
    if (this.inFlight >= settings.inFlightMax) return this.#refuseInFlightMax();
    if (this.state === "open") {
      this.#enter("half-open", "rested", now);
      return this.admit();
    }
    if (this.probes !== undefined) {
      if (this.probes.admitted >= settings.halfOpenCalls) {
        counts.refusedHalfOpen++;
        return { admitted: false, code: "CIRCUIT_HALF_OPEN", retryAfterMs: undefined };
      }
      this.probes.admitted++;
    }
    this.inFlight++;
    return undefined;
  }

  #refuseInFlightMax(): Refusal {
    this.counts.refusedInFlightMax++;
    return { admitted: false, code: "CIRCUIT_IN_FLIGHT_MAX", retryAfterMs: undefined };
  }

  #count(outcome: Outcome): void {
    // Spelt out: a computed key would be looked up by name for every call.
    if (outcome === "success") this.counts.success++;
    else if (outcome === "failure") this.counts.failure++;
    else if (outcome === "cancelled") this.counts.cancelled++;
    else this.counts.ignored++;
  }

  // A hanging call is bad news long before it settles: it counts as slow as soon as it is. Waiting
  // for it to end would let a dependency that hangs for a minute trip nothing for a minute.
  #markOverdue(running: InFlightRing, now: number): void {
    let { oldest } = running;
    while (now - oldest.startedAt > this.settings.slowAfterMs) {
      unlist(oldest);
      oldest.ticket = this.#record(false, true);
      // If that tripped the breaker, its generation is over, and so are the other calls of it.
      if (running !== this.#running) return;
      oldest = running.oldest;
    }
  }

  // Returns where the window keeps the call, or 0 where no window does.
  #record(failed: boolean, slow: boolean): number {
    const { state, window, probes } = this;
    if (slow) this.counts.slow++;
    if (state === "closed" || state === "forced-closed") {
      const ticket = window.record(window.needsTime ? this.now() : 0, failed, slow);
      if (state === "closed") this.#decideClosed();
      return ticket;
    }
    if (probes !== undefined) {
      probes.judged++;
      if (failed) probes.failed++;
      if (slow) probes.slow++;
      this.#decideHalfOpen(probes);
    }
    return 0;
  }

  // A call that was already recorded as slow has now failed as well.
  #failedAfterAll(ticket: number): void {
    if (this.probes !== undefined) {
      this.probes.failed++;
      this.#decideHalfOpen(this.probes);
    } else if (this.state === "closed" || this.state === "forced-closed") {
      if (this.window.needsTime) this.window.expire(this.now());
      this.window.markFailed(ticket);
      if (this.state === "closed") this.#decideClosed();
    }
  }

  // A cancelled or ignored probe has told nothing: another may ask in its place.
  #giveProbeBack(): void {
    if (this.probes !== undefined) this.probes.admitted--;
  }

  #decideClosed(): void {
    const { settings, window } = this;
    if (this.failuresInARow >= settings.consecutiveFailures) {
      this.#open("consecutive-failures", this.now());
    } else if (window.failures + window.slow > 0 && window.calls >= settings.minimumCalls) {
      // A quotient, because it is rounded to the very number a threshold is written as: 55 of 100
      // is 0.55, but 0.55 × 100 is more than 55.
      if (window.failures / window.calls >= settings.failureRateThreshold) {
        this.#open("failure-rate", this.now());
      } else if (window.slow / window.calls >= settings.slowRateThreshold) {
        this.#open("slow-rate", this.now());
      }
    }
  }

  #decideHalfOpen(probes: Probes): void {
    const verdict = probes.verdict(this.settings);
    if (verdict === "probes-succeeded") this.#enter("closed", verdict, this.now());
    else if (verdict !== undefined) this.#open(verdict, this.now());
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
    this.#begin(to, atMs);
    // Last, when all is in order: a listener may call the breaker.
    this.listeners?.emit("transition", { from, to, reason, atMs });
  }

  #begin(state: State, atMs: number): void {
    this.state = state;
    this.entered[state]++;
    this.generation++;
    this.failuresInARow = 0;
    if (this.#running !== undefined) this.#running = new InFlightRing(this);
    this.probes =
      state === "half-open" ? new Probes(atMs + this.settings.halfOpenForMs) : undefined;
    if (state === "closed" || state === "forced-closed") {
      this.trips = 0;
      this.window.clear();
    }
  }
}
