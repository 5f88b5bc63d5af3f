// The words of the state machine: where a breaker stands, why it moved, whom it refused, and what
// it counts. All of them are plain data, and the label values of metrics come from here.

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
  /** Whole milliseconds until the breaker asks again; `undefined` where that depends on others. */
  retryAfterMs: number | undefined;
}

/** Counts since the breaker was made; none ever falls. */
export interface CallCounts {
  /** Calls that succeeded. */
  success: number;
  /** Calls that failed. */
  failure: number;
  /** Calls whose caller gave up. */
  cancelled: number;
  /** Calls that `isFailure` would not judge. */
  ignored: number;
  /** Calls in flight for too long, or judged slow; they count under how they ended, too. */
  slow: number;
  /** Successes and failures that came after the state they started in was gone. */
  late: number;
  /** Calls refused while open. */
  refusedOpen: number;
  /** Calls refused while half-open. */
  refusedHalfOpen: number;
  /** Calls refused while forced open. */
  refusedForcedOpen: number;
  /** Calls refused by `inFlightMax`. */
  refusedInFlightMax: number;
}

/** Counts of a breaker that has seen no call. */
export function noCalls(): CallCounts {
  return {
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
}

/** How often a new breaker has entered each state. */
export function neverEntered(): Record<State, number> {
  return {
    closed: 0,
    open: 0,
    "half-open": 0,
    "forced-open": 0,
    "forced-closed": 0,
    disabled: 0,
  };
}
