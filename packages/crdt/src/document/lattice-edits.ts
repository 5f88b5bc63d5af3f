// What one delta does to a store, leaf by leaf: a member of a set, a register, a flag, a count.
// Dots say exactly who wrote what, so the opposite of an edit can be told apart from what others
// did at the same place:
//
//   written     the dots that the change made are taken away, as far as they are still alive;
//               those of others are not touched
//   taken away  is written anew, unless somebody else took the same dots away at the same time, or
//               has written there since
//   counted     the amount is counted back
//
// Left out, and so not undone: types in which a removal leaves a dot of its own (remove-wins, two
// phases), types that only grow, bounded counters, and resets of counters.
import type { CausalContext } from "../lattice/context.ts";
import { Counter } from "../lattice/counter.ts";
import { type Dot, type Dots, each } from "../lattice/dot.ts";
import type { Kind, Mutation } from "../lattice/kind.ts";
import { Elements } from "../lattice/kinds/elements.ts";
import type { Fields } from "../lattice/kinds/fields.ts";
import type { Stamped } from "../lattice/kinds/leaf.ts";
import type { Accounts } from "../lattice/kinds/resettable.ts";
import * as kinds from "../lattice/kinds.ts";
import type { Scalar } from "../lattice/scalar.ts";
import { FieldSite, type Root, type Site } from "../lattice/site.ts";
import type { Recent } from "./recent.ts";

/** A field of a map. */
export interface Step {
  readonly kind: Kind<unknown>;
  readonly name: string;
}

/** What happened at one leaf. */
export interface Edit {
  readonly path: readonly Step[];
  readonly kind: Kind<unknown>;
  /** The member, in a set. */
  readonly element: Scalar | undefined;
  /** What was alive there. */
  readonly before: Dots;
  /** What the delta has alive there. */
  readonly after: Dots;
  /** What was counted. */
  readonly amount: number;
  /** Whether the delta speaks of this leaf, and not of all that it does not name. */
  readonly isNamed: boolean;
}

interface Walk {
  readonly path: readonly Step[];
  readonly isNamed: boolean;
  readonly agent: string;
  readonly edits: Edit[];
}

const leaves: ReadonlySet<unknown> = new Set([
  kinds.enableWinsFlag,
  kinds.lwwRegister,
  kinds.mvRegister,
]);

/** The edits of a delta that is about to be joined to a store; counts, of this agent alone. */
export function editsOf<S>(kind: Kind<S>, store: S, delta: S, agent: string): Edit[] {
  const edits: Edit[] = [];
  walk(kind as Kind<unknown>, store, delta, { path: [], isNamed: false, agent, edits });
  return edits;
}

function walk(kind: Kind<unknown>, store: unknown, delta: unknown, at: Walk): void {
  const { path, isNamed, agent, edits } = at;
  const edit = { path, kind, element: undefined, before: undefined, after: undefined, amount: 0 };
  if (leaves.has(kind)) {
    edits.push({ ...edit, before: store as Dots, after: delta as Dots, isNamed });
  } else if ((kind as unknown) === kinds.addWinsSet) {
    const [all, told] = [store as Elements, delta as Elements];
    for (const element of keysOf(all, told)) {
      const [before, after] = [all.entries.get(element), told.entries.get(element)];
      edits.push({ ...edit, element, before, after, isNamed: !told.whole });
    }
  } else if ((kind as unknown) === kinds.addWinsMap) {
    walkFields(store as Fields, delta as Fields, at);
  } else if ((kind as unknown) === kinds.pnCounter || (kind as unknown) === kinds.counter) {
    const amount = countedIn(kind, store, delta, agent);
    if (amount !== 0) edits.push({ ...edit, amount, isNamed });
  }
}

function walkFields(all: Fields, told: Fields, at: Walk): void {
  for (const key of keysOf(all, told)) {
    const { kind, name } = (all.entries.get(key) ?? told.entries.get(key))!;
    const store = all.entries.get(key)?.store ?? kind.empty(true);
    const delta = told.entries.get(key)?.store ?? kind.empty(true);
    const isNamed = !told.whole;
    walk(kind, store, delta, { ...at, path: [...at.path, { kind, name }], isNamed });
  }
}

function keysOf<K>(
  all: { readonly entries: ReadonlyMap<K, unknown> },
  told: { readonly whole: boolean; readonly entries: ReadonlyMap<K, unknown> },
): Iterable<K> {
  return told.whole
    ? new Set([...all.entries.keys(), ...told.entries.keys()])
    : told.entries.keys();
}

type UpDown = ReadonlyMap<string, kinds.UpDownRow>;

function countedIn(kind: unknown, store: unknown, delta: unknown, agent: string): number {
  if (kind === kinds.pnCounter) {
    const after = (delta as UpDown).get(agent);
    const before = (store as UpDown).get(agent);
    if (after === undefined) return 0;
    return after.up - after.down - (before === undefined ? 0 : before.up - before.down);
  }
  const after = (delta as Accounts).get(agent);
  const before = (store as Accounts).get(agent);
  // A reset says how much is gone, and counts nothing.
  if (after === undefined || after.last === before?.last) return 0;
  return after.total - (before?.total ?? 0);
}

/** What is alive at the leaf of an edit. */
export function aliveAt(root: Site<unknown>, edit: Edit): Dots {
  const store = siteOf(root, edit).store();
  if (edit.element === undefined) return store as Dots;
  return (store as Elements).entries.get(edit.element);
}

/** Where others can be found to have taken away what an edit took away. */
export function takesAway({ before }: Edit, context: CausalContext): boolean {
  for (const { replica, counter } of each(before)) if (context.has(replica, counter)) return true;
  return false;
}

/** From a dot that was written anew to the counter of the own dot that stands for it. */
export type DotCopies = Recent<string, number>;

const nameOf = ({ replica, counter }: Dot): string => `${counter}@${replica}`;

/** What undoing needs to know of the container. */
export interface Undoing {
  readonly root: Root<unknown>;
  readonly copies: DotCopies;
  /** Counts in a counter that is the container itself. */
  readonly countBack: (amount: number) => void;
}

/** Does the opposite of an edit, as a new update of the root. */
export function invert(undoing: Undoing, edit: Edit, isContested: boolean): void {
  const { root, copies, countBack } = undoing;
  if (edit.amount !== 0) {
    if (edit.path.length === 0) countBack(edit.amount);
    else new Counter(siteOf(root, edit) as Site<Accounts>).increment(-edit.amount);
    return;
  }
  const { before, after, element } = edit;
  // A member that was renewed reads the same as before.
  if (element !== undefined && before !== undefined && after !== undefined) return;
  // Several values were resolved into one; a conflict is not opened again.
  const isRegister = element === undefined && (edit.kind as unknown) !== kinds.enableWinsFlag;
  if (before?.next !== undefined && isRegister) return;
  const now = aliveAt(root, edit);
  const written = new Set([...each(after)].map((dot) => lastCopy(root.replica, copies, dot)));
  const own = [...each(now)].filter((dot) => written.has(nameOf(dot)));
  const isUntouched =
    own.length === [...each(now)].length && (after === undefined || own.length > 0);
  const isRestored = before !== undefined && !isContested && isUntouched;
  if (own.length === 0 && !isRestored) return;
  siteOf(root, edit).mutate((mutation) => {
    for (const { replica, counter } of own) mutation.see(replica, counter);
    const made = isRestored ? rewritten(edit, before, mutation) : undefined;
    if (made !== undefined) remember(copies, before, made);
    if (element === undefined) return made;
    const delta = new Elements(false);
    delta.entries.set(element, made);
    return delta;
  });
}

function rewritten({ kind }: Edit, before: Dot, mutation: Mutation): Dot {
  if ((kind as unknown) !== kinds.lwwRegister) return mutation.dot(before.value);
  return mutation.dot({ stamp: mutation.stamp(), value: (before.value as Stamped).value });
}

function remember(copies: DotCopies, before: Dots, made: Dot): void {
  for (const dot of each(before)) copies.set(nameOf(dot), made.counter);
}

// What was removed and written anew goes by another name than when it was first written.
function lastCopy(replica: string, copies: DotCopies, dot: Dot): string {
  let name = nameOf(dot);
  for (;;) {
    const copy = copies.get(name);
    if (copy === undefined) return name;
    name = `${copy}@${replica}`;
  }
}

function siteOf(root: Site<unknown>, { path }: Edit): Site<unknown> {
  let site = root;
  for (const { kind, name } of path) site = new FieldSite(site as Site<Fields>, kind, name);
  return site;
}
