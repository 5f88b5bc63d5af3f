// A deadline on the wire. Two machines' clocks do not agree, so what travels is the time that is
// left, and the network's delay is added to it unseen: both sides give up, the callee a little
// later than the caller.
//
//  - gRPC: `grpc-timeout: 250m`. One to eight digits, and a unit out of H M S m u n ("gRPC over
//    HTTP2", Request-Headers, Timeout).
//  - HTTP: `x-envoy-expected-rq-timeout-ms: 250`, which Envoy sets on what it forwards. There is no
//    standard; userver, Connect and others have their own names for the same whole milliseconds.
//
// What comes from outside is read strictly and under limits: a header that cannot be read is told
// apart from one that is not there, and it is for the edge to refuse it or to go without.

/** The request header that tells an HTTP server how many ms are left. */
export const TIMEOUT_MS_HEADER = "x-envoy-expected-rq-timeout-ms";

/** The request header that tells a gRPC server how much time is left. */
export const GRPC_TIMEOUT_HEADER = "grpc-timeout";

/** What a header says: the time that is left in ms, from 0; or why it cannot be read. */
export type TimeoutHeader =
  | { readonly valid: true; readonly timeoutMs: number }
  | { readonly valid: false; readonly reason: string };

// Milliseconds of a unit, as a fraction: 1e-6 has no exact binary form, and 3 n would not be 3e-6.
const UNITS = {
  H: [3_600_000, 1],
  M: [60_000, 1],
  S: [1_000, 1],
  m: [1, 1],
  u: [1, 1_000],
  n: [1, 1_000_000],
} as const;
type Unit = keyof typeof UNITS;

const GRPC_VALUE_MAX = 99_999_999;
const TIMEOUT_MS_MAX = 9_999_999_999;

/**
 * Reads a `grpc-timeout`; undefined when there is none. Zero is accepted: grpc-go sends "0n" for a
 * deadline that has passed. The longest, "99999999H", is above eleven thousand years.
 */
export function parseGrpcTimeout(value: string | undefined): TimeoutHeader | undefined {
  if (value === undefined) return undefined;
  const match = /^([0-9]{1,8})([HMSmun])$/.exec(value);
  if (match === null) return malformed(GRPC_TIMEOUT_HEADER, "1 to 8 digits and a unit of HMSmun");
  return { valid: true, timeoutMs: toMs(Number(match[1]), match[2] as Unit) };
}

/**
 * Writes what is left as a `grpc-timeout`: never more than `remainingMs`, to 1 µs below 100 s, then
 * to the ms, second, minute or hour that fits into eight digits. From 0 down it is "1n": the
 * format has no "too late". Undefined, send nothing, for Infinity. Throws a RangeError for NaN.
 */
export function encodeGrpcTimeout(remainingMs: number): string | undefined {
  check(remainingMs);
  if (remainingMs === Infinity) return undefined;
  if (remainingMs < 1e-3) return "1n";
  for (const unit of ["u", "m", "S", "M", "H"] as const) {
    const amount = wholeUnits(remainingMs, unit);
    if (amount <= GRPC_VALUE_MAX) return `${amount}${unit}`;
  }
  return `${GRPC_VALUE_MAX}H`;
}

/** Reads a timeout header in whole ms, 1 to 10 digits; undefined when there is none. */
export function parseTimeoutMs(value: string | undefined): TimeoutHeader | undefined {
  if (value === undefined) return undefined;
  // Envoy never sends 0: to its like it means "no timeout at all", the very opposite of "now".
  if (!/^[1-9][0-9]{0,9}$/.test(value)) {
    return malformed(TIMEOUT_MS_HEADER, "a whole number of ms from 1, in at most 10 digits");
  }
  return { valid: true, timeoutMs: Number(value) };
}

/**
 * Writes what is left as whole ms: never more than `remainingMs`, except that it is "1" at least.
 * Undefined, send nothing, for Infinity. Throws a RangeError for NaN.
 */
export function encodeTimeoutMs(remainingMs: number): string | undefined {
  check(remainingMs);
  if (remainingMs === Infinity) return undefined;
  return String(Math.min(TIMEOUT_MS_MAX, Math.max(1, Math.floor(remainingMs))));
}

function toMs(amount: number, unit: Unit): number {
  const [numerator, denominator] = UNITS[unit];
  return (amount * numerator) / denominator;
}

function wholeUnits(ms: number, unit: Unit): number {
  const [numerator, denominator] = UNITS[unit];
  const amount = Math.floor((ms * denominator) / numerator);
  // The product may have been rounded up to a whole number that ms does not reach.
  return toMs(amount, unit) > ms ? amount - 1 : amount;
}

// The value itself may be long, or meant for a log parser: it is not repeated.
function malformed(header: string, form: string): TimeoutHeader {
  return { valid: false, reason: `${header} must be ${form}` };
}

function check(remainingMs: number): void {
  if (Number.isNaN(remainingMs)) throw new RangeError("remainingMs must be a number, got NaN");
}
