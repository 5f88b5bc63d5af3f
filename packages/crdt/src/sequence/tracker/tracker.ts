// Eg-walker's tracker: what a position meant to its author, and where that is now.
//
// A concurrent operation's position counts units in a version that may never have existed here. The
// tracker finds out by replaying the window of history in which there is concurrency, from the last
// cut before it: it holds the units of that window in document order (span-tree.ts), and for each
// whether it is visible in two versions at a time:
//
//   prepare  the version in which the next operation was made. Before an operation is applied, the
//            tracker moves there: it retreats what that author did not know (insertions become "not
//            inserted yet", deletions are counted back), and advances what the author did know.
//   effect   the version of everything applied so far, which is what the text is.
//
// The position is looked up among units visible in prepare; the result is told by counting those
// present in effect. Between two moves nothing is undone in the text, only marks in the tracker
// change: an operation costs O(log n), and so does each one retreated or advanced.
//
// What was there before the window is one span of base units without a history. Its length is
// known at the beginning of all history. Elsewhere it is not, before the window's known part is
// replayed and compared with the text, and until then it is taken as endless. One unit more than
// the text has stays at the end for good: whatever is inserted last was inserted to the left of it.
//
// Reference: Gentle and Kleppmann, "Collaborative Text Editing with Eg-walker" (EuroSys 2025), §3.
// Left out: choosing an order of replay that switches branches rarely; LVs are the order, and they
// are in the order of arrival.
import type { CausalGraph } from "../../causal/causal-graph.ts";
import { Side, sameVersion } from "../../causal/difference.ts";
import { CrdtError } from "../../errors.ts";
import { Kind, type OperationLog } from "../operation-log.ts";
import { LvIndex } from "./lv-index.ts";
import { placeOf } from "./order.ts";
import { BASE, NONE, SpanTree } from "./span-tree.ts";
import type { Splices } from "./splices.ts";

const ENDLESS = 2 ** 29;
const END = 1; // The unit behind the last.

/** Replays a window of history, and keeps it until it is started anew. */
export class Tracker {
  /** The cut at which the window begins. */
  from = 0;
  /** Where it ends: the next operation to apply. */
  to = 0;
  /** The units of the window. */
  readonly tree: SpanTree = new SpanTree();

  readonly #graph: CausalGraph;
  readonly #log: OperationLog;
  // The heads of the prepare version.
  #prepare: readonly number[] = [];
  // For each operation of the window: an insertion's span, or a deletion's target.
  readonly #index: LvIndex = new LvIndex();
  #isBaseKnown = false;

  constructor(graph: CausalGraph, log: OperationLog) {
    this.#graph = graph;
    this.#log = log;
    this.spanOf = this.spanOf.bind(this);
  }

  /** Begins a window at a cut. */
  start(cut: number): void {
    this.from = cut;
    this.to = cut;
    this.#isBaseKnown = cut === 0;
    this.tree.reset((cut === 0 ? this.#log.base.length : ENDLESS) + END);
    this.#index.reset(cut);
    // Everything from a cut on knows everything before it: its parents are the version at the cut.
    this.#prepare = cut < this.#graph.length ? this.#graph.parentsOf(cut) : this.#graph.heads;
  }

  /** Says how long the sequence is now, that is, in the effect version. */
  settle(length: number): void {
    if (this.#isBaseKnown) return;
    const excess = this.tree.present - END - length;
    this.tree.shrinkBase(this.tree.findBase(ENDLESS), excess);
    this.#isBaseKnown = true;
  }

  /**
   * Applies the operations up to an LV, and writes down what they do to the sequence, if asked.
   *
   * @throws CrdtError `CRDT_CORRUPT` for a position that its author cannot have meant; the
   *   tracker is then of no further use
   */
  walk(to: number, splices?: Splices): void {
    while (this.to < to) {
      const run = this.#graph.runOf(this.to);
      const end = Math.min(to, this.#graph.runEnd(run));
      this.#moveTo(this.#graph.parentsOf(this.to));
      this.#apply(this.to, end, splices);
      this.#prepare = [end - 1];
      this.to = end;
    }
  }

  /** The span that holds a unit. */
  spanOf(id: number): number {
    return id >= BASE ? this.tree.findBase(id - BASE) : this.#index.spanOf(id);
  }

  /** The unit that a deletion of the window deleted. */
  targetOf(lv: number): number {
    const { target } = this.#index.targetOf(lv);
    return target;
  }

  #moveTo(version: readonly number[]): void {
    if (sameVersion(version, this.#prepare)) return;
    const advance: number[] = [];
    this.#graph.walkDifference(this.#prepare, version, (from, to, side) => {
      // Newest first: a deletion is taken back before the insertion of what it deleted.
      if (side === Side.Left) this.#retreat(from, to);
      else advance.push(to, from);
    });
    while (advance.length > 0) this.#advance(advance.pop()!, advance.pop()!);
  }

  #apply(from: number, to: number, splices: Splices | undefined): void {
    const log = this.#log;
    for (let run = log.runFrom(from); run < log.runs && log.lv(run) < to; run++) {
      const lv = Math.max(from, log.lv(run));
      const skipped = lv - log.lv(run);
      const count = Math.min(to - lv, log.count(run) - skipped);
      const position = log.positionWithin(run, skipped);
      if (log.kind(run) === Kind.Insert) {
        const at = this.#insert(lv, position, count);
        splices?.insert(at, count, log.content(run) + skipped);
      } else if (log.kind(run) === Kind.Delete) {
        this.#deleteForwards(lv, position, count, splices);
      } else {
        this.#deleteBackwards(lv, position, count, splices);
      }
    }
  }

  // Returns where the units are in the effect version.
  #insert(lv: number, position: number, count: number): number {
    const { tree } = this;
    if (position > tree.visible - END) throw outside(position, tree.visible - END);
    this.#index.extend(lv + count);
    let after = NONE;
    let left = NONE;
    if (position > 0) {
      after = tree.findVisible(position - 1);
      const { offset } = tree;
      left = tree.id(after) + offset;
      if (offset + 1 < tree.length(after)) this.#split(after, offset + 1);
    }
    const next = after === NONE ? tree.first() : tree.next(after);
    let until = next;
    while (tree.state(until) === 0) until = tree.next(until);
    const right = tree.left(until) === left ? tree.id(until) : NONE;
    let place = after;
    if (until !== next) {
      place = placeOf(this.#graph, this, { lv, left, right, after, until });
    } else if (after !== NONE && left === lv - 1 && right === NONE) {
      // It goes on where that span ends, as if both had been one. Nobody can have deleted the span:
      // the LVs of deletions would stand between.
      const at = tree.presentBefore(after) + tree.length(after);
      tree.extend(after, count);
      this.#index.extendSpan(lv, count, after);
      return at;
    }
    const span = tree.insert(place, lv, count, left, right);
    this.#index.setSpan(lv, count, span);
    return tree.presentBefore(span);
  }

  #deleteForwards(lv: number, position: number, count: number, splices?: Splices): void {
    const { tree } = this;
    const visible = tree.visible - END;
    if (position + count > visible) throw outside(position + count, visible);
    this.#index.extend(lv + count);
    for (let done = 0; done < count; ) {
      let span = tree.findVisible(position);
      if (tree.offset > 0) span = this.#split(span, tree.offset);
      const taken = Math.min(count - done, tree.length(span));
      if (taken < tree.length(span)) this.#split(span, taken);
      this.#index.setTarget(lv + done, taken, tree.id(span), 1);
      this.#remove(span, splices);
      done += taken;
    }
  }

  #deleteBackwards(lv: number, position: number, count: number, splices?: Splices): void {
    const { tree } = this;
    const visible = tree.visible - END;
    if (position >= visible || position < count - 1) throw outside(position, visible);
    this.#index.extend(lv + count);
    for (let done = 0; done < count; ) {
      let span = tree.findVisible(position - done);
      const taken = Math.min(count - done, tree.offset + 1);
      const first = tree.offset + 1 - taken;
      if (tree.offset + 1 < tree.length(span)) this.#split(span, tree.offset + 1);
      if (first > 0) span = this.#split(span, first);
      this.#index.setTarget(lv + done, taken, tree.id(span) + taken - 1, -1);
      this.#remove(span, splices);
      done += taken;
    }
  }

  #remove(span: number, splices: Splices | undefined): void {
    if (splices !== undefined && !this.tree.isGone(span)) {
      splices.remove(this.tree.presentBefore(span), this.tree.length(span));
    }
    this.tree.delete(span);
  }

  #retreat(from: number, to: number): void {
    const log = this.#log;
    for (let run = log.runFrom(to - 1); run >= 0; run--) {
      if (run === log.runs) continue;
      const first = Math.max(from, log.lv(run));
      const end = Math.min(to, log.lv(run) + log.count(run));
      if (end <= from) break;
      if (first >= end) continue;
      if (log.kind(run) === Kind.Insert) this.#setInserted(first, end, 0);
      else this.#addDeletions(first, end, -1);
    }
  }

  #advance(from: number, to: number): void {
    const log = this.#log;
    for (let run = log.runFrom(from); run < log.runs && log.lv(run) < to; run++) {
      const first = Math.max(from, log.lv(run));
      const end = Math.min(to, log.lv(run) + log.count(run));
      if (log.kind(run) === Kind.Insert) this.#setInserted(first, end, 1);
      else this.#addDeletions(first, end, 1);
    }
  }

  #setInserted(from: number, to: number, state: number): void {
    for (let id = from; id < to; ) {
      const span = this.#spanFrom(id, to - id);
      this.tree.setState(span, state);
      id += this.tree.length(span);
    }
  }

  #addDeletions(from: number, to: number, by: number): void {
    for (let lv = from; lv < to; ) {
      const { target, count, step } = this.#index.targetOf(lv);
      const units = Math.min(count, to - lv);
      const first = step > 0 ? target : target - units + 1;
      for (let id = first; id < first + units; ) {
        const span = this.#spanFrom(id, first + units - id);
        this.tree.setState(span, this.tree.state(span) + by);
        id += this.tree.length(span);
      }
      lv += units;
    }
  }

  // A span that begins with this unit and has at most so many: cut out, if need be.
  #spanFrom(id: number, most: number): number {
    let span = this.spanOf(id);
    const skipped = id - this.tree.id(span);
    if (skipped > 0) span = this.#split(span, skipped);
    if (this.tree.length(span) > most) this.#split(span, most);
    return span;
  }

  #split(span: number, at: number): number {
    const tail = this.tree.split(span, at);
    const id = this.tree.id(tail);
    if (id < BASE) this.#index.setSpan(id, this.tree.length(tail), tail);
    return tail;
  }
}

function outside(position: number, length: number): CrdtError {
  return new CrdtError("CRDT_CORRUPT", `position ${position} in a sequence of ${length}`);
}
