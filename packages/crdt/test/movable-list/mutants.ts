// Planted bugs, one for each trap that movable lists are known to fall into.
import type { Mutant } from "@compendium/house/planted";

const plant = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { name, file, search, replacement };
};

export const mutants: readonly Mutant[] = [
  plant(
    "movable-list/lamport.ts",
    "of equal times whatever comes last is later",
    "time === otherTime ? this.#graph.isBefore(other, lv) : time > otherTime",
    "time >= otherTime",
  ),
  plant(
    "movable-list/lamport.ts",
    "a clock learns from one of those it hears",
    "time = Math.max(time, this.#firsts",
    "time = Math.min(2 ** 30, this.#firsts",
  ),
  plant(
    "movable-list/elements.ts",
    "the last move to arrive wins",
    "if (this.#clock.isLater(lv, this.moverOf(element))) {",
    "if (element >= 0) {",
  ),
  plant(
    "movable-list/elements.ts",
    "the last value to arrive wins",
    "if (!this.#clock.isLater(lv, this.writerOf(element))) return;",
    "",
  ),
  plant(
    "movable-list/elements.ts",
    "moving an element brings it back",
    "    this.#elements.push(element);\n    this.#makers.push(lv);\n  }\n\n  #set",
    "    this.#elements.push(element);\n    this.#makers.push(lv);\n    this.#deletions.data[element] = 0;\n  }\n\n  #set",
  ),
  plant(
    "movable-list/elements.ts",
    "two who have deleted an element count as one",
    "this.#deletions.data[this.subjectOf(lv)]!++;",
    "this.#deletions.data[this.subjectOf(lv)] = 1;",
  ),
  plant(
    "movable-list/elements.ts",
    "a deletion that is taken back twice takes another with it",
    "if (this.#restored.has(deletion)) return;",
    "",
  ),
  plant(
    "movable-list/replica.ts",
    "a place goes on showing what has left it",
    "if (wasShown) places.show(before.place, false);",
    "",
  ),
  plant(
    "movable-list/replica.ts",
    "what was refused stays among the steps",
    "      steps.truncate(first);\n",
    "",
  ),
  plant(
    "movable-list/replica.ts",
    "what waits is not looked at again",
    "if (this.#pending.count > 0) this.#mergeReady();",
    "",
  ),
  plant(
    "movable-list/intake.ts",
    "what is known already is added again",
    "if (seq < seen[number]!) continue;",
    "",
  ),
  plant(
    "movable-list/intake.ts",
    "anybody may take back a deletion",
    "const isOwn = what !== What.Restore || target.agent === agent;",
    "const isOwn = true;",
  ),
  plant(
    "movable-list/intake.ts",
    "what a step is about is taken to be known",
    "if (target.seq >= end) missing ??= target;",
    "",
  ),
  plant(
    "movable-list/intake.ts",
    "whatever has a name is an element",
    "if (isKnown && isOwn && steps.whatAt(lv) === wanted) return lv;",
    "if (isKnown && isOwn) return lv;",
  ),
  plant(
    "movable-list/steps.ts",
    "what is forgotten leaves its targets behind",
    "this.#targets.length = this.#targetStarts.data[row]! + (hasTarget(what) ? kept : 0);",
    "",
  ),
  plant(
    "movable-list/place-tree.ts",
    "what moves to another node is counted in both",
    "this.#addSums(node, -places, -shown);",
    "",
  ),
  plant(
    "movable-list/movable-list.ts",
    "moving to the right forgets that the element leaves a gap",
    "to > from ? to + 1 : to",
    "to",
  ),
  plant(
    "movable-list/movable-list.ts",
    "an index among what is shown is taken for one among all places",
    "places.indexOf(places.atShown(index - 1)) + 1",
    "index",
  ),
  plant(
    "document/movable-list-undo.ts",
    "undoing takes back what another has done since",
    "return now.agent === asked.agent && now.seq === asked.seq;",
    "return true;",
  ),
  plant(
    "document/movable-list-undo.ts",
    "what was undone does not stand for what was before",
    "if (older === undefined) break;",
    "if (older !== undefined || older === undefined) break;",
  ),
  plant(
    "document/movable-list-undo.ts",
    "undoing an insertion deletes what another has written",
    "return this.#origin(replica, writer).agent === replica.agent;",
    "return writer !== undefined;",
  ),
];
