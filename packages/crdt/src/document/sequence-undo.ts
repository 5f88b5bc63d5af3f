// Undoing what a change did to a sequence. Positions will not do, since others have edited
// meanwhile; but every unit has a name, the operation that inserted it, and the tracker knows for
// each operation of its window the unit that it inserted or deleted, and where that unit is now.
//
//   inserted  what is still there of it is deleted, and nothing else: what others typed in between
//             stays
//   deleted   it is inserted anew where its tombstone stands, as new operations, unless a deletion
//             by somebody else has the same target
//
// A unit that is inserted anew has another name than the one it stands for. Undoing the insertion
// of the first must find the second, so the copies of the own units are remembered, up to a bound;
// beyond it, such an undo leaves the copy alone.
//
// Costs about the operations since the oldest unit that the change touched, and only when asked.
import type { CausalGraph } from "../causal/causal-graph.ts";
import type { OperationLog } from "../sequence/operation-log.ts";
import { BASE } from "../sequence/tracker/span-tree.ts";
import { Tracker } from "../sequence/tracker/tracker.ts";
import { Recent } from "./recent.ts";

const FIRST_LOOK = 64;
const FURTHER = 8;

/** Units that were inserted anew: from the name of the old one to the number of the new. */
export class Copies {
  readonly #copies: Recent<string, number> = new Recent();

  /** Notes that `seq` of the own agent is a copy of a unit. */
  add(agent: string, original: number, seq: number): void {
    this.#copies.set(`${original}@${agent}`, seq);
  }

  /** The number of the copy of a unit; undefined for none. */
  of(agent: string, seq: number): number | undefined {
    return this.#copies.get(`${seq}@${agent}`);
  }
}

/** One step back, at a position of the sequence as it is. */
export interface Step {
  readonly position: number;
  /** Where in the column what is to be inserted stands; undefined to delete instead. */
  readonly content: number | undefined;
  /** How many units. */
  count: number;
  /** The names of the first unit that is inserted anew: the others follow in the log. */
  readonly unit: number;
}

/** What one replica knows. */
export interface Known {
  readonly graph: CausalGraph;
  readonly log: OperationLog;
  readonly length: number;
  readonly copies: Copies;
}

/**
 * The steps that undo operations [from, to) of an agent, from the last position to the first, so
 * that none moves another.
 */
export function stepsBack(known: Known, agent: string, from: number, to: number): Step[] {
  const { graph, log } = known;
  const number = graph.findAgent(agent);
  const lvs = Array.from({ length: to - from }, (_, i) => graph.lvOf(number, from + i));
  const tracker = trackerFor(known, lvs);
  const others = deletedByOthers(known, tracker, lvs);
  const steps: Step[] = [];
  for (const lv of lvs) {
    if (log.isInsertion(lv)) {
      const unit = lastCopy(known, agent, lv);
      const span = tracker.spanOf(unit);
      if (tracker.tree.isGone(span)) continue;
      const position = tracker.tree.presentBefore(span) + unit - tracker.tree.id(span);
      steps.push({ position, content: undefined, count: 1, unit });
    } else {
      const unit = tracker.targetOf(lv);
      // What came and went in one change was not there before it.
      if (others.has(unit) || (unit >= lvs[0]! && unit <= lv)) continue;
      const position = tracker.tree.presentBefore(tracker.spanOf(unit));
      steps.push({ position, content: contentOf(log, unit), count: 1, unit });
    }
  }
  return joined(steps.sort((a, b) => compare(tracker, a, b))).reverse();
}

// A window in which every unit that these operations touched has its name.
function trackerFor({ graph, log, length }: Known, lvs: readonly number[]): Tracker {
  const tracker = new Tracker(graph, log);
  const first = lvs[0]!;
  for (let back = 0; ; back = Math.max(FIRST_LOOK, back * FURTHER)) {
    const cut = graph.cuts.atMost(Math.max(0, first - back));
    tracker.start(cut);
    tracker.walk(graph.length);
    tracker.settle(length);
    // The units of the base have their numbers, and that is as good.
    if (cut === 0) return tracker;
    if (lvs.every((lv) => log.isInsertion(lv) || tracker.targetOf(lv) < BASE)) return tracker;
  }
}

// Of the units that these operations deleted, those that others deleted too.
function deletedByOthers(
  { graph, log }: Known,
  tracker: Tracker,
  lvs: readonly number[],
): Set<number> {
  const own = new Set(lvs);
  const targets = new Set(
    lvs.filter((lv) => !log.isInsertion(lv)).map((lv) => tracker.targetOf(lv)),
  );
  const others = new Set<number>();
  if (targets.size === 0) return others;
  for (let lv = tracker.from; lv < graph.length; lv++) {
    if (log.isInsertion(lv) || own.has(lv)) continue;
    const target = tracker.targetOf(lv);
    if (targets.has(target)) others.add(target);
  }
  return others;
}

function lastCopy({ graph, copies }: Known, agent: string, lv: number): number {
  const number = graph.findAgent(agent);
  let unit = lv;
  for (;;) {
    const copy = copies.of(agent, graph.seqOf(unit));
    if (copy === undefined) return unit;
    unit = graph.lvOf(number, copy);
  }
}

function contentOf(log: OperationLog, unit: number): number {
  if (unit >= BASE) return unit - BASE;
  const run = log.runFrom(unit);
  return log.content(run) + unit - log.lv(run);
}

function compare(tracker: Tracker, a: Step, b: Step): number {
  if (a.position !== b.position) return a.position - b.position;
  const [left, right] = [tracker.spanOf(a.unit), tracker.spanOf(b.unit)];
  if (left === right) return a.unit - b.unit;
  return tracker.tree.isBefore(left, right) ? -1 : 1;
}

// Neighbours that can be one step: the fewer, the shorter the log.
function joined(steps: readonly Step[]): Step[] {
  const all: Step[] = [];
  for (const step of steps) {
    const last = all.at(-1);
    const isSameKind =
      last !== undefined && (last.content === undefined) === (step.content === undefined);
    const isNext =
      isSameKind &&
      (step.content === undefined
        ? last.position + last.count === step.position
        : last.position === step.position &&
          last.content! + last.count === step.content &&
          last.unit + last.count === step.unit);
    if (isNext) last.count++;
    else all.push({ ...step });
  }
  return all;
}
