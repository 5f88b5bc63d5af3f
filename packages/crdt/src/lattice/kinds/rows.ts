// Counters that only a replica's own updates change: one row for each replica, written by nobody
// else. So two versions of a row are always one before the other, and the join takes the later: of
// counts that only rise it is the larger, the pointwise maximum of the textbook (M. Shapiro et al.,
// "A Comprehensive Study of Convergent and Commutative Replicated Data Types", 2011, §3.1).
import type { Reader, Writer } from "../codec.ts";
import type { Joining, Kind, Places } from "../kind.ts";

/** What one replica has counted. */
export interface Row {
  /** The dot of its last update. */
  readonly last: number;
}

/** A row for each replica. */
export type Rows<R extends Row> = Map<string, R>;

/** What distinguishes one kind of rows from another. */
export interface RowFormat<R extends Row> {
  view(rows: Rows<R>): number;
  write(row: R, to: Writer): void;
  read(from: Reader, last: number): R;
}

/** A kind whose store is a row for each replica. */
export function rowsKind<R extends Row>(
  name: string,
  tag: number,
  format: RowFormat<R>,
): Kind<Rows<R>> {
  return {
    name,
    tag,
    empty: () => new Map(),
    isEmpty: (rows) => rows.size === 0,
    isPresent: (rows) => rows.size > 0,
    join: (into, from, joining) => joinRows(into, from, joining, format),
    clear: () => {
      throw new TypeError(`a ${name} cannot be removed`);
    },
    since(rows, seen, kept) {
      const part: Rows<R> = new Map();
      for (const [replica, row] of rows) {
        if (seen.has(replica, row.last)) kept.add(replica, row.last);
        else part.set(replica, row);
      }
      return part;
    },
    compact: () => undefined,
    view: (rows) => format.view(rows),
    latest: () => 0,
    write(rows, to, places: Places) {
      to.number(rows.size);
      for (const [replica, place] of places) {
        const row = rows.get(replica);
        if (row === undefined) continue;
        to.number(place);
        to.number(row.last);
        format.write(row, to);
      }
    },
    read(reader) {
      const rows: Rows<R> = new Map();
      let before = "";
      for (let left = reader.from.count(3); left > 0; left--) {
        const replica = reader.replica();
        if (replica <= before) throw reader.from.corrupt("rows out of order");
        rows.set(replica, format.read(reader.from, reader.counter(replica)));
        before = replica;
      }
      return rows;
    },
  };
}

/** The sum over all rows. */
export function sumOf<R extends Row>(rows: Rows<R>, value: (row: R) => number): number {
  let sum = 0;
  for (const row of rows.values()) sum += value(row);
  return sum;
}

function joinRows<R extends Row>(
  into: Rows<R>,
  from: Rows<R>,
  joining: Joining,
  { view }: RowFormat<R>,
): Rows<R> {
  const before = joining.changes && view(into);
  for (const [replica, row] of from) {
    const own = into.get(replica);
    if (own !== undefined && own.last >= row.last) continue;
    into.set(replica, row);
    joining.changed = true;
  }
  if (joining.changes !== undefined) joining.note(before, view(into));
  return into;
}
