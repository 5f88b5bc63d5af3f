// From an operation of the window to what it did: for an insertion the span that holds its unit,
// for a deletion the unit that it deleted. Retreating and advancing start here.
//
// One integer for each operation, but few of them are written: where a span or a run of deletions
// begins, and at every 64th operation inside it. A look-up goes back from its operation to the next
// mark, at most 63 steps; cutting a span of a million units in two rewrites 16,000 marks and not a
// million.

const STRIDE = 64;
const TARGET = 4; // Fields of a run of deletions: lv, count, target, step.

/** What a deletion, and up to `count` from it on, deleted: `target`, `target + step`, … */
export interface Target {
  readonly target: number;
  readonly count: number;
  readonly step: number;
}

/** The spans and targets of the operations from an LV on. */
export class LvIndex {
  #from = 0;
  // 0, or one more than a span's name or a target's number.
  #marks: Int32Array = new Int32Array(256);
  #end = 0;
  #targets: Int32Array = new Int32Array(16 * TARGET);
  #targetCount = 0;

  /** The bytes that it holds on to. */
  get bytes(): number {
    return this.#marks.byteLength + this.#targets.byteLength;
  }

  /** Begins anew. */
  reset(from: number): void {
    this.#marks.fill(0, 0, this.#end);
    this.#from = from;
    this.#end = 0;
    this.#targetCount = 0;
  }

  /** Makes room for the operations up to this LV, which must be found to be possible before. */
  extend(to: number): void {
    this.#end = to - this.#from;
    if (this.#end <= this.#marks.length) return;
    const next = new Int32Array(Math.max(this.#end, this.#marks.length * 2));
    next.set(this.#marks);
    this.#marks = next;
  }

  /** Notes that the units of these insertions are in a span. */
  setSpan(lv: number, count: number, span: number): void {
    this.#marks[lv - this.#from] = span + 1;
    this.extendSpan(lv, count, span);
  }

  /** The same for units at the end of a span that is noted. */
  extendSpan(lv: number, count: number, span: number): void {
    const end = lv - this.#from + count;
    for (let at = (lv - this.#from + STRIDE - 1) & -STRIDE; at < end; at += STRIDE) {
      this.#marks[at] = span + 1;
    }
  }

  /** The span with the unit of this insertion. */
  spanOf(lv: number): number {
    return this.#markBefore(lv) - 1;
  }

  /** Notes that these deletions deleted the unit `target`, `target + step`, and so on. */
  setTarget(lv: number, count: number, target: number, step: number): void {
    const number = this.#targetCount++;
    if (this.#targetCount * TARGET > this.#targets.length) {
      const next = new Int32Array(this.#targets.length * 2);
      next.set(this.#targets);
      this.#targets = next;
    }
    this.#targets.set([lv, count, target, step], number * TARGET);
    this.setSpan(lv, count, number);
  }

  /** What this deletion, and those noted with it, deleted. */
  targetOf(lv: number): Target {
    const at = (this.#markBefore(lv) - 1) * TARGET;
    const skipped = lv - this.#targets[at]!;
    const step = this.#targets[at + 3]!;
    const target = this.#targets[at + 2]! + step * skipped;
    return { target, count: this.#targets[at + 1]! - skipped, step };
  }

  #markBefore(lv: number): number {
    let at = lv - this.#from;
    while (this.#marks[at] === 0) at--;
    return this.#marks[at]!;
  }
}
