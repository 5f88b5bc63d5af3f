// Steps that were read, on their way into what a list has been through. What is known already is
// passed over, so an update may come twice, or overlap with another; one that depends on what is
// not known waits, whole.
import type { CausalGraph } from "../causal/causal-graph.ts";
import { CrdtError } from "../errors.ts";
import type { Scalar } from "../lattice/scalar.ts";
import { addRuns, missingFor } from "../sequence/update.ts";
import { hasPlace, hasTarget, hasValue, type StepId, What } from "./steps.ts";
import type { History, Update } from "./update.ts";

/** No operation. */
export const NOTHING = -1;

// One step of an update that is not known yet.
interface NewStep {
  readonly agent: string;
  readonly what: number;
  readonly position: number;
  readonly target: StepId | undefined;
  readonly value: Scalar;
}

/** The operation of a name; NOTHING if it is not known. */
export function find(graph: CausalGraph, { agent, seq }: StepId): number {
  if (!(Number.isSafeInteger(seq) && seq >= 0 && seq < graph.known(agent))) return NOTHING;
  return graph.lvOf(graph.findAgent(agent), seq);
}

/**
 * The first operation that an update depends on and does not bring; `undefined` for none.
 *
 * A target is an ancestor, unless somebody breaks the rules; then it is waited for all the same, so
 * that it makes no difference who hears of what first.
 */
export function missingIn(graph: CausalGraph, update: Update): StepId | undefined {
  let missing = missingFor(graph, update.runs);
  if (missing !== undefined || update.targets.length === 0) return missing;
  const { agents, agentOf, seqs, counts } = update.runs;
  const ends = new Map(agents.map((agent) => [agent, graph.known(agent)]));
  for (let run = 0; run < update.runs.length; run++) {
    const agent = agents[agentOf.data[run]!]!;
    ends.set(agent, Math.max(ends.get(agent)!, seqs.data[run]! + counts.data[run]!));
  }
  forEachNew(graph, update, ({ target }) => {
    if (target === undefined) return;
    const end = ends.get(target.agent) ?? graph.known(target.agent);
    if (target.seq >= end) missing ??= target;
  });
  return missing;
}

/**
 * Adds what is not known of an update in which nothing is missing.
 *
 * @throws CrdtError `CRDT_CORRUPT` for a step that cannot be about its target; the caller undoes
 *   what was added before
 */
export function addUpdate(history: History, update: Update): void {
  const { graph, log, steps } = history;
  const added: NewStep[] = [];
  forEachNew(graph, update, (step) => added.push(step));
  addRuns(graph, update.runs);
  for (const { agent, what, position, target, value } of added) {
    const at = target === undefined ? NOTHING : checkTarget(history, what, agent, target);
    if (hasPlace(what)) log.insert(steps.length, position, 1);
    steps.push(what, at, value);
  }
}

// Elements are named by their insertions. Only whoever has deleted something takes it back, or else
// undoing would bring back what another has deleted.
function checkTarget(
  { graph, steps }: History,
  what: number,
  agent: string,
  target: StepId,
): number {
  const lv = find(graph, target);
  const isKnown = lv !== NOTHING && lv < steps.length;
  const wanted = what === What.Restore ? What.Delete : What.Insert;
  const isOwn = what !== What.Restore || target.agent === agent;
  if (isKnown && isOwn && steps.whatAt(lv) === wanted) return lv;
  const name = `${target.agent}:${target.seq}`;
  throw new CrdtError("CRDT_CORRUPT", `a step of ${agent} about ${name}, which is not for it`);
}

// Shows the steps of an update that are not known; nothing may be missing between.
function forEachNew(graph: CausalGraph, update: Update, visit: (step: NewStep) => void): void {
  const { runs, whats, counts, positions, targets, values } = update;
  const seen = runs.agents.map((agent) => graph.known(agent));
  let row = 0;
  let within = 0;
  let target = 0;
  let value = 0;
  for (let run = 0; run < runs.length; run++) {
    const number = runs.agentOf.data[run]!;
    const agent = runs.agents[number]!;
    const first = runs.seqs.data[run]!;
    const end = first + runs.counts.data[run]!;
    for (let seq = first; seq < end; seq++) {
      while (within === counts.data[row]!) {
        row++;
        within = 0;
      }
      const what = whats.data[row]!;
      const position = positions.data[row]! + within++;
      const itsTarget = hasTarget(what) ? targets[target++] : undefined;
      const itsValue = hasValue(what) ? values[value++]! : null;
      if (seq < seen[number]!) continue;
      visit({ agent, what, position, target: itsTarget, value: itsValue });
    }
    seen[number] = Math.max(seen[number]!, end);
  }
}
