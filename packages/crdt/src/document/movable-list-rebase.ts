// What some authors did in one movable list, done again in another that lacks it and will never take
// it, because the document around it was compacted meanwhile. Elements that both have are the same
// ones; so what is done again is what can still be seen of it:
//
//   inserted  elements that the other does not know are inserted behind the same neighbour
//   moved     an element whose last move the other does not know is moved behind the same neighbour
//   set       one whose value it does not know is set
//   deleted   one that it still shows is deleted
import type { MovableReplica } from "../movable-list/replica.ts";
import { What } from "../movable-list/steps.ts";

/** Does again in `onto` what the authors have done in `from`. */
export function rebaseMovableList(
  from: MovableReplica,
  onto: MovableReplica,
  authors: ReadonlySet<string>,
): void {
  const known = new Map(onto.graph.vector());
  // Whether a step is theirs, and new to the other list.
  const isNew = (lv: number): boolean => {
    const { agent, seq } = from.nameOf(lv);
    return authors.has(agent) && seq >= (known.get(agent) ?? 0);
  };
  deleteAgain(from, onto, isNew);
  let place = 0; // Behind the last element that both have.
  for (const each of [...from.places]) {
    const mine = from.elements.at(each);
    const theirs = counterpart(from, onto, mine);
    if (theirs === undefined) {
      if (!isNew(from.elements.insertionOf(mine))) continue;
      onto.insert(place, [from.elements.valueOf(mine)]);
      place++;
      continue;
    }
    if (!onto.elements.isAlive(theirs)) continue;
    if (isNew(from.elements.moverOf(mine))) onto.move(theirs, place);
    if (isNew(from.elements.writerOf(mine))) onto.set(theirs, from.elements.valueOf(mine));
    place = onto.places.indexOf(onto.elements.placeOf(theirs)) + 1;
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
