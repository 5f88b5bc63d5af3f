// What can be set, with its defaults and limits.
import { checkPath, type Files } from "@compendium/runtime";

const MIB = 2 ** 20;

/** How a log is opened. */
export interface WalOptions {
  /** The disk. */
  readonly files: Files;
  /** A folder that belongs to this log alone, and to one opener at a time. */
  readonly folder: string;
  /**
   * The size of a segment, in bytes, 4 KiB to 1 GiB; 16 MiB. Larger ones are made less often, and
   * take longer to make and to open. An append that does not fit gets a larger one.
   */
  readonly segmentBytes?: number;
  /** What may wait for the disk before appends are refused, in bytes; 64 MiB. */
  readonly pendingBytesMax?: number;
  /** What is written by one sync at most, in bytes, unless one append is larger; 4 MiB. */
  readonly batchBytesMax?: number;
  /** What syncs are timed by, in milliseconds; the process's monotonic clock. */
  readonly clock?: { now(): number };
}

/** The options, complete. */
export type WalSettings = Required<WalOptions>;

export function resolveOptions(options: WalOptions): WalSettings {
  const { segmentBytes = 16 * MIB, pendingBytesMax = 64 * MIB, batchBytesMax = 4 * MIB } = options;
  checkPath("folder", options.folder);
  integer("segmentBytes", segmentBytes, 4_096, 2 ** 30);
  integer("pendingBytesMax", pendingBytesMax, 1, Number.MAX_SAFE_INTEGER);
  integer("batchBytesMax", batchBytesMax, 1, 2 ** 30);
  const { files, folder, clock = performance } = options;
  return { files, folder, segmentBytes, pendingBytesMax, batchBytesMax, clock };
}

function integer(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${name} must be an integer in [${least}, ${most}], got ${value}`);
}
