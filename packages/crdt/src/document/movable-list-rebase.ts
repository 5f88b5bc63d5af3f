// What some authors did in one movable list, done again in another that lacks it and will never
// take it, because the document around it was compacted meanwhile. Elements and places that both
// have are the same ones; so what is done again is what can still be seen of it:
//
//   inserted  elements that the other does not know are inserted behind the same place
//   moved     an element whose last move the other does not know is moved behind the same place
//   set       one whose last value the other does not know is set
//   deleted   one that the other still shows is deleted
import type { MovableReplica } from "../movable-list/replica.ts";
import { What } from "../movable-list/steps.ts";

/** The list that has what is to be done again, the one that lacks it, and who has done it. */
export interface Rebase {
  readonly from: MovableReplica;
  readonly onto: MovableReplica;
  readonly authors: ReadonlySet<string>;
  /** Told of the step that a move or a set is about to replace. */
  note(replaced: number): void;
}

/** Does again in one list what authors have done in another. */
export function rebaseMovableList({ from, onto, authors, note }: Rebase): void {
  const known = new Map(onto.graph.vector());
  // Whether a step is theirs, and new to the other list.
  const isNew = (lv: number): boolean => {
    const { agent, seq } = from.nameOf(lv);
    return authors.has(agent) && seq >= (known.get(agent) ?? 0);
  };
  placeAgain({ from, onto, note }, isNew);
  for (const place of from.places) {
    const mine = from.elements.at(place);
    const theirs = counterpart(from, onto, mine);
    if (theirs === undefined || !onto.elements.isAlive(theirs)) continue;
    if (!isNew(from.elements.writerOf(mine))) continue;
    note(onto.elements.writerOf(theirs));
    onto.set(theirs, from.elements.valueOf(mine));
  }
  deleteAgain(from, onto, isNew);
}

function placeAgain(
  { from, onto, note }: Omit<Rebase, "authors">,
  isNew: (lv: number) => boolean,
): void {
  let index = 0; // Behind the last place that both have, and what was put there again.
  for (const place of from.places.all()) {
    const maker = from.elements.makerOf(place);
    const lv = onto.find(from.nameOf(maker));
    if (lv >= 0) {
      index = onto.places.indexOf(onto.elements.placeBy(lv)) + 1;
    } else if (from.places.isShown(place) && isNew(maker)) {
      const mine = from.elements.at(place);
      const theirs = counterpart(from, onto, mine);
      if (theirs !== undefined && onto.elements.isAlive(theirs)) {
        note(onto.elements.moverOf(theirs));
        onto.move(theirs, index++);
      } else if (theirs === undefined && isNew(from.elements.insertionOf(mine))) {
        onto.insert(index++, [from.elements.valueOf(mine)]);
      }
    }
  }
}

function deleteAgain(
  from: MovableReplica,
  onto: MovableReplica,
  isNew: (lv: number) => boolean,
): void {
  for (let lv = 0; lv < from.steps.length; lv++) {
    if (from.steps.whatAt(lv) !== What.Delete || !isNew(lv)) continue;
    if (from.elements.isRestored(lv)) continue;
    const theirs = counterpart(from, onto, from.elements.subjectOf(lv));
    if (theirs !== undefined && onto.elements.isAlive(theirs)) onto.delete(theirs);
  }
}

// The same element in the other list; undefined for one that it does not know.
function counterpart(
  from: MovableReplica,
  onto: MovableReplica,
  element: number,
): number | undefined {
  const lv = onto.find(from.nameOf(from.elements.insertionOf(element)));
  return lv < 0 ? undefined : onto.elements.madeBy(lv);
}
