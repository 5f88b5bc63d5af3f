// opossum's options, with opossum's defaults, and what the state machine makes of them. The object
// that is passed in is read and left alone: opossum writes its defaults and its caches into it, so
// that two breakers made with one object answer with each other's results.
import type { EventEmitter } from "node:events";
import type { CacheTransport } from "./opossum-cache.ts";
import { type Milliseconds, type Stats, Status } from "./opossum-stats.ts";
import { resolveSettings, type Settings } from "./options.ts";

/** What `toJSON().state` gives, and the option `state` takes. */
export interface OpossumState {
  /** The breaker's name; the option `name` decides. */
  name?: string;
  /** Whether calls are protected. */
  enabled?: boolean;
  /** Whether the circuit is closed; if not said, it is. */
  closed?: boolean;
  /** Whether it is open, and rests. */
  open?: boolean;
  /** Whether it has rested, and waits for a probe. */
  halfOpen?: boolean;
  /** Whether it warms up; it then does so anew. */
  warmUp?: boolean;
  /** Whether it was shut down. */
  shutdown?: boolean;
  /** When it opened, in ms since 1970. */
  lastTimerAt?: number | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: what is thrown has no type, and filters name one.
type Thrown = any;

/** When a coalesced call is forgotten. */
export type CoalesceResetOn = "error" | "success" | "timeout";

/** Options of the opossum door: opossum 10's. */
export interface OpossumOptions<TI extends unknown[] = unknown[]> {
  /** After how many ms a call has failed; `false` or 0: never. Default 10,000. */
  timeout?: Milliseconds | false;
  /** How long the circuit stays open before a call may probe. Default 30,000. */
  resetTimeout?: Milliseconds;
  /** Opens above this percentage of failures among the calls that have ended. Default 50. */
  errorThresholdPercentage?: number;
  /** The rolling window in ms. Default 10,000. */
  rollingCountTimeout?: Milliseconds;
  /** Into how many slices the window is cut. Default 10. */
  rollingCountBuckets?: number;
  /** Default: the action's name, else one of its own. */
  name?: string;
  /** Default: the name. */
  group?: string;
  /** Whether latencies are kept. Default true. */
  rollingPercentilesEnabled?: boolean;
  /** How many calls may run at once. Default: any number. */
  capacity?: number;
  /** Whether calls are protected from the start. Default true. */
  enabled?: boolean;
  /** Whether failures of the first `rollingCountTimeout` do not open the circuit. Default false. */
  allowWarmUp?: boolean;
  /** How many ended calls the window must hold before the circuit may open. Default 0. */
  volumeThreshold?: number;
  /** Returns true for failures that are not the dependency's. They count as successes. */
  errorFilter?: (error: Thrown, ...args: TI) => boolean;
  /** Whether successes are cached. Default false. */
  cache?: boolean;
  /** How long, in ms; 0: for good. Default 0. */
  cacheTTL?: Milliseconds;
  /** How many. Default 2^24 - 1. */
  cacheSize?: number;
  /** Under which key. Default: the arguments as JSON. */
  cacheGetKey?: (...args: TI) => string;
  /** A cache of one's own. */
  cacheTransport?: CacheTransport;
  /** Whether callers with the same key share one call. Default false. */
  coalesce?: boolean;
  /** For how long after its start a call is shared, in ms; 0: for good. Default: `timeout`. */
  coalesceTTL?: Milliseconds;
  /** How many calls are remembered. Default 2^24 - 1. */
  coalesceSize?: number;
  /** When a call is no longer shared, besides. */
  coalesceResetOn?: readonly CoalesceResetOn[];
  /** Aborted when a call times out. One for all calls; see `autoRenewAbortController`. */
  abortController?: AbortController;
  /** Gives each call whose signal was asked for a controller of its own. Default false. */
  autoRenewAbortController?: boolean;
  /** Whether `status` emits `snapshot` once a slice, while somebody listens. Default true. */
  enableSnapshots?: boolean;
  /** Turns the window with its event `rotate`, instead of time. */
  rotateBucketController?: EventEmitter;
  /** Where to go on from. */
  state?: OpossumState;
  /** Counts to begin with. */
  status?: Status | Partial<Stats>;
  /** Does nothing, as in opossum 10. */
  maxFailures?: number;
}

/** The options that are always there, once resolved. */
export interface ResolvedOptions {
  timeout: Milliseconds | false;
  resetTimeout: Milliseconds;
  errorThresholdPercentage: number;
  rollingCountTimeout: Milliseconds;
  rollingCountBuckets: number;
  rollingPercentilesEnabled: boolean;
  capacity: number;
  volumeThreshold: number;
  cacheTTL: Milliseconds;
  coalesce: boolean;
  coalesceTTL: Milliseconds;
  coalesceResetOn: readonly CoalesceResetOn[];
  enableSnapshots: boolean;
}

const RESET_ON: readonly unknown[] = ["error", "success", "timeout"];

/** Fills in opossum's defaults. Throws a RangeError or TypeError where opossum would misbehave. */
export function resolveOptions<TI extends unknown[]>(
  options: OpossumOptions<TI>,
): OpossumOptions<TI> & ResolvedOptions {
  const timeout = options.timeout === false ? false : number("timeout", options.timeout ?? 10_000);
  const { capacity, volumeThreshold, cacheTransport, abortController } = options;
  checkShape("cacheTransport", cacheTransport, ["get", "set", "flush"]);
  checkShape("abortController", abortController, ["abort"]);
  return {
    ...options,
    timeout,
    resetTimeout: number("resetTimeout", options.resetTimeout ?? 30_000),
    errorThresholdPercentage: number(
      "errorThresholdPercentage",
      options.errorThresholdPercentage ?? 50,
    ),
    rollingCountTimeout: number("rollingCountTimeout", options.rollingCountTimeout ?? 10_000),
    rollingCountBuckets: number("rollingCountBuckets", options.rollingCountBuckets ?? 10),
    rollingPercentilesEnabled: options.rollingPercentilesEnabled !== false,
    capacity: Number.isInteger(capacity) ? (capacity as number) : Number.MAX_SAFE_INTEGER,
    volumeThreshold: Number.isInteger(volumeThreshold) ? (volumeThreshold as number) : 0,
    cacheTTL: number("cacheTTL", options.cacheTTL ?? 0),
    coalesce: Boolean(options.coalesce),
    coalesceTTL: number("coalesceTTL", options.coalesceTTL ?? (timeout || 0)),
    coalesceResetOn: options.coalesceResetOn?.filter((each) => RESET_ON.includes(each)) ?? [],
    enableSnapshots: options.enableSnapshots !== false,
  };
}

/** The counts of a breaker: given, primed, or empty. */
export function statusFor<TI extends unknown[]>(
  options: OpossumOptions<TI> & ResolvedOptions,
): Status {
  const { status } = options;
  if (status instanceof Status) return status;
  // Like opossum: counts that come without a Status come without the options of one.
  return status ? new Status({ stats: status }) : new Status(options);
}

/** What the state machine makes of the options. */
export function settingsFor(options: ResolvedOptions): Settings {
  const { errorThresholdPercentage, resetTimeout, timeout, volumeThreshold, capacity } = options;
  const never = errorThresholdPercentage >= 100;
  return {
    ...resolveSettings({ halfOpenCalls: 1, openJitter: 0, openGrowth: 1 }),
    // No share is above 100 %: the rate is then judged from infinitely many calls on.
    minimumCalls: never ? Infinity : Math.max(1, volumeThreshold),
    failureRateThreshold: never ? 1 : justAbove(errorThresholdPercentage / 100),
    openForMs: resetTimeout,
    openForMsMax: resetTimeout,
    // A probe has its timeout. This is for one that has none and hangs: another may then ask.
    halfOpenForMs: (timeout || 0) + Math.max(resetTimeout, 10_000),
    inFlightMax: capacity,
  };
}

// opossum opens above the threshold, the machine at it: the next number after it, then. Doubles
// from 0 on are ordered as their bits are.
function justAbove(share: number): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, share);
  bits.setBigUint64(0, bits.getBigUint64(0) + 1n);
  return bits.getFloat64(0);
}

// Numbers may come as strings, from the environment: opossum's comparisons and timers convert them.
function number(name: string, value: unknown): number {
  const converted = typeof value === "string" ? Number(value) : value;
  if (typeof converted === "number" && converted >= 0) return converted;
  throw new RangeError(`${name} must be a number from 0, got ${String(value)}`);
}

function checkShape(name: string, value: unknown, methods: readonly string[]): void {
  if (value === undefined || value === null) return;
  for (const method of methods) {
    if (typeof (value as Record<string, unknown>)[method] === "function") continue;
    throw new TypeError(`${name} must be an object with ${methods.join(", ")}`);
  }
}
