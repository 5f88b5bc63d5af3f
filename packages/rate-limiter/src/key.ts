// Whose limit it is. Any text is a key, newlines, braces and emoji included; what is refused is
// what can only be a mistake (nothing at all) or would be stored as something else.
import { show } from "./rule-options.ts";

/** Stands for "no key": one limit for all. Not a string, so that no user can be called so. */
export const ALL: unique symbol = Symbol("all");

/** A key as it is stored. */
export type StoredKey = string | typeof ALL;

/**
 * What a caller's key is stored as. Only nothing at all is one limit of all: `null` is a mistake.
 */
export function storedKeyOf(key: string | undefined): StoredKey {
  return key === undefined ? ALL : key;
}

/** The longest key, in UTF-16 code units. */
export const KEY_LENGTH_MAX = 1024;

/**
 * Checks a key that comes from outside.
 *
 * @throws TypeError when it is no string, or has half of a surrogate pair
 * @throws RangeError when it is empty or too long
 */
export function checkKey(key: StoredKey): void {
  if (key === ALL) return;
  if (typeof key !== "string") {
    throw new TypeError(`key must be a string, got ${key === null ? "null" : typeof key}`);
  }
  if (key.length === 0)
    throw new RangeError("key must not be empty; leave it out for one limit of all");
  if (key.length > KEY_LENGTH_MAX) {
    throw new RangeError(
      `key must have at most ${KEY_LENGTH_MAX} characters, got ${key.length}; hash longer ones`,
    );
  }
  // As UTF-8, all broken surrogates become the same replacement character.
  if (!key.isWellFormed()) throw new TypeError(`key must be well-formed Unicode, got ${show(key)}`);
}

/** Throws a RangeError unless `identity` is a text of 1 to 256 characters, as UUIDs are. */
export function checkIdempotencyKey(identity: string): void {
  const isText = typeof identity === "string" && identity.isWellFormed();
  if (isText && identity.length >= 1 && identity.length <= 256) return;
  throw new RangeError(
    `idempotencyKey must be well-formed text of 1 to 256 characters, got ${show(identity)}`,
  );
}

/** Throws a RangeError unless `cost` is a whole number from 1. */
export function checkCost(cost: number): void {
  if (Number.isSafeInteger(cost) && cost >= 1) return;
  throw new RangeError(`cost must be a whole number from 1, got ${show(cost)}`);
}
