// Counters, registers, flags, sets and maps in a document. Every verb makes a delta; the deltas of
// a change are what the document sends, and a journal of them is what a failed change goes back to:
// the state as bytes at some time, and all deltas since. The journal is folded into new bytes when
// it has grown in proportion to them, so that an update pays for it a constant on average.
import type { HybridLogicalClock } from "../clock/hybrid-logical-clock.ts";
import { CrdtError } from "../errors.ts";
import { CausalContext } from "../lattice/context.ts";
import { checkKind, Delta } from "../lattice/delta.ts";
import type { Change, Kind, Mutation } from "../lattice/kind.ts";
import type { PnCounter } from "../lattice/pn-counter.ts";
import type { Replicated } from "../lattice/replicated.ts";
import { Root, type Site } from "../lattice/site.ts";
import { conflictsOf } from "./conflicts.ts";
import type { Vector } from "./counts.ts";
import { type DotCopies, type Edit, editsOf, invert, takesAway } from "./lattice-edits.ts";
import { Recent } from "./recent.ts";
import { type Conflict, contextOf, type Gate, type Prepared, Slot, type Undoable } from "./slot.ts";

/** How many deltas the journal may hold, at least; and one more for so many bytes of state. */
const JOURNAL_MIN = 64;
const JOURNAL_BYTES_EACH = 8;

/** A root that writes only while a change is made, and remembers what it wrote. */
class ChangeRoot extends Root<unknown> {
  readonly gate: Gate;
  deltas: Delta[] = [];
  edits: Edit[] = [];

  constructor(
    kind: Kind<unknown>,
    agent: string,
    clock: HybridLogicalClock | undefined,
    gate: Gate,
  ) {
    super(kind, clock === undefined ? { replica: agent } : { replica: agent, clock });
    this.gate = gate;
  }

  override mutate(make: (mutation: Mutation) => unknown): Delta {
    this.gate.check();
    const delta = super.mutate((mutation) => {
      const store = make(mutation);
      this.edits.push(...editsOf(this.kind, this.store(), store, this.replica));
      return store;
    });
    // Disabling what is disabled is nothing to tell.
    if (!delta.context.isEmpty) this.deltas.push(delta);
    return delta;
  }
}

/** Makes the value of a type on its root. */
export type Make = (root: Root<unknown>) => Replicated<unknown>;

/** An edit that can still be undone, by the change that made it. */
interface Undone {
  readonly seq: number;
  readonly edit: Edit;
  /** Whether somebody else took the same away at the same time. */
  isContested: boolean;
}

/** A value on the lattice. */
export class LatticeSlot extends Slot {
  readonly #kind: Kind<unknown>;
  readonly #make: Make;
  readonly #clock: HybridLogicalClock | undefined;
  #root: ChangeRoot;
  #value: Replicated<unknown>;
  #hearing: Disposable | undefined;
  #base: Uint8Array | undefined;
  #journal: Delta[] = [];
  // What was written here and not sent yet: weights that halve, so that joining stays cheap.
  #unsent: { weight: number; delta: Delta }[] = [];
  readonly #copies: DotCopies = new Recent();
  // What was taken away by changes that the document can still undo.
  readonly #undoable: Set<readonly Undone[]> = new Set();

  constructor(
    name: string,
    kind: Kind<unknown>,
    make: Make,
    agent: string,
    gate: Gate,
    clock: HybridLogicalClock | undefined,
  ) {
    super(name, kind.tag, agent, gate);
    this.#kind = kind;
    this.#make = make;
    this.#clock = clock;
    this.#root = new ChangeRoot(kind, agent, clock, gate);
    this.#value = make(this.#root);
  }

  get container(): Replicated<unknown> {
    return this.#value;
  }

  get isTouched(): boolean {
    return this.#root.deltas.length > 0;
  }

  get own(): number {
    return this.#root.context.next(this.agent) - 1;
  }

  commit(seq: number): Undoable {
    const { deltas, edits } = this.#root;
    this.#root.deltas = [];
    this.#root.edits = [];
    this.#keep(deltas);
    for (const delta of deltas) this.#addUnsent(delta);
    const undone = edits.map((edit): Undone => ({ seq, edit, isContested: false }));
    const removes = undone.filter(({ edit }) => edit.before !== undefined);
    if (removes.length > 0) this.#undoable.add(removes);
    return { undo: () => this.#undo(undone), forget: () => void this.#undoable.delete(removes) };
  }

  rollBack(): void {
    const isHeard = this.#hearing !== undefined;
    this.#root = new ChangeRoot(this.#kind, this.agent, this.#clock, this.gate);
    this.#value = this.#make(this.#root);
    if (this.#base !== undefined) this.#root.join(Delta.decode(this.#base));
    for (const delta of this.#journal) this.#root.join(delta);
    if (isHeard) this.listen(true);
  }

  since(vector: Vector): Uint8Array {
    return this.#value.since(contextOf(vector)).encode();
  }

  flush(): Uint8Array {
    const nothing = new Delta(this.#kind, this.#kind.empty(false), new CausalContext());
    const joined = this.#unsent.reduceRight((sum, { delta }) => sum.join(delta), nothing);
    this.#unsent = [];
    return joined.encode();
  }

  prepare(bytes: Uint8Array, after: Vector): Prepared {
    const delta = Delta.decode(bytes);
    checkKind(this.#kind, delta.kind);
    if (this.#clock !== undefined && !this.#clock.accepts(delta.latest)) {
      throw new CrdtError("CRDT_DRIFT", `container ${this.name}: a timestamp is too far ahead`);
    }
    const context = this.#root.context.copy();
    context.join(delta.context);
    if (!context.equals(contextOf(after))) throw this.refuse("other dots than its changes have");
    return { apply: (isConcurrent) => this.#join(delta, isConcurrent) };
  }

  encode(): Uint8Array {
    return this.#value.encode();
  }

  load(bytes: Uint8Array): void {
    this.prepare(bytes, this.counts.vector()).apply(() => false);
  }

  digest(): string {
    return this.#value.digest();
  }

  at(): undefined {
    return undefined;
  }

  listen(on: boolean): void {
    this.#hearing?.[Symbol.dispose]();
    this.#hearing = on ? this.#root.listeners.add(this.#hear) : undefined;
  }

  readonly #hear = (changes: readonly Change[]): void => {
    for (const change of changes) this.gate.heard?.push({ container: this.name, change });
  };

  #join(delta: Delta, isConcurrent: (seq: number) => boolean): Conflict[] {
    for (const removes of this.#undoable) {
      for (const undone of removes) {
        const isMet = takesAway(undone.edit, delta.context) && isConcurrent(undone.seq);
        undone.isContested ||= isMet;
      }
    }
    const edits = editsOf(this.#kind, this.#root.store(), delta.store, "");
    this.#root.join(delta);
    this.#keep([delta]);
    return conflictsOf(this.name, this.#root as Site<unknown>, edits, delta);
  }

  #undo(undone: readonly Undone[]): void {
    const countBack = (amount: number): void => {
      const counter = this.#value as unknown as PnCounter;
      if (amount > 0) counter.decrement(amount);
      else counter.increment(-amount);
    };
    const undoing = { root: this.#root, copies: this.#copies, countBack };
    for (const { edit, isContested } of undone.toReversed()) invert(undoing, edit, isContested);
  }

  #keep(deltas: readonly Delta[]): void {
    for (const delta of deltas) this.#journal.push(delta);
    const most = JOURNAL_MIN + (this.#base?.length ?? 0) / JOURNAL_BYTES_EACH;
    if (this.#journal.length <= most) return;
    this.#base = this.#value.encode();
    this.#journal = [];
  }

  #addUnsent(delta: Delta): void {
    const unsent = this.#unsent;
    unsent.push({ weight: 1, delta });
    for (let last = unsent.length - 1; last > 0; last--) {
      const [a, b] = [unsent[last - 1]!, unsent[last]!];
      if (a.weight > b.weight) return;
      unsent.splice(last - 1, 2, { weight: a.weight + b.weight, delta: a.delta.join(b.delta) });
    }
  }
}
