// What every rule is told, and its limits. All of them count in whole microseconds and whole units
// of cost below 2^53, where a double is exact.

/** Options that every rule has. */
export interface RuleOptions {
  /** Cost allowed per window. A whole number from 1. */
  limit: number;
  /** The window, in ms. A whole number from 1 to 315,576,000,000 (ten years). */
  windowMs: number;
  /**
   * Names the rule in metrics and response fields. Up to 64 ASCII letters, digits and `._-`;
   * default: the algorithm.
   */
  name?: string;
  /**
   * How far ahead of time `reserve` may take, in ms. A whole number from 0 to `windowMs`; default
   * 0.
   */
  reserveMsMax?: number;
}

/** Ten years of 365.25 days, in ms. */
export const WINDOW_MS_MAX: number = 315_576_000_000;

// Sums of two costs must stay exact.
const LIMIT_MAX = 2 ** 52;
const NAME = /^[\w.-]{1,64}$/;

/** The options of a rule, checked, times in µs. */
export interface CheckedOptions {
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly windowUs: number;
  readonly reserveMsMax: number;
  readonly reserveUsMax: number;
}

/**
 * Checks what all rules have in common.
 *
 * @throws RangeError naming the option, its range and what was given
 */
export function checkRuleOptions(options: RuleOptions, algorithm: string): CheckedOptions {
  const { limit, windowMs, name = algorithm, reserveMsMax = 0 } = options;
  checkWhole("limit", limit, 1, LIMIT_MAX);
  checkWhole("windowMs", windowMs, 1, WINDOW_MS_MAX);
  checkWhole("reserveMsMax", reserveMsMax, 0, windowMs);
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new RangeError(
      `name must be 1 to 64 ASCII letters, digits, ".", "_" or "-", got ${show(name)}`,
    );
  }
  const windowUs = windowMs * 1000;
  return { name, limit, windowMs, windowUs, reserveMsMax, reserveUsMax: reserveMsMax * 1000 };
}

/** Throws a RangeError unless `value` is a whole number from `min` to `max`. */
export function checkWhole(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`${name} must be a whole number from ${min} to ${max}, got ${show(value)}`);
}

/** A share of a limit, in whole units and at least 1. */
export function shareOf(limit: number, share: number): number {
  return Math.max(1, Math.floor(limit * share));
}

/** A value as it may stand in a message: short, and on one line. */
export function show(value: unknown): string {
  // An object may refuse to become text, or become a very long one.
  if (typeof value === "object" || typeof value === "function") return typeNameOf(value);
  if (typeof value !== "string") return shortened(String(value));
  const text = shortened(JSON.stringify(value));
  return text.endsWith("…") ? `${text}" (${value.length} characters)` : text;
}

function typeNameOf(value: unknown): string {
  return value === null ? "null" : shortened(Object.prototype.toString.call(value));
}

function shortened(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}
