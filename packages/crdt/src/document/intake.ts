// Taking in an update on which nothing is missing: all of it, or nothing.
//
// Values and trees are checked before anything is changed, and then cannot fail. A sequence finds
// out only by replaying whether a position can be meant, so sequences go first; when one of them
// fails, those before it, and it, go back to what was agreed. An update also says how many
// operations each container has afterwards. One that makes more or fewer is refused: otherwise an
// honest change could come to be passed over as known, and replicas would differ for ever.
import { CausalGraph } from "../causal/causal-graph.ts";
import { Side } from "../causal/difference.ts";
import { CrdtError } from "../errors.ts";
import { addRuns, missingFor } from "../sequence/update.ts";
import { Counts, type Row } from "./counts.ts";
import { SequenceSlot } from "./sequence-slot.ts";
import type { Conflict, Prepared, Slot } from "./slot.ts";
import type { Part, Read } from "./update.ts";

type NewRows = readonly (readonly [agent: string, row: Row])[];

/** Applies the changes of an update that are not known yet. Returns what they conflict with. */
export function takeIn(graph: CausalGraph, agent: string, read: Read): Conflict[] {
  const first = graph.length;
  const before = graph.vector();
  const begun: Slot[] = [];
  const conflicts: Conflict[] = [];
  const news = newRows(read, before);
  graph.mark();
  try {
    // Now: containers read runs of their own, and there is one set of columns for all.
    addRuns(graph, read.runs);
    if (graph.length === first) return [];
    const isConcurrent = (seq: number): boolean => {
      const lv = graph.lvOf(graph.findAgent(agent), seq);
      return lv >= 0 && isMissedByOneOf(graph, lv, first);
    };
    const steps = inOrder(read.parts).map((part) => {
      return [part.slot, prepare(part, news.get(part.slot)!)] as const;
    });
    for (const [slot, step] of steps) {
      begun.push(slot);
      conflicts.push(...step.apply(isConcurrent));
    }
  } catch (error) {
    graph.rollBack();
    for (const slot of begun) slot.rollBack();
    throw error;
  }
  graph.keep();
  push(news);
  return conflicts;
}

/** The changes of a whole document. */
export function graphOf({ base, runs }: Read): CausalGraph {
  const graph = new CausalGraph(base);
  if (missingFor(graph, runs) !== undefined) {
    throw new CrdtError("CRDT_CORRUPT", "a document without its beginning");
  }
  addRuns(graph, runs);
  return graph;
}

/** Fills the containers of an empty document. */
export function loadAll(read: Read): void {
  push(newRows(read));
  for (const { slot, bytes } of read.parts) slot.load(bytes);
}

/**
 * Takes a whole document in place of what is here, all of which it has. It lacks what was compacted
 * away there, so nothing that is here is needed to go on, and nothing of it can be undone.
 */
export function takeInstead(read: Read): Conflict[] {
  const begun: Slot[] = [];
  const conflicts: Conflict[] = [];
  const rows = newRows(read);
  try {
    const steps = inOrder(read.parts).map(({ slot, bytes }) => {
      const counts = new Counts();
      for (const [agent, row] of rows.get(slot)!) counts.push(agent, row);
      return [slot, slot.prepareWhole(bytes, counts.vector())] as const;
    });
    // Sequences are checked to the end beforehand, and cannot go back to what they were.
    for (const [slot, step] of steps.reverse()) {
      begun.push(slot);
      conflicts.push(...step.apply(() => false));
    }
  } catch (error) {
    for (const slot of begun) slot.rollBack();
    throw error;
  }
  for (const slot of rows.keys()) slot.counts.clear();
  push(rows);
  return conflicts;
}

// What can fail after it was checked comes first.
function inOrder(parts: readonly Part[]): Part[] {
  const isSequence = ({ slot }: Part): boolean => slot instanceof SequenceSlot;
  return [...parts.filter(isSequence), ...parts.filter((part) => !isSequence(part))];
}

function push(news: ReadonlyMap<Slot, NewRows>): void {
  for (const [slot, rows] of news) for (const [agent, row] of rows) slot.counts.push(agent, row);
}

// The rows of changes that are new here; without `known`, all.
function newRows({ parts }: Read, known?: ReadonlyMap<string, number>): Map<Slot, NewRows> {
  const news = new Map<Slot, NewRows>();
  for (const { slot, rows } of parts) {
    const fresh: [string, Row][] = [];
    for (const [agent, all] of rows) {
      const count = known === undefined ? 0 : slot.counts.of(agent);
      let last = { seq: (known?.get(agent) ?? 0) - 1, count };
      for (const row of all) {
        if (row.seq <= last.seq) continue;
        if (row.count < last.count) {
          throw new CrdtError("CRDT_CORRUPT", `${agent} takes operations of ${slot.name} back`);
        }
        fresh.push([agent, row]);
        last = row;
      }
    }
    news.set(slot, fresh);
  }
  return news;
}

function prepare({ slot, bytes }: Part, rows: NewRows): Prepared {
  const after = slot.counts.vector();
  for (const [agent, { count }] of rows) if (count > 0) after.set(agent, count);
  return slot.prepare(bytes, after);
}

// Whether one of the changes from an LV on was made without knowing of a change.
function isMissedByOneOf(graph: CausalGraph, change: number, first: number): boolean {
  for (let lv = first; lv < graph.length; lv = graph.runEnd(graph.runOf(lv))) {
    let isMissed = false;
    graph.walkDifference([change], [lv], (_, to, side) => {
      isMissed ||= side === Side.Left && to === change + 1;
    });
    if (isMissed) return true;
  }
  return false;
}
