// Flags and registers: a leaf of dots. A write makes one dot and replaces those it has seen, so
// that more than one is there only while writes are concurrent. How these are then read is the
// type: any of them, the latest, all of them. Left out: everything about maps around a leaf.
import type { Reader, Writer } from "../codec.ts";
import type { CausalContext, DotList } from "../context.ts";
import { compareDots, Dot, type Dots, each, joinDots, listOf } from "../dot.ts";
import type { DotReader, Kind, Places } from "../kind.ts";
import { readScalar, type Scalar, writeScalar } from "../scalar.ts";

/** How the values of dots are written and read. */
export interface Payload<T> {
  write(value: T, to: Writer): void;
  read(from: Reader): T;
}

/** Dots that say nothing but that they are there. */
export const nothing: Payload<undefined> = { write: () => {}, read: () => undefined };

/** Dots that say yes or no. */
export const yesOrNo: Payload<boolean> = {
  write: (value, to) => to.byte(value ? 1 : 0),
  read: (from) => from.number(0, 1) === 1,
};

/** Dots that say a scalar. */
export const scalar: Payload<Scalar> = { write: writeScalar, read: readScalar };

/** A scalar, and when it was written. */
export interface Stamped {
  readonly stamp: number;
  readonly value: Scalar;
}

/** Dots that say a scalar and a time. */
export const stamped: Payload<Stamped> = {
  write: ({ stamp, value }, to) => {
    to.number(stamp);
    writeScalar(value, to);
  },
  read: (from) => ({ stamp: from.number(), value: readScalar(from) }),
};

/** Writes a list of dots in order. */
export function writeDots<T>(dots: Dots, to: Writer, places: Places, payload: Payload<T>): void {
  to.number([...each(dots)].length);
  for (let dot = dots; dot !== undefined; dot = dot.next) {
    to.number(places.get(dot.replica)!);
    to.number(dot.counter);
    payload.write(dot.value as T, to);
  }
}

/** Reads a list of dots. */
export function readDots<T>(reader: DotReader, payload: Payload<T>): Dots {
  const dots: Dot[] = [];
  for (let left = reader.from.count(2); left > 0; left--) {
    const replica = reader.replica();
    const counter = reader.counter(replica);
    const dot = new Dot(replica, counter, payload.read(reader.from), undefined);
    const last = dots.at(-1);
    if (last !== undefined && compareDots(last, dot) >= 0) {
      throw reader.from.corrupt("dots out of order");
    }
    dots.push(dot);
  }
  return listOf(dots);
}

/** The dots that are not seen; the others are kept. */
export function unseenDots(dots: Dots, seen: CausalContext, kept: DotList): Dots {
  const unseen: Dot[] = [];
  for (const dot of each(dots)) {
    if (seen.has(dot.replica, dot.counter)) kept.add(dot.replica, dot.counter);
    else unseen.push(dot);
  }
  return listOf(unseen);
}

/** The latest write: the highest timestamp, and of equal ones the last replica's. */
export function lastWrite(dots: Dots): Stamped | undefined {
  let last: Stamped | undefined;
  for (let dot = dots; dot !== undefined; dot = dot.next) {
    const write = dot.value as Stamped;
    if (last === undefined || write.stamp >= last.stamp) last = write;
  }
  return last;
}

/** A kind whose store is a leaf of dots. */
export function leafKind<T>(
  name: string,
  tag: number,
  payload: Payload<T>,
  view: (dots: Dots) => unknown,
): Kind<Dots> {
  return {
    name,
    tag,
    empty: () => undefined,
    isEmpty: (dots) => dots === undefined,
    isPresent: (dots) => dots !== undefined,
    join(into, from, joining) {
      const joined = joinDots(into, joining.mine, from, joining.theirs);
      if (joined === into) return into;
      joining.changed = true;
      if (joining.changes !== undefined) joining.note(view(into), view(joined));
      return joined;
    },
    clear(dots, mutation) {
      mutation.replace(dots);
      return undefined;
    },
    since: unseenDots,
    compact: () => undefined,
    view,
    latest: (dots) => {
      let latest = 0;
      if ((payload as unknown) !== stamped) return latest;
      for (const dot of each(dots)) latest = Math.max(latest, (dot.value as Stamped).stamp);
      return latest;
    },
    write: (dots, to, places) => writeDots(dots, to, places, payload),
    read: (from) => readDots(from, payload),
  };
}
