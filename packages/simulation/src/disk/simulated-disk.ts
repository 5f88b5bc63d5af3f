// One node's disk: it outlives the processes that use it, and is where the faults of a disk live.
// How long an operation takes is drawn for each; what it does happens at its end.

import type { Random } from "@compendium/runtime";
import type { FileImage } from "./file-image.ts";
import { NameTree } from "./name-tree.ts";

/** Lowest and highest, in microseconds; each value in between is equally likely. */
export type RangeUs = readonly [lowest: number, highest: number];

/** What kind of disk it is. */
export interface DiskOptions {
  /** Reading, listing and opening. Default 20 to 200. */
  readUs?: RangeUs;
  /** Writing into the cache, and changing names. Default 10 to 100. */
  writeUs?: RangeUs;
  /** Carrying over to the platter. Default 200 to 3,000. */
  syncUs?: RangeUs;
  /** The space. Default: without end. */
  capacityBytes?: number;
  /**
   * What a file shows after a failed sync when it is opened again: what the platter holds (`old`,
   * as XFS and btrfs may), what had been written (`new`, as ext4 does), or now one, now the other.
   * Default `either`.
   */
  syncFailureShows?: "old" | "new" | "either";
}

export const DISK_DEFAULTS: Required<DiskOptions> = {
  readUs: [20, 200],
  writeUs: [10, 100],
  syncUs: [200, 3_000],
  capacityBytes: 2 ** 53,
  syncFailureShows: "either",
};

/** A disk with its contents and its troubles. */
export class SimulatedDisk {
  readonly #options: Required<DiskOptions>;
  readonly #random: Random;
  names: NameTree = new NameTree();

  /** No more space, whatever the capacity says. */
  full = false;
  /** Every operation takes that many times as long. */
  slowness = 1;
  /** How many syncs are still to fail. */
  failingSyncs = 0;
  /** How many writes are still to fail. */
  failingWrites = 0;

  constructor(options: DiskOptions, random: Random) {
    this.#options = { ...DISK_DEFAULTS, ...options };
    this.#random = random;
  }

  get random(): Random {
    return this.#random;
  }

  /** Draws how long an operation takes. */
  latencyUs(kind: "read" | "write" | "sync"): number {
    const [lowest, highest] = this.#options[`${kind}Us`];
    return (lowest + this.#random.below(highest - lowest + 1)) * this.slowness;
  }

  /** Takes space for a file up to `bytes`; false when there is none. */
  take(file: FileImage, bytes: number): boolean {
    const more = bytes - file.allocatedBytes;
    if (more <= 0) return true;
    if (this.full || this.#usedBytes() + more > this.#options.capacityBytes) return false;
    file.allocatedBytes = bytes;
    return true;
  }

  #usedBytes(): number {
    if (this.#options.capacityBytes >= 2 ** 53) return 0;
    return this.names.files().reduce((sum, [, { allocatedBytes }]) => sum + allocatedBytes, 0);
  }

  /** True when the sync that ends now has failed. */
  takeSyncFault(): boolean {
    if (this.failingSyncs === 0) return false;
    this.failingSyncs--;
    return true;
  }

  /** True when the write that ends now has failed. */
  takeWriteFault(): boolean {
    if (this.failingWrites === 0) return false;
    this.failingWrites--;
    return true;
  }

  syncFailureShows(): "old" | "new" {
    const { syncFailureShows } = this.#options;
    if (syncFailureShows !== "either") return syncFailureShows;
    return this.#random.below(2) === 0 ? "old" : "new";
  }

  /** The machine lost its power. */
  cutPower(): void {
    this.names.cutPower(this.#random);
    for (const [, file] of this.names.files()) file.cutPower(this.#random);
  }

  /** The process died; the kernel lives on, and with it what was written. */
  kill(): void {
    for (const [, file] of this.names.files()) file.kill(this.#random);
  }

  /** Another disk stands in its place, an empty one. */
  replace(): void {
    this.names = new NameTree();
  }

  /** Flips one bit somewhere; `draw` says where. False when there is nothing to flip. */
  rot(draw: number): boolean {
    const files = this.names.files().filter(([, file]) => file.size > 0);
    const bytes = files.reduce((sum, [, file]) => sum + file.size, 0);
    if (bytes === 0) return false;
    let at = Math.floor(draw / 8) % bytes;
    for (const [, file] of files) {
      if (at < file.size) {
        file.rot(at, draw % 8);
        return true;
      }
      at -= file.size;
    }
    return false;
  }

  /** The troubles end; what they have done stays. */
  heal(): void {
    this.full = false;
    this.slowness = 1;
    this.failingSyncs = 0;
    this.failingWrites = 0;
  }
}
