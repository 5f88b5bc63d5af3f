// What the models of this package hold: values that are equal if `===` says so.

/** What a register, a key, a queue or a set may hold. */
export type Value = string | number | boolean | null;

/** A value in a report. */
export const show = (value: Value): string => (value === null ? "nil" : JSON.stringify(value));

/** Stands for every value that no answer shows: they cannot be told apart. */
export const UNOBSERVED: unique symbol = Symbol("unobserved");
