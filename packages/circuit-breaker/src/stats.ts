// What a breaker shows of itself: plain numbers, copied when asked for.
import type { CallCounts, State } from "./state.ts";
import type { StateMachine } from "./state-machine.ts";

/** A breaker's numbers at one moment. Counts never fall; the rest are gauges. */
export interface Stats {
  /** Where the breaker stands. */
  state: State;
  /** Counts since the breaker was made. */
  counts: CallCounts;
  /** How often each state was entered since the breaker was made. */
  entered: Record<State, number>;
  /** Calls started and not yet ended. */
  inFlight: number;
  /** Calls that the window holds. */
  windowCalls: number;
  /** Share of the window that failed, 0 to 1; 0 while it is empty. */
  failureRate: number;
  /** Share of the window that was slow, 0 to 1; 0 while it is empty. */
  slowRate: number;
  /** Failures since the last success, or since the present state began. */
  failuresInARow: number;
  /** Trips since the breaker was last closed: the exponent of the rest's growth. */
  trips: number;
  /** While open: milliseconds until a call may probe; else 0. */
  openForMs: number;
}

/** Reads a machine; changes nothing. O(1), with a time window O(buckets). */
export function readStats(machine: StateMachine): Stats {
  const { state, window, counts, entered, inFlight, failuresInARow, trips, openUntil } = machine;
  // What has left the window must not show in its rates, however long ago a call came by.
  window.expire(machine.now());
  return {
    state,
    counts: { ...counts },
    entered: { ...entered },
    inFlight,
    windowCalls: window.calls,
    failureRate: window.calls === 0 ? 0 : window.failures / window.calls,
    slowRate: window.calls === 0 ? 0 : window.slow / window.calls,
    failuresInARow,
    trips,
    openForMs: state === "open" ? Math.max(0, openUntil - machine.now()) : 0,
  };
}
