// What a set holds, a register says and a map is keyed by: one JSON scalar. Larger values are maps
// of registers, which merge; a whole object in one register would not.
import type { Reader, Writer } from "./codec.ts";

/** A JSON scalar. -0 is 0, and every NaN is the same. */
export type Scalar = null | boolean | number | string;

/** How many UTF-16 units a string may have. */
export const STRING_UNITS_MAX: number = 1 << 20;
/** How many characters the name of a replica may have. */
export const REPLICA_CHARACTERS_MAX = 64;

/** The value as it is stored, or throws TypeError or RangeError. */
export function checkScalar<T extends Scalar>(value: T): T {
  if (typeof value === "string") return checkString(value) as T;
  if (typeof value === "number") return (value === 0 ? 0 : value) as T;
  if (typeof value === "boolean" || value === null) return value;
  throw new TypeError(`a value must be null, a boolean, a number or a string, got ${typeof value}`);
}

/** A string that UTF-8 can hold, and not too long. */
export function checkString(value: string): string {
  if (typeof value !== "string") throw new TypeError(`expected a string, got ${typeof value}`);
  if (value.length > STRING_UNITS_MAX) {
    throw new RangeError(`a string may have ${STRING_UNITS_MAX} units, got ${value.length}`);
  }
  // UTF-8 cannot hold half a surrogate pair: two replicas would come to hold different strings.
  if (!value.isWellFormed()) throw new TypeError("a string holds half a surrogate pair");
  return value;
}

const REPLICA = /^[!-~]+$/;

/** The name of a replica: 1 to 64 printable ASCII characters, no space. */
export function checkReplica(name: string): string {
  if (typeof name !== "string" || !isReplica(name)) {
    throw new RangeError(
      `a replica's name has 1 to ${REPLICA_CHARACTERS_MAX} printable ASCII characters and no space, got ${JSON.stringify(name)}`,
    );
  }
  return name;
}

/** Whether this can be the name of a replica. */
export function isReplica(name: string): boolean {
  return name.length <= REPLICA_CHARACTERS_MAX && REPLICA.test(name);
}

/** An amount to count: a safe integer from 1. */
export function checkAmount(amount: number): number {
  if (Number.isSafeInteger(amount) && amount >= 1) return amount;
  throw new RangeError(`amount must be an integer in [1, 2^53), got ${amount}`);
}

/** A sum that is still exact, or throws RangeError. */
export function checkTotal(total: number): number {
  if (Number.isSafeInteger(total)) return total;
  throw new RangeError(`the total of one replica must stay below 2^53, would be ${total}`);
}

const [NULL, FALSE, TRUE, INTEGER, DOUBLE, STRING] = [0, 1, 2, 3, 4, 5] as const;

function tagOf(value: Scalar): number {
  if (value === null) return NULL;
  if (typeof value === "boolean") return value ? TRUE : FALSE;
  if (typeof value === "string") return STRING;
  return Number.isSafeInteger(value) ? INTEGER : DOUBLE;
}

/** A total order: the one in which states are written. */
export function compareScalars(a: Scalar, b: Scalar): number {
  const tags = tagOf(a) - tagOf(b);
  if (tags !== 0) return tags;
  if (typeof a === "string") return compareStrings(a, b as string);
  if (typeof a !== "number" || typeof b !== "number" || Object.is(a, b)) return 0;
  // NaN stands behind every other number.
  if (Number.isNaN(a)) return 1;
  return Number.isNaN(b) || a < b ? -1 : 1;
}

/** The order of UTF-16 units, which is the same on every machine. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Writes a scalar. */
export function writeScalar(value: Scalar, to: Writer): void {
  const tag = tagOf(value);
  to.byte(tag);
  if (tag === INTEGER) to.signed(value as number);
  else if (tag === DOUBLE) to.double(value as number);
  else if (tag === STRING) to.string(value as string);
}

/** Reads a scalar, in the one form that {@link writeScalar} gives it. */
export function readScalar(from: Reader): Scalar {
  const tag = from.byte();
  if (tag === NULL) return null;
  if (tag === FALSE || tag === TRUE) return tag === TRUE;
  if (tag === INTEGER) return from.signed();
  if (tag === STRING) return readString(from);
  if (tag !== DOUBLE) throw from.corrupt("no scalar");
  const value = from.double();
  if (Number.isNaN(value)) return Number.NaN;
  if (tagOf(value) !== DOUBLE) throw from.corrupt("an integer is written as a double");
  return value;
}

/** Reads a string. */
export function readString(from: Reader): string {
  const value = from.string(STRING_UNITS_MAX * 3);
  if (value.length > STRING_UNITS_MAX) throw from.corrupt("a string is too long");
  return value;
}
