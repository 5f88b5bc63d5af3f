// A breaker's memory as JSON, for processes that live shorter than an outage (functions as a
// service, rolling deployments). Times are written as what is left of them, because monotonic
// clocks of two processes have nothing in common; who restores says how long ago it was.
import { CircuitBreakerError } from "./errors.ts";
import type { State } from "./state.ts";
import type { StateMachine } from "./state-machine.ts";
import type { SavedWindow } from "./window.ts";

/** The state of a breaker as plain JSON. Calls in flight are not part of it. */
export interface Snapshot {
  /** The version of this format. */
  version: 1;
  /** The state; `half-open` is written as `open`, its probes being lost with the process. */
  state: Exclude<State, "half-open">;
  /** While open: milliseconds until a call may probe. */
  openForMs: number;
  /** Trips since the breaker was last closed. */
  trips: number;
  /** Failures since the last success. */
  failuresInARow: number;
  /** The recent calls. */
  window: SavedWindow;
}

/** Reads a machine; changes nothing. O(window). */
export function takeSnapshot(machine: StateMachine): Snapshot {
  const { state } = machine;
  return {
    version: 1,
    state: state === "half-open" ? "open" : state,
    openForMs: state === "open" ? Math.max(0, machine.openUntil - machine.now()) : 0,
    trips: machine.trips,
    failuresInARow: machine.failuresInARow,
    window: machine.window.save(machine.now()),
  };
}

/**
 * Checks a snapshot as a whole, then takes it over. Throws, and changes nothing, where it does not
 * fit.
 */
export function restoreSnapshot(machine: StateMachine, snapshot: unknown, elapsedMs: number): void {
  if (!(elapsedMs >= 0 && elapsedMs < Infinity)) {
    throw new RangeError(`elapsedMs must be a number from 0, got ${elapsedMs}`);
  }
  const { name } = machine;
  const flaw = findFlaw(machine, snapshot);
  if (flaw !== undefined) {
    throw new CircuitBreakerError("CIRCUIT_SNAPSHOT", name, `${name}: snapshot refused: ${flaw}`);
  }
  machine.restore(snapshot as Snapshot, elapsedMs);
}

const STATES: unknown[] = ["closed", "open", "forced-open", "forced-closed", "disabled"];

function findFlaw(machine: StateMachine, snapshot: unknown): string | undefined {
  if (typeof snapshot !== "object" || snapshot === null) return "not an object";
  const { version, state, openForMs, trips, failuresInARow, window } = snapshot as Partial<
    Record<keyof Snapshot, unknown>
  >;
  if (version !== 1) return `version ${String(version)} is not 1`;
  if (!STATES.includes(state)) return `state ${String(state)} is none of ${STATES.join(", ")}`;
  // A rest longer than any this breaker takes would keep it open for ever. The millisecond is for
  // rounding, where the clock has fractions.
  const { openForMsMax, openJitter } = machine.settings;
  const longestMs = openForMsMax + openForMsMax * openJitter + 1;
  if (!(typeof openForMs === "number" && openForMs >= 0 && openForMs <= longestMs)) {
    return `openForMs ${String(openForMs)} is not a number from 0 to ${longestMs}`;
  }
  if (!isWhole(trips)) return `trips ${String(trips)} is not a whole number from 0`;
  if (!isWhole(failuresInARow)) {
    return `failuresInARow ${String(failuresInARow)} is not a whole number from 0`;
  }
  if (typeof window !== "object" || window === null || !machine.window.accepts(window)) {
    return "its window has not the kind and size of this breaker's window option";
  }
  return undefined;
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
