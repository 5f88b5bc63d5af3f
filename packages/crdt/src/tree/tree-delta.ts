// What one tree tells another: a set of moves, and sometimes the base on which they stand, which is
// what is left of moves that were compacted away. The join is the union.

import { frameOf } from "../encoding/frame.ts";
import { CrdtError } from "../errors.ts";
import { unframe } from "../lattice/codec.ts";
import { type CausalContext, DotList } from "../lattice/context.ts";
import { digestOf } from "../lattice/digest.ts";
import { compareMoves, type Move } from "./move.ts";
import { MoveLog } from "./move-log.ts";
import { readTree, writeTree } from "./tree-codec.ts";
import { bodyOfNodes } from "./tree-digest.ts";

/** The number of the type in bytes; see lattice/kinds.ts for the others. */
const TAG = 15;

/** What is left of moves that were compacted away. */
export interface Base {
  /** The moves that were in force, in their order. */
  readonly moves: readonly Move[];
  /** All the moves that it stands for. */
  readonly context: CausalContext;
  /** The last of them. */
  readonly horizon: Pick<Move, "time" | "replica" | "counter">;
}

/** An element of the lattice of trees. It does not change any more. */
export class TreeDelta {
  /** The moves, in their order. */
  readonly moves: readonly Move[];
  /** What they stand on, if they are a whole state of a tree that was compacted. */
  readonly base: Base | undefined;

  constructor(moves: readonly Move[], base?: Base) {
    this.moves = moves;
    this.base = base;
  }

  /** The dots of all the moves that it tells of. */
  get context(): CausalContext {
    const dots = new DotList();
    for (const { replica, counter } of this.moves) dots.add(replica, counter);
    const context = dots.context();
    if (this.base !== undefined) context.join(this.base.context);
    return context;
  }

  /** The node of the last move: for an addition, the new node. Undefined when there is no move. */
  get node(): string | undefined {
    return this.moves.at(-1)?.node;
  }

  /**
   * The least delta that tells of both.
   *
   * @throws CrdtError `CRDT_COMPACTED` when two were compacted, and neither knows all of the other
   */
  join(other: TreeDelta): TreeDelta {
    const base = laterBase(this.base, other.base);
    const moves: Move[] = [];
    const [left, right] = [this.moves, other.moves];
    for (let i = 0, j = 0; i < left.length || j < right.length; ) {
      const [a, b] = [left[i], right[j]];
      const order = a === undefined ? 1 : b === undefined ? -1 : compareMoves(a, b);
      const move = (order <= 0 ? a : b) as Move;
      if (order <= 0) i++;
      if (order >= 0) j++;
      if (!base?.context.has(move.replica, move.counter)) moves.push(move);
    }
    return new TreeDelta(moves, base);
  }

  /** Whether both tell the same. */
  equals(other: TreeDelta): boolean {
    return this.digest() === other.digest();
  }

  /** The digest of a tree that has this and nothing else, whatever of it is base. */
  digest(): string {
    const log = new MoveLog();
    if (this.base !== undefined) log.settle(this.base.moves);
    log.insert(this.moves);
    return digestOf(bodyOfNodes(log, this.context));
  }

  /** Its bytes. */
  encode(): Uint8Array<ArrayBuffer> {
    return frameOf(TAG, writeTree(this.moves, this.base));
  }

  /**
   * What was encoded.
   *
   * @throws CrdtError when the bytes are not exactly what some delta encodes to
   */
  static decode(bytes: Uint8Array): TreeDelta {
    const { tag, body } = unframe(bytes);
    if (tag !== TAG) throw new CrdtError("CRDT_KIND", `${tag} is not the number of a tree`);
    const { moves, base } = readTree(body);
    return new TreeDelta(moves, base);
  }
}

/** Of two bases the one that stands for more. */
export function laterBase(a: Base | undefined, b: Base | undefined): Base | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.context.covers(b.context)) return a;
  if (b.context.covers(a.context)) return b;
  throw new CrdtError("CRDT_COMPACTED", "both were compacted, and neither knows all of the other");
}
