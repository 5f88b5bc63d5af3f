// What a client did, as the outside saw it: what was asked, what was answered, and between which
// two moments. Nothing else about the system under test enters the verdict.
//
// Time is any number that grows: the position in a log, a sequence number, nanoseconds of one
// monotonic clock. Only the order counts. A return and a call at the same moment count as
// overlapping: that can hide a violation, and never invents one.

/** One operation of a history. */
export interface Operation<Input = unknown, Output = unknown> {
  /** What was asked. */
  readonly input: Input;
  /** What was answered. Without meaning where `return` is absent. */
  readonly output?: Output | undefined;
  /** The moment before the request left. */
  readonly call: number;
  /**
   * The moment after the answer came. Absent where none came (a timeout, a lost connection, a
   * client that died): the operation may then take effect at any time after its call, or never.
   */
  readonly return?: number | undefined;
  /** Who asked; only reports show it. */
  readonly process?: number | string | undefined;
}

/** Operations in any order. */
export type History<Input = unknown, Output = unknown> = readonly Operation<Input, Output>[];

/** @throws RangeError for a time that is no number, or a return before its call */
export function assertHistory(history: History): void {
  for (const [index, { call, return: returned }] of history.entries()) {
    if (!Number.isFinite(call)) {
      throw new RangeError(`history[${index}].call must be a finite number, got ${call}`);
    }
    if (returned === undefined || (Number.isFinite(returned) && returned >= call)) continue;
    const range = `a finite number, at least its call at ${call}, or undefined`;
    throw new RangeError(`history[${index}].return must be ${range}, got ${returned}`);
  }
}
