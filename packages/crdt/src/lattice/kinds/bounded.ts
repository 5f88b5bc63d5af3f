// The rows of the bounded counter (V. Balegas et al., "Extending Eventually Consistent Cloud
// Databases for Enforcing Numeric Invariants", SRDS 2015, §IV): a replica may take away only as
// much as it has rights for. An increment makes rights, a decrement uses them up, and a transfer
// hands some to another replica, without a word from anybody else. So the sum never falls below
// the bound, whatever the network does: the rights of all, together, are the distance to it.
import type { Reader, Writer } from "../codec.ts";
import { compareStrings, isReplica, REPLICA_CHARACTERS_MAX } from "../scalar.ts";
import { type Row, type RowFormat, type Rows, sumOf } from "./rows.ts";

/** What one replica did. */
export interface RightsRow extends Row {
  /** What it added. */
  readonly made: number;
  /** What it took away. */
  readonly used: number;
  /** What it handed to others, by replica. */
  readonly granted: ReadonlyMap<string, number>;
}

/** The distance of the value from its bound: what was made, less what was used. */
export function distance(rows: Rows<RightsRow>): number {
  return sumOf(rows, ({ made, used }) => made - used);
}

/** How much a replica may take away. */
export function rightsOf(rows: Rows<RightsRow>, replica: string): number {
  const own = rows.get(replica);
  let rights = (own?.made ?? 0) - (own?.used ?? 0);
  for (const amount of own?.granted.values() ?? []) rights -= amount;
  for (const { granted } of rows.values()) rights += granted.get(replica) ?? 0;
  return rights;
}

/** How the rows are written and read. */
export const rightsFormat: RowFormat<RightsRow> = {
  view: distance,
  write({ made, used, granted }, to: Writer) {
    to.number(made);
    to.number(used);
    to.number(granted.size);
    for (const replica of [...granted.keys()].sort(compareStrings)) {
      to.string(replica);
      to.number(granted.get(replica)!);
    }
  },
  read(from: Reader, last) {
    const made = from.number();
    const used = from.number();
    const granted = new Map<string, number>();
    let before = "";
    for (let left = from.count(3); left > 0; left--) {
      const replica = from.string(REPLICA_CHARACTERS_MAX);
      if (!isReplica(replica) || replica <= before) throw from.corrupt("no name, or out of order");
      granted.set(replica, from.number(1));
      before = replica;
    }
    return { last, made, used, granted };
  },
};
