// Undoing what a change did to a movable list. An element keeps its name, so there is nothing to be
// looked for; what is asked is whether the own step is still what counts.
//
//   inserted  deleted, unless somebody else has set it since: what it says is his
//   moved     moved back beside its old place, which is still there, unless somebody else has moved
//             it
//   set       set back, unless somebody else has set it
//   deleted   the deletion is taken back, and with it no other: what another has deleted too stays
//             deleted, and who else takes his back as well finds the one element, not a second
//   restored  deleted again
//
// A step that undoes makes things what they were after an older step, and stands for it: whoever
// undoes the older one next must find it in force. Names are remembered, not LVs, because a change
// that fails has the list made anew; what it has noted is noted again when its numbers are used.
import type { MovableReplica } from "../movable-list/replica.ts";
import { type StepId, What } from "../movable-list/steps.ts";
import { Recent } from "./recent.ts";

/** What is remembered of own steps, by their sequence numbers. */
export class MovableListUndo {
  /** Of a move or a set, the step that counted before it. */
  readonly #before: Map<number, StepId> = new Map();
  /** Of a step that has undone another, the one that it stands for. The oldest are forgotten. */
  readonly #standsFor: Recent<number, StepId> = new Recent();

  /** Remembers what the next own step will replace: of a move the mover, of a set the writer. */
  note(replica: MovableReplica, replaced: number): void {
    this.#before.set(nextOf(replica), replica.nameOf(replaced));
  }

  /** Undoes the own steps [from, to), the last one first. */
  undo(replica: MovableReplica, from: number, to: number): void {
    const { elements, steps } = replica;
    for (let seq = to - 1; seq >= from; seq--) {
      const lv = replica.find({ agent: replica.agent, seq });
      const what = steps.whatAt(lv);
      if (what === What.Delete) {
        if (!elements.isRestored(lv)) replica.restore(lv);
        continue;
      }
      const element = what === What.Insert ? elements.madeBy(lv) : elements.subjectOf(lv);
      if (!elements.isAlive(element)) continue;
      if (what === What.Restore || (what === What.Insert && this.#isOwn(replica, element))) {
        replica.delete(element);
      } else if (what === What.Move) {
        this.#moveBack(replica, element, seq);
      } else if (what === What.Set) {
        this.#setBack(replica, element, seq);
      }
    }
  }

  /** Says that the steps [from, to) will not be undone. */
  forget(from: number, to: number): void {
    for (let seq = from; seq < to; seq++) this.#before.delete(seq);
  }

  #moveBack(replica: MovableReplica, element: number, seq: number): void {
    const { elements, places } = replica;
    const before = this.#before.get(seq);
    const mover = elements.moverOf(element);
    if (before === undefined || !this.#counts(replica, mover, seq)) return;
    this.note(replica, mover);
    this.#standsFor.set(nextOf(replica), before);
    const old = elements.placeBy(replica.find(before));
    replica.move(element, places.indexOf(old) + 1);
  }

  #setBack(replica: MovableReplica, element: number, seq: number): void {
    const { elements, steps } = replica;
    const before = this.#before.get(seq);
    const writer = elements.writerOf(element);
    if (before === undefined || !this.#counts(replica, writer, seq)) return;
    const value = steps.valueAt(replica.find(before));
    if (Object.is(value, elements.valueOf(element))) {
      this.#standsFor.set(replica.nameOf(writer).seq, before);
      return;
    }
    this.note(replica, writer);
    this.#standsFor.set(nextOf(replica), before);
    replica.set(element, value);
  }

  // Whether what is in force is the own step of this number, or stands for it.
  #counts(replica: MovableReplica, inForce: number, seq: number): boolean {
    const now = this.#origin(replica, replica.nameOf(inForce));
    const asked = this.#origin(replica, { agent: replica.agent, seq });
    return now.agent === asked.agent && now.seq === asked.seq;
  }

  #isOwn(replica: MovableReplica, element: number): boolean {
    const writer = replica.nameOf(replica.elements.writerOf(element));
    return this.#origin(replica, writer).agent === replica.agent;
  }

  #origin(replica: MovableReplica, id: StepId): StepId {
    let origin = id;
    while (origin.agent === replica.agent) {
      const older = this.#standsFor.get(origin.seq);
      if (older === undefined) break;
      origin = older;
    }
    return origin;
  }
}

// The number that the next own step will have.
function nextOf({ agent, graph }: MovableReplica): number {
  return graph.known(agent);
}
