// Planted bugs in the types on the lattice and in the tree, one for each known trap.
import type { Mutant as Planted } from "@compendium/house/planted";

/** A planted bug, and what is known to kill it. */
export interface Mutant extends Planted {
  /** The suites of schedules, or the type whose laws break. */
  readonly by: string;
  /** The first seed that is tried: one that is known to do it, where that saves time. */
  readonly seed: number;
}

const plant = (
  by: string,
  file: string,
  name: string,
  search: string,
  replacement: string,
  seed = 0,
): Mutant => ({ by, file, name, search, replacement, seed });

const [dot, context] = ["lattice/dot.ts", "lattice/context.ts"];

export const mutants: readonly Mutant[] = [
  // Dots and contexts.
  plant(
    "add-wins-set",
    dot,
    "a removed element comes back with an old delta",
    "return seenByA.has(b!.replica, b!.counter) ? undefined : b;",
    "return b;",
  ),
  plant(
    "add-wins-set",
    dot,
    "what the other never saw is removed",
    "return seenByB.has(a!.replica, a!.counter) ? undefined : a;",
    "return undefined;",
  ),
  plant(
    "mv-register",
    dot,
    "of concurrent writes the first is kept",
    "if (!seenByA.has(right!.replica, right!.counter)) {",
    "if (left === undefined && kept.length === 0 && !seenByA.has(right!.replica, right!.counter)) {",
  ),
  plant(
    "add-wins-set",
    context,
    "a gap is taken as seen, as in a version vector without a cloud",
    "if (added[0]! > end) {",
    "if (added[0]! > end) {\n      runs[runs.length - 1] = added[added.length - 1]!;\n      return true;\n    }\n    if (added[0]! > end) {",
  ),
  plant(
    "add-wins-map",
    "lattice/replicated.ts",
    "what is told since a version claims to know of all that is left out",
    "return new Delta(kind, store, context.minus(kept.context()));",
    "return new Delta(kind, store, context.minus(new DotList().context()));",
  ),
  // Sets and flags.
  plant(
    "add-wins-set",
    "lattice/add-wins-set.ts",
    "adding again does not renew",
    "mutation.replace(this.store.entries.get(checked));\n      delta.entries.set(checked, mutation.dot());",
    "if (!this.has(value)) delta.entries.set(checked, mutation.dot());",
  ),
  plant(
    "remove-wins-set",
    "lattice/remove-wins-set.ts",
    "what is not there is not deleted",
    "return this.#say(value, false);",
    "return this.has(value) ? this.#say(value, false) : this.mutate(() => new Elements(false));",
  ),
  plant(
    "remove-wins-set",
    "lattice/kinds/elements.ts",
    "one yes outweighs a no",
    "if (dot.value === false) return false;\n  return dots !== undefined;",
    "if (dot.value !== false) return true;\n  return false;",
  ),
  plant(
    "remove-wins-set",
    "lattice/kinds/elements.ts",
    "a tombstone goes before it is stable",
    "if (isMember(dots) || unseenDots(dots, stable, new DotList()) !== undefined) continue;",
    "if (isMember(dots)) continue;",
    547,
  ),
  plant(
    "disable-wins-flag",
    "lattice/disable-wins-flag.ts",
    "disabling says nothing",
    "return this.#say(false);",
    "return this.mutate((mutation) => {\n      mutation.replace(this.store);\n      return undefined;\n    });",
  ),
  plant(
    "two-phase-set",
    "lattice/two-phase-set.ts",
    "a deleted element is added again",
    "if (!this.store.entries.has(checked)) delta.entries.set(checked, mutation.dot(true));",
    "mutation.replace(this.store.entries.get(checked));\n      delta.entries.set(checked, mutation.dot(true));",
  ),
  plant(
    "lww-register",
    "lattice/kinds/leaf.ts",
    "of equal times each replica prefers another write",
    "if (last === undefined || write.stamp >= last.stamp) last = write;",
    "if (last === undefined || write.stamp > last.stamp) last = write;",
  ),
  plant(
    "lww-register",
    "clock/hybrid-logical-clock.ts",
    "a clock does not learn from the timestamps that it sees",
    "this.#last = Math.max(this.#last, stamp);",
    "this.#last = Math.max(this.#last, 0);",
  ),
  // Counters.
  plant(
    "pn-counter",
    "lattice/kinds/rows.ts",
    "an older row overwrites a newer one",
    "if (own !== undefined && own.last >= row.last) continue;",
    "if (own !== undefined && own.last === row.last) continue;",
  ),
  plant(
    "bounded-counter",
    "lattice/bounded-counter.ts",
    "a decrement is told without what gave it the right",
    "const rows = new Map(this.store);",
    "const rows = new Map([...this.store].filter(([name]) => name === mutation.replica));",
  ),
  plant(
    "bounded-counter",
    "lattice/kinds/bounded.ts",
    "rights that were handed on can be used as well",
    "for (const amount of own?.granted.values() ?? []) rights -= amount;",
    "for (const amount of own?.granted.values() ?? []) rights -= amount > 0 ? 0 : amount;",
  ),
  plant(
    "counter",
    "lattice/kinds/resettable.ts",
    "a reset takes unseen increments along",
    "const { last, total } = a.last >= b.last ? a : b;",
    "const { last, total } = b.seen > a.seen ? b : a.last >= b.last ? a : b;",
  ),
  plant(
    "add-wins-map",
    "lattice/kinds/resettable.ts",
    "a removed account is let go before its removal is stable",
    "if (seen !== last || !stable.has(remover, removal)) continue;",
    "if (seen !== last) continue;",
    6_126,
  ),
  plant(
    "counter",
    "lattice/kinds/resettable.ts",
    "what was removed is not told to whoever knows the rest",
    "if (removed === 0 && seen.has(replica, last)) kept.add(replica, last);",
    "if (seen.has(replica, last)) kept.add(replica, last);",
  ),
  // Maps.
  plant(
    "remove-wins-map",
    "lattice/site.ts",
    "an update after a deletion brings back what was deleted",
    "const cleared = kind.clear(field.store, mutation);",
    "const cleared = kind.empty(false);",
  ),
  plant(
    "remove-wins-map",
    "lattice/kinds/fields.ts",
    "deleting what is not there leaves no mark",
    "const marks = removeWins ? mutation.dot() : undefined;",
    "const marks = removeWins && kind.isPresent(field.store) ? mutation.dot() : undefined;",
  ),
  plant(
    "remove-wins-map",
    "lattice/kinds/fields.ts",
    "a mark is let go before it is stable",
    "if (field.marks !== undefined && isStable(field, stable)) {",
    "if (field.marks !== undefined) {",
  ),
  plant(
    "nested-map",
    "lattice/kinds/fields.ts",
    "deleting a map keeps the maps within",
    "cleared.store = field.kind.clear(field.store, mutation);",
    "cleared.store = field.store;",
  ),
  // The tree.
  plant(
    "movable-tree",
    "tree/move-log.ts",
    "a move below itself takes effect",
    "if (this.isAbove(node, this.#parent[move]!)) {",
    "if (node === this.#parent[move]!) {",
  ),
  plant(
    "movable-tree",
    "tree/move-log.ts",
    "a late move is done after the later ones",
    "if (high === low || this.#isLater(move, this.#order[high - 1]!)) return high;",
    "if (high >= low) return high;",
  ),
  plant(
    "movable-tree",
    "tree/move-log.ts",
    "undoing a move without effect moves the node all the same",
    "if (before === NO_EFFECT) continue;",
    "if (before === NO_EFFECT && move < 0) continue;",
  ),
  plant(
    "movable-tree",
    "tree/move-log.ts",
    "equal times are ordered by arrival",
    "return compareStrings(this.#replicaNames[left]!, this.#replicaNames[right]!) > 0;",
    "return left > right;",
  ),
  plant(
    "movable-tree",
    "tree/position.ts",
    "a position is not followed by the name of its move",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source of a template.
    "return `${position}${String.fromCharCode(LOW)}${replica}${name}`;",
    "return position;",
  ),
  plant(
    "movable-tree",
    "tree/siblings.ts",
    "a node stays in the list that it left",
    "if (sorted !== undefined) sorted.splice(sorted.indexOf(node), 1);",
    "if (sorted !== undefined && sorted[0] === node) sorted.splice(0, 1);",
  ),
  // Bytes.
  plant(
    "laws",
    "encoding/frame.ts",
    "the check is not looked at",
    "if (crc32c(bytes, 0, to) !== (low | (bytes[to + 3]! << 24)) >>> 0) {",
    "if (to < 0) {",
  ),
];
