// What a data type is to its tests: how it is updated at random, and what it must then read, said
// as a function of the updates and of who had seen what (S. Burckhardt et al., "Replicated Data
// Types: Specification, Verification, Optimality", POPL 2014, §4). The functions know nothing of
// dots, contexts or joins.
import type { Random } from "@compendium/runtime";
import type * as lattice from "../../src/index.ts";

/** The module under test: the package, or a copy of it with a planted bug. */
export type Subject = typeof lattice;

/** An update, as data. */
export interface Action {
  readonly verb: string;
  /** An element, or the field of a map. */
  readonly key?: string;
  readonly amount?: number;
  /** What is done to the value of the field. */
  readonly inner?: Action;
}

/** An update that was made. Seeing is in bits: update n is bit n. */
export interface Update {
  readonly bit: number;
  readonly replica: string;
  readonly action: Action;
  /** What it told. */
  readonly delta: unknown;
  /** Its timestamp, for registers in which the last writer wins. */
  readonly stamp: number;
  /** The updates that were known where it was made, and had not been replaced there. */
  readonly live: number;
  /** Those of them that it replaces. */
  readonly replaced: number;
}

/** A replicated value under test. */
export type Value = lattice.Replicated<unknown>;

/** One data type. */
export interface Case {
  readonly name: string;
  readonly make: (subject: Subject, replica: string, clock: lattice.HybridLogicalClock) => Value;
  /** An update, drawn at random. */
  readonly draw: (random: Random) => Action;
  /** Makes it; undefined when the value refuses. */
  readonly act: (
    value: Value,
    action: Action,
    replicas: readonly string[],
  ) => lattice.Delta | undefined;
  /** Whether the update does anything, given what is live where it is made. */
  readonly isEffective?: (action: Action, live: readonly Update[]) => boolean;
  /** Whether the update replaces another that is live there. */
  readonly replaces: (action: Action, other: Update, live: readonly Update[]) => boolean;
  /**
   * Whether an update that is live is hidden from readers all the same. A write that replaces it
   * need not have a later timestamp: what is hidden for good may have been let go, with its own.
   */
  readonly isHidden?: (other: Update, live: readonly Update[]) => boolean;
  /** What is read when these updates are live. */
  readonly expected: (live: readonly Update[]) => unknown;
  /** Whether a delta tells of its replica's earlier updates (of the same field), too. */
  readonly isCumulative?: (earlier: Action, action: Action) => boolean;
  /** Whether a delta tells of everything that was known where it was made. */
  readonly isClosed?: boolean;
  /** Whether a delta waits for those that its maker had joined before. */
  readonly isCausal?: boolean;
  /** Whether a delta may overtake that of a compaction before it. */
  readonly compacts?: boolean;
  /** Whether what a replica reads in the middle is told by the updates that it knows. */
  readonly isExact: boolean;
  /** Whether listeners hear of what is not read, too. */
  readonly tellsMore?: boolean;
  /** What must hold at every replica all the time. */
  readonly invariant?: (value: Value) => void;
}

/** The updates of this list that are in the set. */
export function pick(updates: readonly Update[], bits: number): Update[] {
  return updates.filter(({ bit }) => (bits >>> bit) & 1);
}

/** Those of a set of updates that no other of the set replaces. */
export function liveOf(updates: readonly Update[], bits: number): number {
  let live = bits;
  for (const { replaced } of pick(updates, bits)) live &= ~replaced;
  return live;
}
