// A model is the object as its users think of it: one copy, one operation at a time, no failures. A
// history is linearizable if each operation can be given one moment between its call and its return
// so that the model, asked in that order, gives the very answers that the clients saw.

import type { Operation } from "./operation.ts";

/**
 * Stands for an answer that nobody saw: `step` then tells only what the state would be. One and the
 * same for every copy of this package in a process.
 */
export const UNKNOWN: unique symbol = Symbol.for("@compendium/linearizability: unknown outcome");

/** An operation, and whether it must have taken effect. */
export interface Foreseen<Input, Output> extends Operation<Input, Output> {
  /** Not so where nobody saw an answer, or where the question is what follows without it. */
  readonly required: boolean;
}

/** What follows a step, as far as it can be foreseen; see {@link Model.foresee}. */
export type Foresight<State, Input, Output> = (
  before: State,
  after: State,
  awaited: Foreseen<Input, Output>,
) => State | undefined;

/** The sequential object that a history is held against. Every function must be pure. */
export interface Model<State, Input, Output> {
  /** Its name in reports. */
  readonly name: string;
  /** The state before the first operation. */
  init(): State;
  /**
   * The state after `input` was answered with `output`, or `undefined` where the object would not
   * have answered so. With `UNKNOWN`, the state after `input`, or `undefined` where it cannot take
   * effect in this state. A state is immutable, and never `undefined`.
   */
  step(state: State, input: Input, output: Output | typeof UNKNOWN): State | undefined;
  /**
   * The part of the object that this operation touches; parts are checked apart, which is sound
   * because linearizability is local. `undefined` touches all: then nothing is taken apart. Absent:
   * likewise.
   */
  partition?(input: Input): string | undefined;
  /**
   * True only if this answer proves that the operation changed no state whatever: a read, a
   * comparison that failed. Such operations cost no branching. Asked with `UNKNOWN` as well.
   * Absent: never.
   */
  isRead?(input: Input, output: Output | typeof UNKNOWN): boolean;
  /**
   * Given all operations of a part, looks ahead at each step from `before` to `after`: returns
   * `undefined` where no completion can follow, because a later answer shows what is gone for good;
   * else `after`, or one state for all that no remaining answer can tell from it. `awaited` returns
   * next: what returned before it has taken effect, and so has every read called before its return
   * that fits `before`; if it is a read, it has not. Optional: it saves time where answers tell
   * much.
   */
  foresee?(
    operations: readonly Foreseen<Input, Output>[],
  ): Foresight<State, Input, Output> | undefined;
  /**
   * Where states are not primitive values: a number, equal for equal states. Give both or neither;
   * absent, states are compared as the keys of a `Map` are.
   */
  hash?(state: State): number;
  /** Whether two states are equal. To deny it wrongly costs time; to affirm it, the verdict. */
  equals?(one: State, other: State): boolean;
  /** An operation in a few words, such as `cas 3 → 4: false`. */
  describe?(input: Input, output: Output | typeof UNKNOWN): string;
  /** A state in a few words. */
  describeState?(state: State): string;
}
