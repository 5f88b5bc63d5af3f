// How a node is set up: what it stands on, who is in its group, and its limits. Times are in
// milliseconds; the core counts in ticks, of which there are two to a heartbeat, so that election
// timeouts spread over many values and two candidates seldom meet.
import type { Clock, Files, Random } from "@compendium/runtime";
import { checkPath, systemClock, systemRandom } from "@compendium/runtime";
import type { Trace } from "../core/events.ts";
import type { RaftOptions } from "../core/options.ts";
import type { PeerNetwork } from "../net/peer-network.ts";
import type { StateMachine } from "./replicated-state.ts";

/** The options of a node. */
export interface RaftNodeOptions {
  /** This member's id, an integer from 1. An id whose disk is lost is never used again. */
  readonly id: number;
  /** What the group's commands change. */
  readonly machine: StateMachine;
  /** The disk. */
  readonly files: Files;
  /** A folder that belongs to this member alone, and to one process at a time. */
  readonly folder: string;
  /** The way to the other members. The node starts it, and closes it. */
  readonly network: PeerNetwork;
  /**
   * The first members of a new group and their addresses, this one included: the same for all of
   * them. Left out by who joins a group that exists (see `addLearner`). Without effect once there
   * is something on the disk.
   */
  readonly bootstrap?: ReadonlyMap<number, string>;
  /** What is measured by and waited with; the process's clock. */
  readonly clock?: Clock;
  /**
   * What election timeouts and names are drawn from; the platform's generator. One that begins
   * alike in two lives gives both the same names, and answers meant for the one go to the other.
   */
  readonly random?: Random;
  /**
   * Without a word from the leader for that long, and up to twice that, a member stands for
   * election; 1,000. More than ten times what a heartbeat takes to arrive.
   */
  readonly electionTimeoutMs?: number;
  /** How often a leader says that it is there; 100. */
  readonly heartbeatMs?: number;
  /** How long a proposal or a read may take if its caller does not say; 5,000. */
  readonly timeoutMs?: number;
  /** How many proposals, and how many reads, may wait here; 16,384. */
  readonly proposalsMax?: number;
  /** How many bytes of proposals may wait here; 64 MiB. */
  readonly proposalBytesMax?: number;
  /** The largest command, in bytes; 1 MiB. At most 3 MiB. */
  readonly commandBytesMax?: number;
  /** How many sessions are kept; 10,000. The leader's word counts. */
  readonly sessionsMax?: number;
  /** After how many entries a snapshot is made; 10,000. */
  readonly snapshotEntries?: number;
  /** Or after how many bytes of entries; 64 MiB. */
  readonly snapshotBytes?: number;
  /** How many entries are kept in memory behind a snapshot, for followers that lag; 5,000. */
  readonly catchUpEntries?: number;
  /** How many appends may be on their way to one follower; 256. */
  readonly inflightMessagesMax?: number;
  /** How many bytes of entries may be on their way to one follower; 16 MiB. */
  readonly inflightBytesMax?: number;
  /** How many bytes of entries one append has; 256 KiB. At most 3 MiB. */
  readonly appendBytesMax?: number;
  /** The size of a segment of the log, in bytes; 16 MiB. */
  readonly segmentBytes?: number;
  /** Called with everything that the core does. */
  readonly trace?: Trace;
  /** Called when leader, role or term have changed, on the turn in which they did. */
  readonly onLeadership?: (leadership: Leadership) => void;
}

/** Who leads, as far as a node knows. */
export interface Leadership {
  /** The term. */
  readonly term: number;
  /** The leader; 0 for none. */
  readonly leader: number;
  /** Whether it is this node. */
  readonly isLeader: boolean;
}

/** The options, complete. */
export type NodeSettings = Required<Omit<RaftNodeOptions, "trace" | "onLeadership">> &
  Pick<RaftNodeOptions, "trace" | "onLeadership"> & {
    readonly tickMs: number;
    readonly heartbeatTicks: number;
    readonly electionTicks: number;
  };

const MIB = 1_048_576;
// What must fit into a message, of which networks carry 4 MiB.
const MESSAGE_PARTS: ReadonlySet<string> = new Set(["commandBytesMax", "appendBytesMax"]);
const TICKS_PER_HEARTBEAT = 2;

/** Throws a RangeError or TypeError that names the option, its value and what it may be. */
export function resolveOptions(options: RaftNodeOptions): NodeSettings {
  const { id, machine, files, folder, network, bootstrap = new Map<number, string>() } = options;
  integer("id", id, 1, Number.MAX_SAFE_INTEGER);
  checkPath("folder", folder);
  if (bootstrap.size > 0 && !bootstrap.has(id)) {
    const ids = [...bootstrap.keys()].join(", ");
    throw new RangeError(`bootstrap must name this member, ${id}; it names ${ids}`);
  }
  for (const [member, address] of bootstrap) checkMember(member, address);
  const numbers = {
    electionTimeoutMs: options.electionTimeoutMs ?? 1_000,
    heartbeatMs: options.heartbeatMs ?? 100,
    timeoutMs: options.timeoutMs ?? 5_000,
    proposalsMax: options.proposalsMax ?? 16_384,
    proposalBytesMax: options.proposalBytesMax ?? 64 * MIB,
    commandBytesMax: options.commandBytesMax ?? MIB,
    sessionsMax: options.sessionsMax ?? 10_000,
    snapshotEntries: options.snapshotEntries ?? 10_000,
    snapshotBytes: options.snapshotBytes ?? 64 * MIB,
    catchUpEntries: options.catchUpEntries ?? 5_000,
    inflightMessagesMax: options.inflightMessagesMax ?? 256,
    inflightBytesMax: options.inflightBytesMax ?? 16 * MIB,
    appendBytesMax: options.appendBytesMax ?? MIB / 4,
    segmentBytes: options.segmentBytes ?? 16 * MIB,
  };
  for (const [name, value] of Object.entries(numbers)) {
    const least = name === "catchUpEntries" ? 0 : 1;
    const most = MESSAGE_PARTS.has(name) ? 3 * MIB : Number.MAX_SAFE_INTEGER;
    integer(name, value, least, most);
  }
  const { electionTimeoutMs, heartbeatMs } = numbers;
  if (electionTimeoutMs < 2 * heartbeatMs) {
    const text = `electionTimeoutMs is ${electionTimeoutMs}; it must be at least twice heartbeatMs`;
    throw new RangeError(`${text}, ${heartbeatMs}: ten times is common`);
  }
  const tickMs = heartbeatMs / TICKS_PER_HEARTBEAT;
  return {
    id,
    machine,
    files,
    folder,
    network,
    bootstrap,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    ...numbers,
    tickMs,
    heartbeatTicks: TICKS_PER_HEARTBEAT,
    electionTicks: Math.round(electionTimeoutMs / tickMs),
    ...(options.trace && { trace: options.trace }),
    ...(options.onLeadership && { onLeadership: options.onLeadership }),
  };
}

/** What the core is told. What protects other members from this one is always on. */
export function coreOptions(settings: NodeSettings): Omit<RaftOptions, "storage"> {
  const { id, random, appendBytesMax, proposalBytesMax } = settings;
  return {
    id,
    random,
    electionTicks: settings.electionTicks,
    heartbeatTicks: settings.heartbeatTicks,
    asyncStorageWrites: true,
    preVote: true,
    checkQuorum: true,
    stepDownOnRemoval: true,
    appendBytesMax,
    applyingBytesMax: Math.max(appendBytesMax, MIB),
    inflightMessagesMax: settings.inflightMessagesMax,
    inflightBytesMax: Math.max(settings.inflightBytesMax, appendBytesMax),
    uncommittedBytesMax: 4 * proposalBytesMax,
  };
}

/** Refuses what is no id, or no address. */
export function checkMember(id: number, address: string): void {
  integer("id", id, 1, Number.MAX_SAFE_INTEGER);
  if (typeof address === "string" && address.length > 0 && address.length <= 1_024) return;
  const given = JSON.stringify(address);
  throw new RangeError(`the address of member ${id} must have 1 to 1024 characters, got ${given}`);
}

function integer(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${name} is ${value}; it must be an integer in [${least}, ${most}]`);
}
