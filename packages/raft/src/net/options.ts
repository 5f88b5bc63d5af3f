// What can be set about the links between members, with its defaults and limits.
import type { Clock, Random, Transport } from "@compendium/runtime";

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** How the links between members are set up. */
export interface PeerLinksOptions {
  /** What links are made of: TCP, gRPC, or a simulation. */
  readonly transport: Transport;
  /** Where to listen, in the transport's notation. */
  readonly address: string;
  /** The name of the group, of 1 to 256 bytes: members of another one are refused. */
  readonly group: string;
  /** What is measured by and waited with. */
  readonly clock: Clock;
  /** What delays, and the names of links, are drawn from. */
  readonly random: Random;
  /**
   * The largest message, in bytes: 4 MiB less 1 KiB. A larger one is dropped, so that no command
   * may come near it. The transport must take messages of 16 bytes more.
   */
  readonly messageBytesMax?: number;
  /**
   * What may be on its way to one member and unread, in bytes, before entries wait: 1 MiB. So much,
   * and one append, can stand before a heartbeat. On a long way, a link carries no more than this
   * in each round trip.
   */
  readonly windowBytes?: number;
  /** How many bytes of entries may wait for one member: 16 MiB. */
  readonly bulkBytesMax?: number;
  /** How many bytes of all else may wait for one member: 4 MiB. */
  readonly urgentBytesMax?: number;
  /** How many messages may wait for one member, in each of the two queues: 4,096. */
  readonly waitingMax?: number;
  /** How long it may take to connect, and then to get to know each other: 1,000. */
  readonly connectTimeoutMs?: number;
  /** After a first attempt to connect that failed: 20; twice that after each further one. */
  readonly backoffMinMs?: number;
  /** Up to that: 500. What is waited is drawn from the upper half. */
  readonly backoffMaxMs?: number;
  /**
   * A member that has been sent something and is not heard for that long is gone: 3,000. What is
   * heard is acknowledged within a quarter of it.
   */
  readonly silenceMs?: number;
  /** How long `close` waits for what is queued: 1,000. */
  readonly closeTimeoutMs?: number;
  /** How many members are known at a time: 256. */
  readonly peersMax?: number;
  /** How many links may be open whose other end has not said who it is: 64. */
  readonly strangersMax?: number;
  /** The pieces in which snapshots travel, in bytes: 256 KiB. */
  readonly chunkBytes?: number;
  /** The largest snapshot that is accepted, in bytes: 256 MiB. */
  readonly snapshotBytesMax?: number;
  /** How many attempts in a row may bring a snapshot no further: 5. */
  readonly snapshotAttemptsMax?: number;
  /** How many snapshots may be on their way here at a time: 2. */
  readonly partialSnapshotsMax?: number;
  /** How long the part of a snapshot that has arrived is kept when its link is gone: 60,000. */
  readonly partialSnapshotKeepMs?: number;
}

/** The options, complete. */
export type PeerLinksSettings = Required<PeerLinksOptions>;

// What is acknowledged at the latest; a window must not be used up before.
export const ACKNOWLEDGE_BYTES: number = 64 * KIB;
/** How long the name of a group is at most, in bytes. */
export const GROUP_BYTES_MAX = 256;

const LIMITS: Readonly<Record<string, readonly [number, number]>> = {
  messageBytesMax: [KIB, GIB],
  windowBytes: [2 * ACKNOWLEDGE_BYTES, GIB],
  bulkBytesMax: [1, 4 * GIB],
  urgentBytesMax: [1, 4 * GIB],
  waitingMax: [1, 2 ** 20],
  connectTimeoutMs: [1, 60_000],
  backoffMinMs: [1, 60_000],
  backoffMaxMs: [1, 600_000],
  silenceMs: [4, 600_000],
  closeTimeoutMs: [0, 60_000],
  peersMax: [1, 65_536],
  strangersMax: [1, 65_536],
  chunkBytes: [KIB, 16 * MIB],
  snapshotBytesMax: [1, 4 * GIB],
  snapshotAttemptsMax: [1, 1_000],
  partialSnapshotsMax: [1, 256],
  partialSnapshotKeepMs: [0, 3_600_000],
};

/** Throws a RangeError that names the option, its value and what it may be. */
export function resolveOptions(options: PeerLinksOptions): PeerLinksSettings {
  const settings: PeerLinksSettings = {
    messageBytesMax: 4 * MIB - KIB,
    windowBytes: MIB,
    bulkBytesMax: 16 * MIB,
    urgentBytesMax: 4 * MIB,
    waitingMax: 4_096,
    connectTimeoutMs: 1_000,
    backoffMinMs: 20,
    backoffMaxMs: 500,
    silenceMs: 3_000,
    closeTimeoutMs: 1_000,
    peersMax: 256,
    strangersMax: 64,
    chunkBytes: 256 * KIB,
    snapshotBytesMax: 256 * MIB,
    snapshotAttemptsMax: 5,
    partialSnapshotsMax: 2,
    partialSnapshotKeepMs: 60_000,
    ...options,
  };
  for (const [name, [least, most]] of Object.entries(LIMITS)) {
    const value = settings[name as keyof PeerLinksSettings] as number;
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue;
    throw new RangeError(`${name} must be an integer in [${least}, ${most}], got ${value}`);
  }
  if (settings.backoffMaxMs < settings.backoffMinMs) {
    const { backoffMinMs, backoffMaxMs } = settings;
    throw new RangeError(`backoffMaxMs must be at least ${backoffMinMs}, got ${backoffMaxMs}`);
  }
  const { length } = new TextEncoder().encode(settings.group);
  if (length < 1 || length > GROUP_BYTES_MAX) {
    throw new RangeError(`group must have 1 to ${GROUP_BYTES_MAX} bytes, got ${length}`);
  }
  return settings;
}
