// Sets: a map from elements to leaves of dots. In the add-wins set an add makes a dot and a removal
// makes none: it only says which dots it has seen, so that what is removed leaves no tombstone (A.
// Bieniusa et al., "An Optimized Conflict-free Replicated Set", 2012, §3). In the remove-wins set a
// removal makes a dot of its own, which says no; any no outweighs all that say yes.
import { type CausalContext, DotList } from "../context.ts";
import { type Dots, joinDots, some } from "../dot.ts";
import type { DotReader, Joining, Kind, Mutation } from "../kind.ts";
import { compareScalars, readScalar, type Scalar, writeScalar } from "../scalar.ts";
import { type Payload, readDots, unseenDots, writeDots } from "./leaf.ts";

/** The store of a set. */
export class Elements {
  /** Whether what is not here is absent; see kind.ts. Invariant: then no entry is empty. */
  whole: boolean;
  readonly entries: Map<Scalar, Dots> = new Map();

  constructor(whole: boolean) {
    this.whole = whole;
  }
}

/** Whether every dot says yes, and there is one. */
export function isUndisputed(dots: Dots): boolean {
  for (let dot = dots; dot !== undefined; dot = dot.next) if (dot.value === false) return false;
  return dots !== undefined;
}

/** A kind whose store is a map from elements to dots. */
export function elementsKind<T>(
  name: string,
  tag: number,
  payload: Payload<T>,
  isMember: (dots: Dots) => boolean,
): Kind<Elements> {
  return {
    name,
    tag,
    empty: (whole) => new Elements(whole),
    isEmpty: ({ entries }) => entries.size === 0,
    isPresent: ({ entries }) => some(entries.values(), isMember),
    join: (into, from, joining) => joinElements(into, from, joining, isMember),
    clear({ entries }, mutation) {
      for (const dots of entries.values()) mutation.replace(dots);
      return new Elements(true);
    },
    since(store, seen, kept) {
      const part = new Elements(true);
      for (const [value, dots] of store.entries) {
        const unseen = unseenDots(dots, seen, kept);
        if (unseen !== undefined) part.entries.set(value, unseen);
      }
      return part;
    },
    compact: (store, stable, mutation) => compactElements(store, stable, mutation, isMember),
    view: (store) => members(store, isMember).sort(compareScalars),
    latest: () => 0,
    write(store, to, places, whole) {
      if (!whole) to.byte(store.whole ? 1 : 0);
      to.number(store.entries.size);
      for (const value of [...store.entries.keys()].sort(compareScalars)) {
        writeScalar(value, to);
        writeDots(store.entries.get(value), to, places, payload);
      }
    },
    read: (from, whole) => readElements(from, whole, payload),
  };
}

/** The members, in the order in which they came. */
export function members(store: Elements, isMember: (dots: Dots) => boolean): Scalar[] {
  const found: Scalar[] = [];
  for (const [value, dots] of store.entries) if (isMember(dots)) found.push(value);
  return found;
}

function joinElements(
  into: Elements,
  from: Elements,
  joining: Joining,
  isMember: (dots: Dots) => boolean,
): Elements {
  const { mine, theirs } = joining;
  const whole = into.whole || from.whole;
  const put = (value: Scalar, before: Dots, after: Dots): void => {
    if (after !== undefined) into.entries.set(value, after);
    else if (whole) into.entries.delete(value);
    else if (!into.entries.has(value) || before !== undefined) into.entries.set(value, undefined);
    else return;
    joining.changed ||= before !== after;
    if (joining.changes === undefined) return;
    joining.path.push(value);
    joining.note(isMember(before), isMember(after));
    joining.path.pop();
  };
  for (const [value, dots] of from.entries) {
    const own = into.entries.get(value);
    const joined = joinDots(own, mine, dots, theirs);
    if (joined !== own || joined === undefined) put(value, own, joined);
  }
  if (from.whole) {
    for (const [value, own] of into.entries) {
      if (from.entries.has(value)) continue;
      const joined = joinDots(own, mine, undefined, theirs);
      if (joined !== own || joined === undefined) put(value, own, joined);
    }
  }
  into.whole = whole;
  return into;
}

// A no is needed as long as an add may come that is concurrent with it. Once it is stable there is
// none, and what it has overruled goes with it. That, too, must be stable: an add that was made
// elsewhere after the no had been let go does not say that it has seen it; but it is stable here
// only when a state was joined that lacks the no.
function compactElements(
  store: Elements,
  stable: CausalContext,
  mutation: Mutation,
  isMember: (dots: Dots) => boolean,
): Elements | undefined {
  const delta = new Elements(false);
  for (const [value, dots] of store.entries) {
    if (isMember(dots) || unseenDots(dots, stable, new DotList()) !== undefined) continue;
    mutation.replace(dots);
    delta.entries.set(value, undefined);
  }
  return delta.entries.size > 0 ? delta : undefined;
}

function readElements<T>(reader: DotReader, whole: boolean, payload: Payload<T>): Elements {
  const { from } = reader;
  const store = new Elements(whole || from.number(0, 1) === 1);
  let last: Scalar | undefined;
  for (let left = from.count(2); left > 0; left--) {
    const value = readScalar(from);
    if (last !== undefined && compareScalars(last, value) >= 0) {
      throw from.corrupt("elements out of order");
    }
    const dots = readDots(reader, payload);
    if (dots === undefined && store.whole) throw from.corrupt("an element without dots");
    store.entries.set(value, dots);
    last = value;
  }
  return store;
}
