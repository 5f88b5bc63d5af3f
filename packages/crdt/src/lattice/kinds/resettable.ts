// The counter that lives in maps. Removing a key must take away what its remover has seen, and keep
// what he has not; a PN-counter cannot, and a dot for each increment would grow without end (C.
// Baquero, P. S. Almeida, C. Lerche, "The Problem with Embedded CRDT Counters and a Solution",
// PaPoC 2016). Here each replica has one account: its running total and, after a removal, the part
// of it that was seen. The value is the sum of what is beyond, so that a removal can be told in two
// numbers, and is exact whatever it crosses on its way. Ours, not the paper's: they renew dots.
//
// A removed account leaves those numbers behind until the removal is stable.
import type { CausalContext } from "../context.ts";
import { some } from "../dot.ts";
import type { DotReader, Joining, Kind, Mutation, Places } from "../kind.ts";

/** What one replica has counted, and what of it was removed. */
export interface Account {
  /** The dot of its first update since it was last let go. */
  readonly start: number;
  /** The dot of its last update. Invariant: start <= last. */
  readonly last: number;
  /** The sum of its updates. */
  readonly total: number;
  /** The last dot that a removal has seen; 0 for none. Invariant: seen <= last. */
  readonly seen: number;
  /** The sum of the updates up to there. */
  readonly removed: number;
  /** The removal itself, by its dot; the empty name for none. */
  readonly remover: string;
  readonly removal: number;
}

/** An account for each replica. */
export type Accounts = Map<string, Account>;

/** The sum of what was not removed. */
export function balance(accounts: Accounts): number {
  let sum = 0;
  for (const { total, removed } of accounts.values()) sum += total - removed;
  return sum;
}

/** The kind of the counter that can be removed. */
export function resettableKind(name: string, tag: number): Kind<Accounts> {
  return {
    name,
    tag,
    empty: () => new Map(),
    isEmpty: (accounts) => accounts.size === 0,
    isPresent: (accounts) => some(accounts.values(), ({ last, seen }) => last > seen),
    join: joinAccounts,
    clear(accounts, mutation) {
      const cleared: Accounts = new Map();
      for (const [replica, account] of accounts) {
        const { last: seen, total: removed } = account;
        // A dot for each: whoever hears of one account's removal need not know of another's.
        const removal = mutation.count();
        mutation.see(replica, seen);
        const remover = mutation.replica;
        cleared.set(replica, { ...account, seen, removed, remover, removal });
      }
      return cleared;
    },
    since(accounts, seen, kept) {
      const part: Accounts = new Map();
      for (const [replica, account] of accounts) {
        // What was removed is told always: that a dot was seen does not say its removal was.
        const { last, seen: removed } = account;
        if (removed === 0 && seen.has(replica, last)) kept.add(replica, last);
        else part.set(replica, account);
      }
      return part;
    },
    compact: compactAccounts,
    view: balance,
    latest: () => 0,
    write(accounts, to, places: Places) {
      to.number(accounts.size);
      for (const [replica, place] of places) {
        const account = accounts.get(replica);
        if (account === undefined) continue;
        to.number(place);
        to.number(account.last);
        to.number(account.last - account.start);
        to.signed(account.total);
        to.number(account.seen);
        if (account.seen === 0) continue;
        to.signed(account.removed);
        to.number(places.get(account.remover)!);
        to.number(account.removal);
      }
    },
    read: readAccounts,
  };
}

function joinAccounts(into: Accounts, from: Accounts, joining: Joining): Accounts {
  const before = joining.changes && balance(into);
  for (const [replica, account] of from) {
    const own = into.get(replica);
    if (own === undefined) {
      // Seen and absent: it was let go here, and all of it had been removed.
      if (joining.mine.has(replica, account.last)) continue;
      into.set(replica, account);
      joining.changed = true;
      continue;
    }
    const joined = joinAccount(own, account);
    if (joined === own) continue;
    into.set(replica, joined);
    joining.changed = true;
  }
  for (const [replica, account] of into) {
    if (from.has(replica) || !joining.theirs.has(replica, account.last)) continue;
    into.delete(replica);
    joining.changed = true;
  }
  if (joining.changes !== undefined) joining.note(before, balance(into));
  return into;
}

// An account that began later knows that all before it was removed.
function joinAccount(a: Account, b: Account): Account {
  if (a.start !== b.start) return a.start > b.start ? a : b;
  const { last, total } = a.last >= b.last ? a : b;
  const { seen, removed, remover, removal } = isLaterRemoval(b, a) ? b : a;
  if (last === a.last && seen === a.seen && remover === a.remover && removal === a.removal) {
    return a;
  }
  return { start: a.start, last, total, seen, removed, remover, removal };
}

function isLaterRemoval(a: Account, b: Account): boolean {
  if (a.seen !== b.seen) return a.seen > b.seen;
  if (a.removal !== b.removal) return a.removal > b.removal;
  return a.remover > b.remover;
}

// Once the removal is stable, the replica itself counts on with its account, or from zero in a new
// one: no increment can come any more that does not know of the removal.
function compactAccounts(
  accounts: Accounts,
  stable: CausalContext,
  mutation: Mutation,
): Accounts | undefined {
  let found = false;
  for (const [replica, { last, seen, remover, removal }] of accounts) {
    if (seen !== last || !stable.has(remover, removal)) continue;
    // Seen, and not there: that lets it go.
    mutation.see(replica, last);
    found = true;
  }
  return found ? new Map() : undefined;
}

function readAccounts(reader: DotReader): Accounts {
  const { from } = reader;
  const accounts: Accounts = new Map();
  let before = "";
  for (let left = from.count(5); left > 0; left--) {
    const replica = reader.replica();
    if (replica <= before) throw from.corrupt("accounts out of order");
    const last = reader.counter(replica);
    const start = last - from.number(0, last - 1);
    const total = from.signed();
    const seen = from.number(0, last);
    if (seen !== 0 && seen < start) throw from.corrupt("removed before it began");
    const removed = seen === 0 ? 0 : from.signed();
    const remover = seen === 0 ? "" : reader.replica();
    const removal = seen === 0 ? 0 : reader.counter(remover);
    accounts.set(replica, { start, last, total, seen, removed, remover, removal });
    before = replica;
  }
  return accounts;
}
