// What a sequence was made of at some point of its history: which unit of the column stands where,
// and which operation inserted it. A sequence at rest knows neither; a tracker that replays all of
// the history does, so this costs about that.

import { BASE, NONE } from "./tracker/span-tree.ts";
import { Tracker } from "./tracker/tracker.ts";
import type { UnitNames } from "./unit-names.ts";
import type { History } from "./update.ts";

/** Units side by side in the sequence, in the column, and in the count of their agent. */
export interface PresentRun {
  readonly content: number;
  readonly count: number;
  readonly agent: string;
  readonly seq: number;
}

/** Shows, from left to right, the units of the sequence that the operations below an LV make. */
export function forEachPresent(
  { graph, log }: Pick<History, "graph" | "log">,
  to: number,
  visit: (run: PresentRun) => void,
): void {
  const tracker = new Tracker(graph, log);
  tracker.start(0);
  tracker.walk(to);
  const { tree } = tracker;
  // The last span ends with the unit behind the last.
  for (let left = tree.present - 1, span = tree.first(); span !== NONE; span = tree.next(span)) {
    if (tree.isGone(span)) continue;
    const id = tree.id(span);
    const count = Math.min(left, tree.length(span));
    left -= count;
    if (id >= BASE) showBase(log.base, id - BASE, count, visit);
    else showWindow({ graph, log }, id, count, visit);
  }
}

function showBase(
  names: UnitNames,
  from: number,
  length: number,
  visit: (run: PresentRun) => void,
): void {
  let content = from;
  if (length === 0) return;
  names.forEach(from, length, (agent, seq, count) => {
    visit({ content, count, agent, seq });
    content += count;
  });
}

// A span is consecutive LVs, but may be several runs of the log, and of the graph.
function showWindow(
  { graph, log }: Pick<History, "graph" | "log">,
  lv: number,
  length: number,
  visit: (run: PresentRun) => void,
): void {
  for (const end = lv + length; lv < end; ) {
    const operations = log.runFrom(lv);
    const run = graph.runOf(lv);
    const skipped = lv - log.lv(operations);
    const count = Math.min(end, graph.runEnd(run), log.lv(operations) + log.count(operations)) - lv;
    visit({
      content: log.content(operations) + skipped,
      count,
      agent: graph.agents[graph.runAgent(run)]!,
      seq: graph.seqOf(lv),
    });
    lv += count;
  }
}
