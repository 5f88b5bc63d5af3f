// Where a compacted history begins. What lies below its base is known, and nothing else is known of
// it: not in which order it came, nor what depended on what. So the base must be a version from
// which everything else descends; then nobody will ever ask.
//
// A version that is stable (every replica has it, see lattice/stability.ts) is not yet one. All
// that is still to come descends from it, but of what has come, something may be concurrent with a
// part of it, and to order that takes the names of the units which that part inserted or deleted. A
// cut is one: all that is known above it descends from all below. So the base is the greatest cut
// that is stable.
//
// An operation that does not descend from the base can still be met: its author was thought to have
// what he has not, or was left out of the count. It is refused with `CRDT_COMPACTED`.
import { CrdtError } from "../errors.ts";

/** For each agent, how many of its operations are known. */
export type VersionVector = ReadonlyMap<string, number>;

/** An operation by its name in the world: the nth of its agent, counted from 0. */
export interface OperationId {
  readonly agent: string;
  readonly seq: number;
}

/** The version at which a history begins. It never changes. */
export interface Base {
  readonly version: VersionVector;
  /** Those of its operations that no other one of it descends from. At least one. */
  readonly heads: readonly OperationId[];
  /** How many operations it holds. */
  readonly operations: number;
}

/**
 * How many operations of an agent a version holds.
 *
 * @throws RangeError for what is no count: taken for one, NaN would be all there is
 */
export function countIn(version: VersionVector, agent: string): number {
  const count = version.get(agent) ?? 0;
  if (Number.isSafeInteger(count)) return count;
  throw new RangeError(`a version counts operations, got ${count} of ${agent}`);
}

/** Whether a version knows all that another one does. */
export function covers(version: VersionVector, other: VersionVector): boolean {
  for (const [agent, count] of other) if ((version.get(agent) ?? 0) < count) return false;
  return true;
}

/** @throws CrdtError `CRDT_COMPACTED` for a version that lacks a part of the base */
export function checkCovers(version: VersionVector, base: Base | undefined): void {
  if (base === undefined || covers(version, base.version)) return;
  throw new CrdtError(
    "CRDT_COMPACTED",
    `the history that follows a version without all of ${nameOf(base)} was compacted away: ` +
      "take the whole document instead (encode)",
  );
}

/**
 * Checks an operation, or a version, that is not known to descend from anything above the base.
 *
 * @param knows whether it descends from one of the base's heads
 * @throws CrdtError `CRDT_COMPACTED` unless it descends from all
 */
export function checkStandsOn(
  base: Base | undefined,
  what: string,
  knows: (head: OperationId) => boolean,
): void {
  if (base === undefined || base.heads.every(knows)) return;
  throw new CrdtError(
    "CRDT_COMPACTED",
    `${what} was made without all of ${nameOf(base)}, below which history was compacted: its ` +
      "author must take the whole document, and do it again there (rebaseOnto)",
  );
}

function nameOf({ heads }: Base): string {
  return heads.map(({ agent, seq }) => `${agent}:${seq}`).join(", ");
}
