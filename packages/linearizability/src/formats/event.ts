// What all formats have in common, in the words of Jepsen: a process invokes a function with a
// value, and later the invocation is `ok`, has failed (it certainly did nothing), or nobody knows
// (`info`).

/** One line of a history. */
export interface HistoryEvent {
  /** Who; one call at a time. */
  readonly process: number | string;
  /** What happened to the call. */
  readonly type: "invoke" | "ok" | "fail" | "info";
  /** The operation's name; a completion may leave it out. */
  readonly f: string | undefined;
  /** The part of the object, where there are several. */
  readonly key: string | undefined;
  /** Arguments on the way in, the answer on the way out. */
  readonly value: Data;
  /** Why it failed, or why nobody knows. */
  readonly error: Data | undefined;
  /** Where it stands, counted from 1. */
  readonly line: number;
}

/** Plain data, as JSON and EDN have in common. */
export type Data = string | number | boolean | null | Data[] | { [name: string]: Data };

/** Completes the fields of an event that was read from a line. */
export function eventFrom(
  fields: { readonly [name: string]: Data },
  line: number,
  refuse: (message: string) => never,
): HistoryEvent {
  const { process, type, f, key, value = null, error } = fields;
  if (typeof process !== "number" && typeof process !== "string") {
    refuse(`process must be a number or a string, got ${brief(process)}`);
  }
  if (type !== "invoke" && type !== "ok" && type !== "fail" && type !== "info") {
    refuse(`type must be invoke, ok, fail or info, got ${brief(type)}`);
  }
  if (f !== undefined && typeof f !== "string") refuse(`f must be a string, got ${brief(f)}`);
  if (key !== undefined && typeof key !== "string" && typeof key !== "number") {
    refuse(`key must be a string or a number, got ${brief(key)}`);
  }
  return { process, type, f, key: key === undefined ? undefined : `${key}`, value, error, line };
}

/** Data in an error message: on one line, and not longer than that. */
export function brief(value: Data | undefined): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
