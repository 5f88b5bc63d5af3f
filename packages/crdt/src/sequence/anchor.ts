// Places that survive edits. An index means another place as soon as somebody types before it; an
// anchor names the unit that stands there, by the operation that inserted it, and the side of it.
//
// A sequence at rest remembers no names, so both ways lead through history. Where a unit is now:
// a tracker replays what happened since the last cut before its insertion, and is asked. Which
// unit stands at a place: a tracker replays the last few operations, and if the unit there is
// older than these, eight times as many, until it is not. Either costs about the operations since
// the insertion, and memory only while it lasts: nothing for a cursor that moves about what was
// just typed, and some milliseconds for a bookmark in the oldest part of a long history. Units that
// a compacted history begins with have kept their names; those that were gone by then have not.
import type { OperationId } from "../causal/base.ts";
import type { CausalGraph } from "../causal/causal-graph.ts";
import type { OperationLog } from "./operation-log.ts";
import { BASE } from "./tracker/span-tree.ts";
import { Tracker } from "./tracker/tracker.ts";

/** A place in a sequence: a side of a unit, or one of the ends. */
export type Anchor =
  | (OperationId & { readonly side: "before" | "after" })
  | { readonly end: "start" | "end" };

const FIRST_LOOK = 64;
const FURTHER = 8;

/** The operation that inserted the unit at a position; `length` is the sequence's. */
export function unitAt(
  graph: CausalGraph,
  log: OperationLog,
  length: number,
  position: number,
): OperationId {
  const tracker = new Tracker(graph, log);
  for (let back = FIRST_LOOK; ; back *= FURTHER) {
    const cut = graph.cuts.atMost(Math.max(0, graph.length - back));
    lead(tracker, cut, graph.length, length);
    const span = tracker.tree.findPresent(position);
    const id = tracker.tree.id(span) + tracker.tree.offset;
    if (id < BASE) {
      const run = graph.runOf(id);
      return { agent: graph.agents[graph.runAgent(run)]!, seq: graph.seqOf(id) };
    }
    if (cut === 0) return log.base.at(id - BASE);
  }
}

/**
 * Where the unit is that an operation inserted: its index, or, if it was deleted, that of what
 * stands behind it now. `undefined` for an operation that is not known, or inserted nothing, or
 * what was gone when history was compacted.
 */
export function positionOfUnit(
  graph: CausalGraph,
  log: OperationLog,
  length: number,
  unit: OperationId,
): { readonly position: number; readonly isGone: boolean } | undefined {
  const { agent, seq } = unit;
  // Anchors come from others, as cursors do: half an operation would be looked for without end.
  if (!(Number.isSafeInteger(seq) && seq >= 0 && seq < graph.known(agent))) return undefined;
  const lv = graph.lvOf(graph.findAgent(agent), seq);
  const inBase = lv < 0 ? log.base.indexOf(unit) : -1;
  if (inBase < 0 && !log.isInsertion(lv)) return undefined;
  const tracker = new Tracker(graph, log);
  lead(tracker, graph.cuts.atMost(Math.max(0, lv)), graph.length, length);
  const { tree } = tracker;
  const id = lv < 0 ? BASE + inBase : lv;
  const span = tracker.spanOf(id);
  const isGone = tree.isGone(span);
  const before = tree.presentBefore(span);
  return { position: isGone ? before : before + id - tree.id(span), isGone };
}

function lead(tracker: Tracker, cut: number, to: number, length: number): void {
  tracker.start(cut);
  tracker.walk(to);
  tracker.settle(length);
}
