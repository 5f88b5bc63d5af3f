// One file, twice: what a read shows (the page cache) and what the platter holds, and between the
// two the writes that no sync has carried over. A power cut carries over whatever it likes of them:
// all, none, or any 512-byte sector of each write, in the order in which they were asked for (D.
// Bacon et al. and SQLite's "Atomic Commit" take a sector as the unit that is written whole; T.
// Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014, found all of this in the
// wild).
//
// A write is pending from the moment it is asked for: the disk may have started on it before the
// caller hears that it is done. A sync covers only what had settled when it was called.
//
// A failed sync is the nastiest: the kernel marks the pages clean and forgets them. Each write that
// it covered is on the platter or not, no later sync will retry, and a read may show the new bytes
// all the same (A. Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020).

import type { Random } from "@compendium/runtime";
import { SparseBytes } from "./sparse-bytes.ts";

/** The unit that a disk writes whole. */
export const SECTOR_BYTES = 512;

/** A change that the platter may not have seen yet. */
export interface PendingChange {
  readonly kind: "write" | "resize" | "grow";
  /** Of a write, where; otherwise the new size. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  settled: boolean;
}

const NO_BYTES = new Uint8Array(0);

/** A file's bytes: as read, and as they would be found after a power cut. */
export class FileImage {
  #cache: SparseBytes = new SparseBytes();
  #platter: SparseBytes = new SparseBytes();
  // Invariant: platter + pending (in order) = cache, unless a sync failed or bits rotted.
  #pending: PendingChange[] = [];
  /** Space is taken up to here: a write below it needs none. */
  allocatedBytes = 0;

  get size(): number {
    return this.#cache.size;
  }

  get unsynced(): number {
    return this.#pending.length;
  }

  read(into: Uint8Array, offset: number): number {
    return this.#cache.read(into, offset);
  }

  /** Begins a change; it is visible to reads once it is settled. */
  begin(kind: PendingChange["kind"], offset: number, bytes: Uint8Array = NO_BYTES): PendingChange {
    const change = { kind, offset, bytes, settled: false };
    this.#pending.push(change);
    return change;
  }

  settle(change: PendingChange): void {
    change.settled = true;
    apply(change, this.#cache);
  }

  /** A change that fails half-way: some of its sectors are there, and may reach the platter. */
  tear(change: PendingChange, random: Random): void {
    const kept = sectorsOf(change).filter(() => random.below(2) === 0);
    const at = this.#pending.indexOf(change);
    this.#pending.splice(at, 1, ...kept.map((part) => ({ ...part, settled: true })));
    for (const part of kept) apply(part, this.#cache);
  }

  /** What a sync that begins now has to carry over. */
  settledChanges(): PendingChange[] {
    return this.#pending.filter(({ settled }) => settled);
  }

  /** A sync of these has succeeded. */
  persist(changes: readonly PendingChange[]): void {
    const covered = new Set(changes);
    // One that a sync beside this one has carried over already is not pending any more.
    for (const change of this.#pending) if (covered.has(change)) apply(change, this.#platter);
    this.#pending = this.#pending.filter((change) => !covered.has(change));
  }

  /** A sync of these has failed: each is on the platter or never will be. */
  loseSync(changes: readonly PendingChange[], random: Random, readsShow: "old" | "new"): void {
    const covered = new Set(changes);
    for (const change of this.#pending) {
      if (covered.has(change)) this.#carryOver(change, random, "any");
    }
    this.#pending = this.#pending.filter((change) => !covered.has(change));
    if (readsShow === "old") this.#rebuildCache();
  }

  /** The power went: what is pending is carried over in whole, in part or not at all. */
  cutPower(random: Random): void {
    const mode = (["all", "none", "any", "any"] as const)[random.below(4)] as
      | "all"
      | "none"
      | "any";
    for (const change of this.#pending) this.#carryOver(change, random, mode);
    this.#pending = [];
    this.#cache = this.#platter.copy();
    this.allocatedBytes = Math.min(this.allocatedBytes, this.#platter.size);
  }

  /** The process died and the kernel did not: what had settled stays, what was under way may be. */
  kill(random: Random): void {
    for (const change of this.#pending.filter(({ settled }) => !settled)) {
      this.tear(change, random);
    }
  }

  /** Flips one bit of the platter, and of the cache, which is read from it sooner or later. */
  rot(offset: number, bit: number): void {
    this.#cache.flipBit(offset, bit);
    if (offset < this.#platter.size) this.#platter.flipBit(offset, bit);
  }

  #carryOver(change: PendingChange, random: Random, mode: "all" | "none" | "any"): void {
    if (mode === "none") return;
    if (mode === "all") return apply(change, this.#platter);
    for (const part of sectorsOf(change)) {
      if (random.below(2) === 0) apply(part, this.#platter);
    }
  }

  #rebuildCache(): void {
    this.#cache = this.#platter.copy();
    for (const change of this.#pending) if (change.settled) apply(change, this.#cache);
  }
}

function apply({ kind, offset, bytes }: PendingChange, to: SparseBytes): void {
  if (kind === "write") to.write(bytes, offset);
  else if (kind === "resize" || offset > to.size) to.resize(offset);
}

/** The parts of a change that stand or fall on their own. */
function sectorsOf(change: PendingChange): PendingChange[] {
  const { kind, offset, bytes } = change;
  if (kind !== "write") return [change];
  const parts: PendingChange[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + SECTOR_BYTES - ((offset + start) % SECTOR_BYTES));
    parts.push({ ...change, offset: offset + start, bytes: bytes.subarray(start, end) });
    start = end;
  }
  return parts;
}
