// Every knob of the breaker, its range and its default, in one place. The defaults suit a call to
// another service: look at the last hundred calls, judge from ten on, trip at one failure in two,
// rest for thirty seconds and a little longer each time, then ask with three probes.
import type { Clock, Random } from "@compendium/runtime";
import { CountWindow } from "./count-window.ts";
import { TimeWindow } from "./time-window.ts";
import type { SlidingWindow } from "./window.ts";

/** Which recent calls a breaker judges by. */
export type WindowOptions =
  | {
      /** The last calls, however long ago they were. */
      kind: "count";
      /** How many, 1 to 1,000,000. */
      calls: number;
    }
  | {
      /** The calls that settled within the last while. */
      kind: "time";
      /** How far back, in ms: 1 to 86,400,000 (a day). */
      durationMs: number;
      /**
       * Into how many equal parts the time is cut, 2 to 1,000; default 10. The oldest part leaves
       * as one.
       */
      buckets?: number;
    };

/** How a call came out, in the words of `Promise.allSettled`. */
export type CallResult = PromiseSettledResult<unknown>;

/** Options of a circuit breaker; all may be left out. */
export interface CircuitBreakerOptions {
  /** Names the breaker in errors, events and metrics. Default `"circuit-breaker"`. */
  name?: string;
  /** Default: the last 100 calls. */
  window?: WindowOptions;
  /**
   * Rates are not judged before the window holds this many calls. 1 to 1,000,000; default 10, or
   * the window's size if that is less.
   */
  minimumCalls?: number;
  /** Trips when this share of the window has failed. Above 0, up to 1; default 0.5. */
  failureRateThreshold?: number;
  /**
   * A call is slow once it has been in flight for longer than this, in ms, settled or not. Above 0;
   * default: calls are not timed.
   */
  slowAfterMs?: number;
  /** Trips when this share of the window was slow. Above 0, up to 1; default 1. */
  slowRateThreshold?: number;
  /** Trips after this many failures in a row, whatever the rates. 1 or more; default: never. */
  consecutiveFailures?: number;
  /** How long the breaker rests before it asks again, in ms. 1 to 2^53 - 1; default 30,000. */
  openForMs?: number;
  /**
   * Each trip that follows a failed probe rests this many times longer than the last. 1 to 10;
   * default 2.
   */
  openGrowth?: number;
  /**
   * The longest rest that growth leads to, in ms; at least `openForMs`. Default 10 × `openForMs`.
   */
  openForMsMax?: number;
  /** Lengthens every rest by a random share of itself, from 0 to this. 0 to 1; default 0.1. */
  openJitter?: number;
  /** How many probes decide whether to close. 1 to 1,000; default 3. */
  halfOpenCalls?: number;
  /**
   * How long probes may take to decide before the breaker opens again, in ms. 1 to 2^53 - 1;
   * default 30,000.
   */
  halfOpenForMs?: number;
  /** How many calls may be in flight at once: a bulkhead. 1 or more; default: any number. */
  inFlightMax?: number;
  /**
   * Judges a settled call: `true` failed, `false` succeeded, `"ignored"` counts as neither.
   * Default: what rejected has failed.
   */
  isFailure?: (result: CallResult) => boolean | "ignored";
  /**
   * Judges how long a settled call took, instead of `slowAfterMs`; a call is then slow only once it
   * has settled.
   */
  isSlow?: (durationMs: number, result: CallResult) => boolean;
  /** Monotonic time. Default: the process's own. */
  clock?: Pick<Clock, "now">;
  /** Draws the jitter. Default: the process's own. */
  random?: Pick<Random, "below">;
}

/** The options that decide, all given. */
export interface Settings {
  readonly minimumCalls: number;
  readonly failureRateThreshold: number;
  /** Infinite where calls are not timed, or `isSlow` judges them. */
  readonly slowAfterMs: number;
  readonly slowRateThreshold: number;
  readonly consecutiveFailures: number;
  readonly openForMs: number;
  readonly openGrowth: number;
  readonly openForMsMax: number;
  readonly openJitter: number;
  readonly halfOpenCalls: number;
  readonly halfOpenForMs: number;
  readonly inFlightMax: number;
  readonly isFailure: CircuitBreakerOptions["isFailure"];
  readonly isSlow: CircuitBreakerOptions["isSlow"];
  /** Whether somebody wants to know how long a call took. */
  readonly timed: boolean;
  /** Whether a predicate wants to see how a call came out. */
  readonly judges: boolean;
}

/**
 * Fills in the defaults. Throws a RangeError or TypeError that names the option, its value and its
 * range.
 */
export function resolveSettings(options: CircuitBreakerOptions): Settings {
  refuseUnknown("", options, KNOWN);
  checkKinds(options);
  const { window, slowAfterMs, isFailure, isSlow } = options;
  const windowCalls = window?.kind === "count" ? window.calls : window ? 1_000_000 : 100;
  const openForMs = duration("openForMs", options.openForMs ?? 30_000);
  const openForMsMax = options.openForMsMax ?? Math.min(10 * openForMs, DURATION_MS_MAX);
  const minimumCalls = options.minimumCalls ?? Math.min(10, windowCalls);
  const settings: Settings = {
    minimumCalls: whole("minimumCalls", minimumCalls, 1_000_000),
    failureRateThreshold: share("failureRateThreshold", options.failureRateThreshold ?? 0.5),
    slowAfterMs: slowAfterMs === undefined ? Infinity : positive("slowAfterMs", slowAfterMs),
    slowRateThreshold: share("slowRateThreshold", options.slowRateThreshold ?? 1),
    consecutiveFailures: limit("consecutiveFailures", options.consecutiveFailures ?? Infinity),
    openForMs,
    openGrowth: within("openGrowth", options.openGrowth ?? 2, 1, 10),
    openForMsMax: duration("openForMsMax", openForMsMax),
    openJitter: within("openJitter", options.openJitter ?? 0.1, 0, 1),
    halfOpenCalls: whole("halfOpenCalls", options.halfOpenCalls ?? 3, 1_000),
    halfOpenForMs: duration("halfOpenForMs", options.halfOpenForMs ?? 30_000),
    inFlightMax: limit("inFlightMax", options.inFlightMax ?? Infinity),
    isFailure,
    isSlow,
    timed: slowAfterMs !== undefined || isSlow !== undefined,
    judges: isFailure !== undefined || isSlow !== undefined,
  };
  checkTogether(options, settings, windowCalls);
  return shareWithLatest(settings);
}

/** The `name` option. Throws a TypeError where it is no name. */
export function nameOf({ name = "circuit-breaker" }: CircuitBreakerOptions): string {
  if (typeof name === "string" && name !== "") return name;
  throw new TypeError(`name must be a non-empty string, got ${show(name)}`);
}

let latest: Settings | undefined;

// Breakers come in families, one for each host, with the same options but for the name. They share
// one object, which is a quarter of what a breaker weighs.
function shareWithLatest(settings: Settings): Settings {
  const keys = Object.keys(settings) as (keyof Settings)[];
  if (latest === undefined || keys.some((key) => settings[key] !== latest?.[key])) {
    latest = settings;
  }
  return latest;
}

/**
 * Builds the memory that the `window` option describes. Throws a RangeError or TypeError like the
 * rest.
 */
export function createWindow(window: WindowOptions = { kind: "count", calls: 100 }): SlidingWindow {
  if (typeof window !== "object" || window === null) {
    throw new TypeError(`window must be an object with a kind, got ${show(window)}`);
  }
  const { kind } = window as { kind: unknown };
  if (window.kind === "count") {
    refuseUnknown("window.", window, ["kind", "calls"]);
    return new CountWindow(whole("window.calls", window.calls, 1_000_000));
  }
  if (window.kind === "time") {
    refuseUnknown("window.", window, ["kind", "durationMs", "buckets"]);
    const durationMs = within("window.durationMs", window.durationMs, 1, 86_400_000);
    const buckets = whole("window.buckets", window.buckets ?? 10, 1_000, 2);
    return new TimeWindow(durationMs / buckets, buckets);
  }
  throw new TypeError(`window.kind must be "count" or "time", got ${show(kind)}`);
}

// Pairs of options that cannot both be meant.
function checkTogether(options: CircuitBreakerOptions, settings: Settings, calls: number): void {
  if (settings.minimumCalls > calls) {
    const range = `at most window.calls (${calls}), or the breaker could never judge`;
    throw new RangeError(`minimumCalls must be ${range}, got ${settings.minimumCalls}`);
  }
  if (settings.openForMsMax < settings.openForMs) {
    const range = `at least openForMs (${settings.openForMs})`;
    throw new RangeError(`openForMsMax must be ${range}, got ${settings.openForMsMax}`);
  }
  if (options.slowAfterMs !== undefined && options.isSlow !== undefined) {
    throw new TypeError("slowAfterMs and isSlow both say what is slow: give one of them");
  }
  if (options.slowRateThreshold !== undefined && !settings.timed) {
    throw new TypeError("slowRateThreshold needs slowAfterMs or isSlow to say what is slow");
  }
}

// A function that is none would else be missed in the middle of an outage.
function checkKinds({ isFailure, isSlow, clock, random }: CircuitBreakerOptions): void {
  if (isFailure !== undefined) aFunction("isFailure", isFailure);
  if (isSlow !== undefined) aFunction("isSlow", isSlow);
  if (clock !== undefined) aFunction("clock.now", clock?.now);
  if (random !== undefined) aFunction("random.below", random?.below);
}

const KNOWN = `name window minimumCalls failureRateThreshold slowAfterMs slowRateThreshold
  consecutiveFailures openForMs openGrowth openForMsMax openJitter halfOpenCalls halfOpenForMs
  inFlightMax isFailure isSlow clock random`.split(/\s+/);

// A misspelt option would otherwise leave its default in force until the outage it was set for.
function refuseUnknown(path: string, options: object, known: string[]): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new TypeError(`unknown option ${path}${key}; known are ${known.join(", ")}`);
    }
  }
}

function aFunction(name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw new TypeError(`${name} must be a function, got ${show(value)}`);
}

// A millisecond at least: a rest too short for the clock to see would end where it began.
const DURATION_MS_MAX = Number.MAX_SAFE_INTEGER;

function duration(name: string, value: number): number {
  if (typeof value === "number" && value >= 1 && value <= DURATION_MS_MAX) return value;
  throw new RangeError(`${name} must be a number from 1 to 2^53 - 1, got ${show(value)}`);
}

function positive(name: string, value: number): number {
  if (typeof value === "number" && value > 0 && value < Infinity) return value;
  throw new RangeError(`${name} must be a finite number above 0, got ${show(value)}`);
}

function whole(name: string, value: number, max: number, min = 1): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be a whole number from ${min} to ${max}, got ${show(value)}`);
}

function within(name: string, value: number, min: number, max: number): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be a number from ${min} to ${max}, got ${show(value)}`);
}

function share(name: string, value: number): number {
  if (typeof value === "number" && value > 0 && value <= 1) return value;
  throw new RangeError(`${name} must be a share above 0, up to 1, got ${show(value)}`);
}

function limit(name: string, value: number): number {
  if (value === Infinity || (Number.isInteger(value) && value >= 1)) return value;
  throw new RangeError(`${name} must be a whole number from 1, or Infinity, got ${show(value)}`);
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
