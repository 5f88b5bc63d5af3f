// Maglev hashing (D. E. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
// Balancer", NSDI 2016, §3.4). Every host has a preference list, a permutation of the slots of a
// table whose size M is a prime: (offset + k × skip) mod M. Hosts take turns, and each takes the
// first slot of its list that is free, until none is. A request goes to the slot of its hash.
//
// Turns make it even: with M over a hundred times the hosts, shares differ by 1 % at most. Lists
// that depend on nothing but the host make it consistent: when one of n leaves, its keys move, and
// of the others' a few. Asking costs one remainder, where a ring has to be searched.
//
// With weights a host sits out the turns that are not due to it, as in Envoy: after i turns it has
// taken i × weight / (the greatest weight) slots. Hosts take turns in the order of their addresses,
// so that a table does not depend on how the hosts were listed.
import type { Host } from "../cluster/host.ts";
import type { HostPicker, RequestHash, WeightedHosts } from "./balancer.ts";
import { hashModulo } from "./xxh64.ts";

const HASH_MAX = 2 ** 53 - 1;
const TWO_31 = 2 ** 31;
const FREE = 0xffff_ffff;

interface Entry {
  readonly host: Host;
  readonly weight: number;
  readonly skip: number;
  /** The next slot of the preference list. */
  slot: number;
  /** What i × weight must have reached for a turn. */
  due: number;
}

/** Picks by hash: one look into a table. Building is O(M log M) on average. */
export class MaglevPicker implements HostPicker {
  readonly #hosts: readonly Host[];
  // Of each slot, the index of its host.
  readonly #table: Uint32Array;

  /** @param tableSize a prime: else lists would leave slots out, and the turns might never end */
  constructor({ hosts, weights }: WeightedHosts, tableSize: number) {
    const entries = hosts
      .map((host, i): Entry => {
        const skip = hashModulo(host.address, tableSize - 1, 1) + 1;
        const slot = hashModulo(host.address, tableSize);
        return { host, weight: weights[i]!, skip, slot, due: 0 };
      })
      .sort((a, b) => (a.host.address < b.host.address ? -1 : 1));
    this.#hosts = entries.map(({ host }) => host);
    this.#table = fill(entries, tableSize);
  }

  pick(hash: RequestHash, attempt: number): Host {
    return this.#hosts[this.#table[slotOf(hash, attempt, this.#table.length)]!]!;
  }
}

function fill(entries: readonly Entry[], size: number): Uint32Array {
  const table = new Uint32Array(size).fill(FREE);
  const greatest = entries.reduce((most, { weight }) => Math.max(most, weight), 0);
  let free = size;
  for (let turn = 1; ; turn++) {
    for (const [index, entry] of entries.entries()) {
      if (turn * entry.weight < entry.due) continue;
      entry.due += greatest;
      table[takeSlot(entry, table)] = index;
      if (--free === 0) return table;
    }
  }
}

function takeSlot(entry: Entry, table: Uint32Array): number {
  const { skip } = entry;
  let { slot } = entry;
  while (table[slot] !== FREE) slot = advance(slot, skip, table.length);
  entry.slot = advance(slot, skip, table.length);
  return slot;
}

function advance(slot: number, skip: number, size: number): number {
  const next = slot + skip;
  return next >= size ? next - size : next;
}

// Envoy's way to another host: XOR with the complement of attempt - 1, which changes most bits.
function slotOf(hash: RequestHash, attempt: number, size: number): number {
  if (typeof hash === "bigint") {
    const mask = attempt === 0 ? 0n : -BigInt(attempt);
    return Number(BigInt.asUintN(64, hash ^ mask) % BigInt(size));
  }
  if (attempt === 0) return hash % size;
  const low = hash % TWO_31;
  return (HASH_MAX - (hash - low + (low ^ (attempt - 1)))) % size;
}
