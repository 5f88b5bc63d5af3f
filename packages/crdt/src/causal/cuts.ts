// The cuts of a history: every LV c such that each operation from c on descends from each one
// below. Closed intervals of LVs in two columns, used as a stack.
//
// A new operation that knows exactly the first k operations without a gap destroys the cuts above
// k, for the operations between were made without it: a pop. One that knows everything makes its
// own place a cut: a push, and nearly always the last interval just grows. So a history without
// concurrency is one interval, and one in which people meet now and then is as many as meetings.
import { IntColumn } from "./int-column.ts";

/** Intervals of cuts, ascending. */
export class Cuts {
  #froms: IntColumn = new IntColumn(4);
  #tos: IntColumn = new IntColumn(4);
  // What to come back to: the number of intervals and the end of the last; and, once one has been
  // popped, how all of them were before.
  #marked = -1;
  #markedTo = -1;
  #popped: readonly [IntColumn, IntColumn] | undefined;

  /** The bytes that it holds on to. */
  get bytes(): number {
    return this.#froms.bytes + this.#tos.bytes;
  }

  /** Makes LVs cuts, which are above all that are. */
  push(from: number, to: number): void {
    const top = this.#tos.length - 1;
    if (top >= 0 && this.#tos.data[top] === from - 1) {
      this.#tos.data[top] = to;
    } else {
      this.#froms.push(from);
      this.#tos.push(to);
    }
  }

  /** Takes away all cuts above this LV. */
  popAbove(lv: number): void {
    if (this.#tos.last() <= lv) return;
    if (this.#marked >= 0) this.#popped ??= [this.#froms.clone(), this.#tos.clone()];
    while (this.#froms.length > 0 && this.#froms.last() > lv) {
      this.#froms.length--;
      this.#tos.length--;
    }
    const top = this.#tos.length - 1;
    if (top >= 0 && this.#tos.data[top]! > lv) this.#tos.data[top] = lv;
  }

  /** The greatest cut that is at most `lv`; there is always 0. */
  atMost(lv: number): number {
    const at = this.#froms.floor(lv);
    return at === -1 ? 0 : Math.min(this.#tos.data[at]!, lv);
  }

  /** The least cut that is at least `lv`; `otherwise` for none. */
  atLeast(lv: number, otherwise: number): number {
    const at = this.#froms.floor(lv);
    if (at !== -1 && this.#tos.data[at]! >= lv) return lv;
    return at + 1 < this.#froms.length ? this.#froms.data[at + 1]! : otherwise;
  }

  /** The end of the interval that this cut is in: the first LV above that is no cut. */
  endOf(cut: number): number {
    return this.#tos.data[this.#froms.floor(cut)]! + 1;
  }

  /** Marks this place, to come back to. */
  mark(): void {
    this.#marked = this.#froms.length;
    this.#markedTo = this.#tos.last();
    this.#popped = undefined;
  }

  /** Forgets the mark. */
  keep(): void {
    this.#marked = -1;
    this.#popped = undefined;
  }

  /** Forgets what has happened since the mark, and the mark. */
  rollBack(): void {
    // Before the first pop there were only pushes: at most the last marked interval had grown.
    if (this.#popped !== undefined) [this.#froms, this.#tos] = this.#popped;
    this.#froms.length = this.#marked;
    this.#tos.length = this.#marked;
    if (this.#marked > 0) this.#tos.data[this.#marked - 1] = this.#markedTo;
    this.keep();
  }

  /** A copy that shares nothing. */
  clone(): Cuts {
    const copy = new Cuts();
    copy.#froms = this.#froms.clone();
    copy.#tos = this.#tos.clone();
    return copy;
  }
}
