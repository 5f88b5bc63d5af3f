// Maps whose values are CRDTs themselves: a field is named by its type and its name, as in Riak,
// so that two replicas that use one name for two types have two fields, and not a conflict. The
// dots of a field are those of the value in it, under the one context of the whole state: removing
// the field removes the dots that were seen, and an update that was not seen survives (Almeida et
// al. 2018, §7.4.6, "ORMap"). In the remove-wins map a removal leaves a mark, a dot of its own,
// which hides the field until an update that has seen it takes it away.
import type { Writer } from "../codec.ts";
import { type CausalContext, DotList } from "../context.ts";
import { type Dots, joinDots, some } from "../dot.ts";
import {
  type Change,
  type DotReader,
  Joining,
  type Kind,
  type Mutation,
  type Places,
} from "../kind.ts";
import { compareStrings, readString } from "../scalar.ts";
import { nothing, readDots, unseenDots, writeDots } from "./leaf.ts";

/** How many maps may lie within each other. */
export const DEPTH_MAX = 32;

/** One field of a map. */
export interface Field {
  readonly kind: Kind<unknown>;
  readonly name: string;
  /** Removals that hide it; in a remove-wins map only. */
  marks: Dots;
  store: unknown;
}

/** The store of a map. */
export class Fields {
  /** Whether what is not here is absent; see kind.ts. */
  whole: boolean;
  /** By {@link keyOf}. */
  readonly entries: Map<string, Field> = new Map();

  constructor(whole: boolean) {
    this.whole = whole;
  }

  /** The field, made if it is not there. */
  open(key: string, kind: Kind<unknown>, name: string, whole: boolean): Field {
    const found = this.entries.get(key);
    if (found !== undefined) return found;
    const made: Field = { kind, name, marks: undefined, store: kind.empty(whole) };
    this.entries.set(key, made);
    return made;
  }
}

/** A field's key: the letter of its type, and its name. */
export function keyOf(kind: Kind<unknown>, name: string): string {
  return String.fromCharCode(kind.tag + 64) + name;
}

/** Whether users see it. */
export function isVisible({ kind, marks, store }: Field): boolean {
  return marks === undefined && kind.isPresent(store);
}

/** The visible fields by name; a name with several types is followed by the type. */
export function viewFields(store: Fields): unknown {
  const named = Map.groupBy([...store.entries.values()].filter(isVisible), ({ name }) => name);
  const view: [string, unknown][] = [];
  for (const name of [...named.keys()].sort(compareStrings)) {
    const fields = named.get(name)!;
    for (const { kind, store: value } of fields.sort((a, b) => a.kind.tag - b.kind.tag)) {
      view.push([fields.length === 1 ? name : `${name} (${kind.name})`, kind.view(value)]);
    }
  }
  // Own properties all of them: "__proto__" is a name like any other.
  return Object.fromEntries(view);
}

/** The delta that removes a field, as far as it was seen. */
export function removeField(field: Field, mutation: Mutation, removeWins: boolean): Fields {
  const delta = new Fields(false);
  const { kind, name } = field;
  mutation.replace(field.marks);
  const marks = removeWins ? mutation.dot() : undefined;
  const store = kind.clear(field.store, mutation);
  delta.entries.set(keyOf(kind, name), { kind, name, marks, store });
  return delta;
}

/** A kind whose store is a map of fields. */
export function fieldsKind(
  name: string,
  tag: number,
  kindOf: (tag: number) => Kind<unknown> | undefined,
): Kind<Fields> {
  return {
    name,
    tag,
    empty: (whole) => new Fields(whole),
    isEmpty: ({ entries }) => entries.size === 0,
    isPresent: ({ entries }) => some(entries.values(), isVisible),
    join: joinFields,
    clear(store, mutation) {
      const delta = new Fields(true);
      for (const [key, field] of store.entries) {
        mutation.replace(field.marks);
        const cleared = { ...field, marks: undefined, store: undefined as unknown };
        cleared.store = field.kind.clear(field.store, mutation);
        if (!isSpent(cleared)) delta.entries.set(key, cleared);
      }
      return delta;
    },
    since(store, seen, kept) {
      const part = new Fields(true);
      for (const [key, field] of store.entries) {
        const marks = unseenDots(field.marks, seen, kept);
        const unseen = { ...field, marks, store: field.kind.since(field.store, seen, kept) };
        if (!isSpent(unseen)) part.entries.set(key, unseen);
      }
      return part;
    },
    compact: compactFields,
    view: viewFields,
    latest({ entries }) {
      let latest = 0;
      for (const { kind, store } of entries.values()) latest = Math.max(latest, kind.latest(store));
      return latest;
    },
    write: writeFields,
    read: (reader, whole) => readFields(reader, whole, kindOf),
  };
}

const isSpent = ({ kind, marks, store }: Field): boolean =>
  marks === undefined && kind.isEmpty(store);

function joinFields(into: Fields, from: Fields, joining: Joining): Fields {
  const whole = into.whole || from.whole;
  for (const [key, { kind, name, marks, store }] of from.entries) {
    const field = into.open(key, kind, name, into.whole);
    joinField(into, field, marks, store, whole, joining);
  }
  if (from.whole) {
    for (const [key, field] of into.entries) {
      if (from.entries.has(key)) continue;
      joinField(into, field, undefined, field.kind.empty(true), whole, joining);
    }
  }
  into.whole = whole;
  return into;
}

function joinField(
  fields: Fields,
  field: Field,
  marks: Dots,
  store: unknown,
  whole: boolean,
  joining: Joining,
): void {
  joining.path.push(field.name);
  const own = field.marks;
  field.marks = joinDots(own, joining.mine, marks, joining.theirs);
  if (field.marks !== own) joining.changed = true;
  if (joining.changes === undefined) field.store = field.kind.join(field.store, store, joining);
  else joinHeard(field, own, store, joining, joining.changes);
  joining.path.pop();
  if (whole && isSpent(field)) fields.entries.delete(keyOf(field.kind, field.name));
}

// What a mark hides, or hid, changes for its reader as a whole, or not at all. And a field can come
// or go without a change of its value: a counter that has counted to zero.
function joinHeard(
  field: Field,
  marksBefore: Dots,
  store: unknown,
  joining: Joining,
  changes: Change[],
): void {
  const { kind } = field;
  const seen = (): unknown => (isVisible(field) ? kind.view(field.store) : undefined);
  const isWhole = marksBefore !== undefined || field.marks !== undefined;
  const wasVisible = marksBefore === undefined && kind.isPresent(field.store);
  const before = wasVisible && isWhole ? kind.view(field.store) : undefined;
  const inside = new Joining(joining.mine, joining.theirs, isWhole ? undefined : changes);
  inside.path.push(...joining.path);
  const heard = changes.length;
  field.store = kind.join(field.store, store, inside);
  joining.changed ||= inside.changed;
  const isOpen = isVisible(field);
  if (isWhole) joining.note(before, seen());
  else if (isOpen !== wasVisible && changes.length === heard) {
    joining.note(wasVisible ? kind.view(kind.empty(true)) : undefined, seen());
  }
}

// All of it, for the reason that compactElements has.
function isStable({ kind, marks, store }: Field, stable: CausalContext): boolean {
  const left = new DotList();
  return (
    unseenDots(marks, stable, left) === undefined && kind.isEmpty(kind.since(store, stable, left))
  );
}

function compactFields(
  store: Fields,
  stable: CausalContext,
  mutation: Mutation,
): Fields | undefined {
  const delta = new Fields(false);
  for (const [key, field] of store.entries) {
    const { kind } = field;
    const part = { ...field, marks: undefined, store: undefined as unknown };
    if (field.marks !== undefined && isStable(field, stable)) {
      // No update that this removal has not seen can come any more; what it hides goes with it.
      mutation.replace(field.marks);
      part.store = kind.clear(field.store, mutation);
    } else {
      part.store = kind.compact(field.store, stable, mutation);
      if (part.store === undefined) continue;
    }
    delta.entries.set(key, part);
  }
  return delta.entries.size > 0 ? delta : undefined;
}

function writeFields(store: Fields, to: Writer, places: Places, whole: boolean): void {
  if (!whole) to.byte(store.whole ? 1 : 0);
  to.number(store.entries.size);
  for (const key of [...store.entries.keys()].sort(compareStrings)) {
    const { kind, name, marks, store: value } = store.entries.get(key)!;
    to.byte(kind.tag);
    to.string(name);
    writeDots(marks, to, places, nothing);
    kind.write(value, to, places, store.whole);
  }
}

function readFields(
  reader: DotReader,
  whole: boolean,
  kindOf: (tag: number) => Kind<unknown> | undefined,
): Fields {
  const { from } = reader;
  if (++reader.depth > DEPTH_MAX) throw from.corrupt("maps lie too deep within each other");
  const store = new Fields(whole || from.number(0, 1) === 1);
  let last = "";
  for (let left = from.count(4); left > 0; left--) {
    const kind = kindOf(from.byte());
    if (kind === undefined) throw from.corrupt("no type for a field");
    const name = readString(from);
    const key = keyOf(kind, name);
    if (key <= last) throw from.corrupt("fields out of order");
    const marks = readDots(reader, nothing);
    const field = { kind, name, marks, store: kind.read(reader, store.whole) };
    if (store.whole && isSpent(field)) throw from.corrupt("a field that holds nothing");
    store.entries.set(key, field);
    last = key;
  }
  reader.depth--;
  return store;
}
