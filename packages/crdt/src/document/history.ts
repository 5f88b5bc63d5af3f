// What can be undone here, and what can be done again. Undoing a change is another change, which
// does the opposite of what is left of the first; so it is told to others like any change, is
// undone by the same means, and that is what redo is.
import type { Undoable } from "./slot.ts";

/** An own change, by its number, and what it did to each container. */
export interface Done {
  readonly seq: number;
  readonly steps: readonly Undoable[];
}

/** Two stacks of own changes. */
export class History {
  readonly #max: number;
  #undo: Done[] = [];
  #redo: Done[] = [];

  /** @param max how many changes can be undone */
  constructor(max: number) {
    if (!(Number.isSafeInteger(max) && max >= 0)) {
      throw new RangeError(`undoMax must be an integer from 0, got ${max}`);
    }
    this.#max = max;
  }

  /** Adds what a change did. After a change by the user nothing can be done again. */
  add(change: Done, by: "user" | "undo" | "redo"): void {
    const stack = by === "undo" ? this.#redo : this.#undo;
    stack.push(change);
    if (by === "user") for (const each of this.#redo.splice(0)) forget(each);
    if (stack.length > this.#max) forget(stack.shift()!);
  }

  /** Takes out the last change that was made, or undone. The caller forgets it. */
  take(by: "undo" | "redo"): Done | undefined {
    return (by === "undo" ? this.#undo : this.#redo).pop();
  }

  /** Forgets the changes of which nothing is known any more: those below a number. */
  forgetBelow(seq: number): void {
    for (const each of [...this.#undo, ...this.#redo]) if (each.seq < seq) forget(each);
    this.#undo = this.#undo.filter((each) => each.seq >= seq);
    this.#redo = this.#redo.filter((each) => each.seq >= seq);
  }

  /** Whether there is one. */
  has(by: "undo" | "redo"): boolean {
    return (by === "undo" ? this.#undo : this.#redo).length > 0;
  }
}

/** Lets go of what a change was kept for. */
export function forget({ steps }: Done): void {
  for (const each of steps) each.forget();
}
