// The breaker's specification as a program: naive, slow, and obviously right. It keeps every call
// for ever and counts anew whenever somebody asks; there are no rings, sums, tickets or bits here,
// and nothing is imported from the package but types. model-check.ts compares the two.
import type { CallCounts, Outcome, State } from "@compendium/circuit-breaker";
import type { Random } from "@compendium/runtime";

/** What a model is made of: the options that decide, all given. */
export interface ModelOptions {
  readonly window:
    | { readonly kind: "count"; readonly calls: number }
    | { readonly kind: "time"; readonly durationMs: number; readonly buckets: number };
  readonly minimumCalls: number;
  readonly failureRateThreshold: number;
  readonly slowAfterMs: number | undefined;
  readonly slowRateThreshold: number;
  readonly consecutiveFailures: number;
  readonly openForMs: number;
  readonly openGrowth: number;
  readonly openForMsMax: number;
  readonly openJitter: number;
  readonly halfOpenCalls: number;
  readonly halfOpenForMs: number;
  readonly inFlightMax: number;
}

/** A call that was admitted; its fields are set as it gets on. */
export interface ModelCall {
  readonly generation: number;
  readonly startedAtMs: number;
  /** Set once it counts towards a rate. */
  recordedAtMs: number | undefined;
  failed: boolean;
  slow: boolean;
  judged: boolean;
  released: boolean;
}

/** A code, and how long to wait. */
export type ModelRefusal = readonly [code: string, retryAfterMs: number | undefined];

export class Model {
  now = 0;
  state: State = "closed";
  generation = 0;
  inFlight = 0;
  failuresInARow = 0;
  trips = 0;
  openUntil = 0;
  halfOpenUntil = 0;
  probesAdmitted = 0;
  /** Calls of this generation, in the order in which they started. */
  started: ModelCall[] = [];
  /** Calls that count towards the rates, in the order in which they were recorded. */
  recorded: ModelCall[] = [];
  readonly counts: CallCounts;

  readonly #options: ModelOptions;
  readonly #random: Random;

  constructor(options: ModelOptions, random: Random, counts: CallCounts) {
    this.#options = options;
    this.#random = random;
    this.counts = counts;
  }

  /** The calls in the window: of the last so many, or of the buckets that reach back far enough. */
  inWindow(): ModelCall[] {
    const { window } = this.#options;
    const calls = this.recorded.filter((call) => call.recordedAtMs !== undefined);
    if (window.kind === "count") return calls.slice(-window.calls);
    const bucketOf = (ms: number) => Math.floor(ms / (window.durationMs / window.buckets));
    const oldest = bucketOf(this.now) - window.buckets + 1;
    return calls.filter((call) => bucketOf(call.recordedAtMs as number) >= oldest);
  }

  start(): ModelCall | ModelRefusal {
    this.#noticeOverdue();
    const { inFlightMax, halfOpenCalls } = this.#options;
    const { counts } = this;
    if (this.state === "half-open" && this.now >= this.halfOpenUntil)
      this.#open(this.halfOpenUntil);
    if (this.state === "forced-open") {
      counts.refusedForcedOpen++;
      return ["CIRCUIT_FORCED_OPEN", undefined];
    }
    if (this.state === "open" && this.now < this.openUntil) {
      counts.refusedOpen++;
      return ["CIRCUIT_OPEN", Math.ceil(this.openUntil - this.now)];
    }
    if (this.state !== "disabled" && this.inFlight >= inFlightMax) {
      counts.refusedInFlightMax++;
      return ["CIRCUIT_IN_FLIGHT_MAX", undefined];
    }
    if (this.state === "open") this.enter("half-open");
    if (this.state === "half-open") {
      if (this.probesAdmitted === halfOpenCalls) {
        counts.refusedHalfOpen++;
        return ["CIRCUIT_HALF_OPEN", undefined];
      }
      this.probesAdmitted++;
    }
    this.inFlight++;
    const call: ModelCall = {
      generation: this.generation,
      startedAtMs: this.now,
      recordedAtMs: undefined,
      failed: false,
      slow: false,
      judged: false,
      released: false,
    };
    this.started.push(call);
    return call;
  }

  /** The work is over. */
  settle(call: ModelCall, outcome: Outcome, slow: boolean): void {
    if (!call.released) this.inFlight--;
    call.released = true;
    this.judge(call, outcome, slow);
  }

  /** The outcome is known. */
  judge(call: ModelCall, outcome: Outcome, slow: boolean): void {
    if (call.judged) return;
    call.judged = true;
    this.#noticeOverdue(call);
    this.counts[outcome]++;
    const told = outcome === "success" || outcome === "failure";
    if (call.generation !== this.generation) {
      if (told) this.counts.late++;
      return;
    }
    const wasOverdue = call.recordedAtMs !== undefined;
    if (!told) {
      if (this.state === "half-open" && !wasOverdue) this.probesAdmitted--;
      return;
    }
    this.failuresInARow = outcome === "failure" ? this.failuresInARow + 1 : 0;
    if (outcome === "failure") call.failed = true;
    if (!wasOverdue) this.#record(call, slow);
    else if (outcome === "failure") this.#decide();
  }

  enter(state: State): void {
    this.state = state;
    this.generation++;
    this.failuresInARow = 0;
    this.probesAdmitted = 0;
    this.started = [];
    if (state === "half-open") {
      this.halfOpenUntil = this.now + this.#options.halfOpenForMs;
    }
    if (state === "closed" || state === "forced-closed") {
      this.trips = 0;
      this.recorded = [];
    }
  }

  /**
   * A snapshot taken and restored in the same moment: only the probes and calls in flight are lost.
   */
  renew(): void {
    const { trips, failuresInARow, recorded, state } = this;
    if (state !== "open" || this.openUntil < this.now) this.openUntil = this.now;
    this.enter(state === "half-open" ? "open" : state);
    Object.assign(this, { trips, failuresInARow, recorded });
  }

  #noticeOverdue(settling?: ModelCall): void {
    const { slowAfterMs } = this.#options;
    if (slowAfterMs === undefined) return;
    for (const call of this.started) {
      if (call.generation !== this.generation) return;
      const unknown = call.recordedAtMs === undefined && (!call.judged || call === settling);
      if (unknown && this.now - call.startedAtMs > slowAfterMs) this.#record(call, true);
    }
  }

  #record(call: ModelCall, slow: boolean): void {
    if (slow) this.counts.slow++;
    call.slow = slow;
    call.recordedAtMs = this.now;
    if (this.state === "closed" || this.state === "forced-closed") this.recorded.push(call);
    this.#decide();
  }

  #decide(): void {
    const options = this.#options;
    const share = (part: number, whole: number) => part / whole;
    if (this.state === "closed") {
      const calls = this.inWindow();
      const failed = calls.filter((call) => call.failed).length;
      const slow = calls.filter((call) => call.slow).length;
      const enough = calls.length >= options.minimumCalls;
      if (
        this.failuresInARow >= options.consecutiveFailures ||
        (enough && share(failed, calls.length) >= options.failureRateThreshold) ||
        (enough && share(slow, calls.length) >= options.slowRateThreshold)
      ) {
        this.#open(this.now);
      }
    } else if (this.state === "half-open") {
      const probes = this.started.filter((call) => call.recordedAtMs !== undefined);
      const out = options.halfOpenCalls - probes.length;
      const tooMany = (count: number, threshold: number) =>
        share(count, options.halfOpenCalls) >= threshold;
      const failed = probes.filter((call) => call.failed).length;
      const slow = probes.filter((call) => call.slow).length;
      if (tooMany(failed, options.failureRateThreshold)) this.#open(this.now);
      else if (tooMany(slow, options.slowRateThreshold)) this.#open(this.now);
      else if (
        !tooMany(failed + out, options.failureRateThreshold) &&
        !tooMany(slow + out, options.slowRateThreshold)
      ) {
        this.enter("closed");
      }
    }
  }

  #open(atMs: number): void {
    const { openForMs, openGrowth, openForMsMax, openJitter } = this.#options;
    const restMs = Math.min(openForMs * openGrowth ** this.trips, openForMsMax);
    const jitterMs = this.#random.below(Math.floor(restMs * openJitter) + 1);
    const trips = this.trips + 1;
    this.enter("open");
    this.trips = trips;
    this.openUntil = atMs + restMs + jitterMs;
  }
}
