// The elements of a movable list: what each is, and where. An element has two registers in which
// the last writer wins, one for its place and one for its value, and a count of the deletions that
// nobody has taken back. A place shows an element while the register names it and the count is 0.
//
// Elements and places are small numbers, given in the order in which this replica learned of them;
// so a column of LVs finds the element that an insertion has made.
import { IntColumn } from "../causal/int-column.ts";
import type { Scalar } from "../lattice/scalar.ts";
import type { LamportClock } from "./lamport.ts";
import { type Steps, What } from "./steps.ts";

/** Where an element is shown, and with which value. */
export interface Sight {
  /** The place that the register names. */
  readonly place: number;
  readonly isShown: boolean;
  readonly value: Scalar;
}

/** Elements and their registers. */
export class Elements {
  readonly #steps: Steps;
  readonly #clock: LamportClock;
  // By place: its element, and the step that has put it.
  readonly #elements: IntColumn = new IntColumn();
  readonly #makers: IntColumn = new IntColumn();
  // By element: the insertion, the place, the value, the step that has written the value, and how
  // many deletions are in force.
  readonly #insertions: IntColumn = new IntColumn();
  readonly #places: IntColumn = new IntColumn();
  readonly #values: Scalar[] = [];
  readonly #writers: IntColumn = new IntColumn();
  readonly #deletions: IntColumn = new IntColumn();
  /** The deletions that were taken back. */
  readonly #restored: Set<number> = new Set();

  constructor(steps: Steps, clock: LamportClock) {
    this.#steps = steps;
    this.#clock = clock;
  }

  /** How many elements there have been. */
  get count(): number {
    return this.#insertions.length;
  }

  /** The bytes that it holds on to, about. */
  get bytes(): number {
    const places = [this.#elements, this.#makers];
    const columns = [...places, this.#insertions, this.#places, this.#writers, this.#deletions];
    const values = 8 * (this.#values.length + 4 * this.#restored.size);
    return columns.reduce((sum, column) => sum + column.bytes, values);
  }

  /** The element that an insertion has made. */
  madeBy(insertion: number): number {
    return this.#insertions.floor(insertion);
  }

  /** The element that stands at a place, or stood there. */
  at(place: number): number {
    return this.#elements.data[place]!;
  }

  /** The place that a step has put. */
  placeBy(lv: number): number {
    return this.#makers.floor(lv);
  }

  /** The step that has put a place. */
  makerOf(place: number): number {
    return this.#makers.data[place]!;
  }

  /** The insertion of an element. */
  insertionOf(element: number): number {
    return this.#insertions.data[element]!;
  }

  /** Where an element is, shown or not. */
  placeOf(element: number): number {
    return this.#places.data[element]!;
  }

  /** The step that has put an element where it is. */
  moverOf(element: number): number {
    return this.#makers.data[this.placeOf(element)]!;
  }

  /** The value of an element. */
  valueOf(element: number): Scalar {
    return this.#values[element]!;
  }

  /** The step that has given an element its value. */
  writerOf(element: number): number {
    return this.#writers.data[element]!;
  }

  /** Whether no deletion of an element is in force. */
  isAlive(element: number): boolean {
    return this.#deletions.data[element] === 0;
  }

  /** Whether a deletion was taken back. */
  isRestored(deletion: number): boolean {
    return this.#restored.has(deletion);
  }

  /** What is to be seen of an element. */
  sightOf(element: number): Sight {
    const [place, value] = [this.placeOf(element), this.valueOf(element)];
    return { place, isShown: this.isAlive(element), value };
  }

  /** The element that a step is about; -1 for an insertion, which is about none that there was. */
  subjectOf(lv: number): number {
    const what = this.#steps.whatAt(lv);
    if (what === What.Insert) return -1;
    const target = this.#steps.targetAt(lv);
    return this.madeBy(what === What.Restore ? this.#steps.targetAt(target) : target);
  }

  /** Lets a step take effect. Steps may come in any order in which targets come first. */
  apply(lv: number): void {
    const steps = this.#steps;
    const what = steps.whatAt(lv);
    if (what === What.Insert) this.#insert(lv);
    else if (what === What.Move) this.#move(lv);
    else if (what === What.Set) this.#set(lv);
    else if (what === What.Delete) this.#deletions.data[this.subjectOf(lv)]!++;
    else this.#restore(lv);
  }

  #insert(lv: number): void {
    const element = this.#insertions.length;
    this.#insertions.push(lv);
    this.#places.push(this.#elements.length);
    this.#values.push(this.#steps.valueAt(lv));
    this.#writers.push(lv);
    this.#deletions.push(0);
    this.#elements.push(element);
    this.#makers.push(lv);
  }

  #move(lv: number): void {
    const element = this.subjectOf(lv);
    if (this.#clock.isLater(lv, this.moverOf(element))) {
      this.#places.data[element] = this.#elements.length;
    }
    this.#elements.push(element);
    this.#makers.push(lv);
  }

  #set(lv: number): void {
    const element = this.subjectOf(lv);
    if (!this.#clock.isLater(lv, this.writerOf(element))) return;
    this.#values[element] = this.#steps.valueAt(lv);
    this.#writers.data[element] = lv;
  }

  // Taken back twice is taken back.
  #restore(lv: number): void {
    const deletion = this.#steps.targetAt(lv);
    if (this.#restored.has(deletion)) return;
    this.#restored.add(deletion);
    this.#deletions.data[this.subjectOf(lv)]!--;
  }
}
