// The operation log of one sequence: what was done, where, and in which order this replica
// learned of it. An operation inserts or deletes one unit (a UTF-16 unit of a text, a value of a
// list) at an index, and the index means the sequence as its author saw it: nothing here is ever
// transformed.
//
// People type runs, so the log stores runs, in four columns of integers:
//
//   lv       the first operation; a run has consecutive LVs, but those of two runs may be apart,
//            because the causal graph is shared by all containers of a document
//   position of the first operation
//   shape    4 × length + kind
//   content  for insertions, where the first unit stands among all units ever inserted here; they
//            stand in the order of their operations, apart from the positions
//
// Operation i of a run at position p acts at: p + i when inserting; p when deleting forwards (the
// Delete key; a selection); p - i when deleting backwards (Backspace). 260,000 keystrokes are about
// 10,000 runs.
//
// Reference: Gentle and Kleppmann, "Collaborative Text Editing with Eg-walker" (EuroSys 2025),
// §3.8.
import { IntColumn } from "../causal/int-column.ts";
import { UnitNames } from "./unit-names.ts";

/** What a run does. */
export const Kind = { Insert: 0, Delete: 1, Backspace: 2 } as const;

/** Runs of insertions and deletions, ascending by LV. */
export class OperationLog {
  /** The units that were there before the first run; the first ones of the column. */
  readonly base: UnitNames;
  /** How many units were ever inserted, those included: the next insertion's content. */
  inserted: number;
  #lvs: IntColumn = new IntColumn();
  #positions: IntColumn = new IntColumn();
  #shapes: IntColumn = new IntColumn();
  #contents: IntColumn = new IntColumn();

  constructor(base: UnitNames = new UnitNames()) {
    this.base = base;
    this.inserted = base.length;
  }

  /** How many runs there are. */
  get runs(): number {
    return this.#lvs.length;
  }

  /** The bytes that its columns hold on to. */
  get bytes(): number {
    const { bytes: positions } = this.#positions;
    const columns = this.#lvs.bytes + positions + this.#shapes.bytes + this.#contents.bytes;
    return columns + this.base.bytes;
  }

  /** The LV of the first operation of a run. */
  lv(run: number): number {
    return this.#lvs.data[run]!;
  }

  /** The position of the first operation of a run. */
  position(run: number): number {
    return this.#positions.data[run]!;
  }

  /** What a run does: one of `Kind`. */
  kind(run: number): number {
    return this.#shapes.data[run]! & 3;
  }

  /** How many operations a run has. */
  count(run: number): number {
    return this.#shapes.data[run]! >>> 2;
  }

  /** Where the first unit that a run inserts stands among all units ever inserted. */
  content(run: number): number {
    return this.#contents.data[run]!;
  }

  /** The first run that ends behind this LV; `runs`, where none does. */
  runFrom(lv: number): number {
    const run = this.#lvs.floor(lv);
    return run >= 0 && lv < this.lv(run) + this.count(run) ? run : run + 1;
  }

  /** Whether an operation inserted something here. */
  isInsertion(lv: number): boolean {
    const run = this.runFrom(lv);
    return run < this.runs && this.lv(run) <= lv && this.kind(run) === Kind.Insert;
  }

  /** The position of operation `index` of a run, counted from 0. */
  positionWithin(run: number, index: number): number {
    const kind = this.kind(run);
    if (kind === Kind.Delete) return this.position(run);
    return this.position(run) + (kind === Kind.Insert ? index : -index);
  }

  /** What so many operations of a run do: a single one has no direction. */
  kindWithin(run: number, count: number): number {
    const kind = this.kind(run);
    return count === 1 && kind === Kind.Backspace ? Kind.Delete : kind;
  }

  /** Appends `count` insertions of consecutive units from `position` on. */
  insert(lv: number, position: number, count: number): void {
    const last = this.#lvs.length - 1;
    if (last >= 0 && this.#endLv(last) === lv) {
      const shape = this.#shapes.data[last]!;
      if ((shape & 3) === Kind.Insert && this.position(last) + (shape >>> 2) === position) {
        this.#shapes.data[last] = shape + count * 4;
        this.inserted += count;
        return;
      }
    }
    this.#start(lv, position, count * 4 + Kind.Insert);
    this.inserted += count;
  }

  /** Appends `count` deletions, each of the unit that then stands at `position`. */
  delete(lv: number, position: number, count: number): void {
    const last = this.#lvs.length - 1;
    if (last >= 0 && this.#endLv(last) === lv && this.#extendDeletion(last, position, count))
      return;
    this.#start(lv, position, count * 4 + Kind.Delete);
  }

  /** Appends `count` deletions at `position`, the place before it, and so on. */
  backspace(lv: number, position: number, count: number): void {
    if (count === 1) {
      this.delete(lv, position, 1);
      return;
    }
    const last = this.#lvs.length - 1;
    if (last >= 0 && this.#endLv(last) === lv) {
      const shape = this.#shapes.data[last]!;
      const single = shape === 4 + Kind.Delete;
      if ((single || (shape & 3) === Kind.Backspace) && position === this.#before(last)) {
        this.#shapes.data[last] = (shape >>> 2) * 4 + count * 4 + Kind.Backspace;
        return;
      }
    }
    this.#start(lv, position, count * 4 + Kind.Backspace);
  }

  /** Forgets the operations from this LV on. */
  truncate(lv: number): void {
    const kept = this.runFrom(lv);
    if (kept === this.runs) return;
    const partly = lv > this.lv(kept);
    this.inserted = this.content(kept);
    if (partly) {
      const count = lv - this.lv(kept);
      const kind = this.kindWithin(kept, count);
      this.#shapes.data[kept] = count * 4 + kind;
      if (kind === Kind.Insert) this.inserted += count;
    }
    const runs = partly ? kept + 1 : kept;
    for (const column of [this.#lvs, this.#positions, this.#shapes, this.#contents]) {
      column.length = runs;
    }
  }

  /** The operations from this LV on, which becomes 0, on top of the units that were there then. */
  above(lv: number, base: UnitNames): OperationLog {
    const above = new OperationLog(base);
    for (let run = this.runFrom(lv); run < this.runs; run++) {
      const skipped = Math.max(0, lv - this.lv(run));
      const [first, count] = [this.lv(run) + skipped - lv, this.count(run) - skipped];
      const position = this.positionWithin(run, skipped);
      const kind = this.kindWithin(run, count);
      if (kind === Kind.Insert) above.insert(first, position, count);
      else if (kind === Kind.Delete) above.delete(first, position, count);
      else above.backspace(first, position, count);
    }
    return above;
  }

  /** A copy that shares nothing but the base, which never changes. */
  clone(): OperationLog {
    const copy = new OperationLog(this.base);
    copy.inserted = this.inserted;
    copy.#lvs = this.#lvs.clone();
    copy.#positions = this.#positions.clone();
    copy.#shapes = this.#shapes.clone();
    copy.#contents = this.#contents.clone();
    return copy;
  }

  #endLv(run: number): number {
    return this.#lvs.data[run]! + (this.#shapes.data[run]! >>> 2);
  }

  // Where a further Backspace would act.
  #before(run: number): number {
    return this.#positions.data[run]! - (this.#shapes.data[run]! >>> 2);
  }

  #extendDeletion(last: number, position: number, count: number): boolean {
    const shape = this.#shapes.data[last]!;
    const kind = shape & 3;
    if (kind === Kind.Insert) return false;
    if (kind === Kind.Delete && this.position(last) === position) {
      this.#shapes.data[last] = shape + count * 4;
      return true;
    }
    // Only a single deletion can become a Backspace: the order of more is already agreed upon.
    const backwards = kind === Kind.Backspace || shape >>> 2 === 1;
    if (!backwards || count !== 1 || position !== this.#before(last)) return false;
    this.#shapes.data[last] = (shape >>> 2) * 4 + 4 + Kind.Backspace;
    return true;
  }

  #start(lv: number, position: number, shape: number): void {
    this.#lvs.push(lv);
    this.#positions.push(position);
    this.#shapes.push(shape);
    this.#contents.push(this.inserted);
  }
}
