// What a node is told about itself and its limits. Times are in ticks, which the caller makes; how
// long a tick lasts is not the core's business.
import type { LogStorage } from "../log/storage.ts";
import type { Trace } from "./events.ts";

/** A source of uniform integers in `[0, n)`; the only chance in the core. */
export interface Chance {
  /** A uniform integer in `[0, n)`. */
  below(n: number): number;
}

/** The options of a node. */
export interface RaftOptions {
  /** This node's id, a positive integer. An id is never used again after its disk is lost. */
  readonly id: number;
  /** What is durable. */
  readonly storage: LogStorage;
  /** What spreads election timeouts, so that two candidates do not split the vote for ever. */
  readonly random: Chance;
  /** Without a word from a leader, a follower campaigns after this many ticks, up to twice that. */
  readonly electionTicks: number;
  /** How many ticks pass between heartbeats; a fraction of `electionTicks`. */
  readonly heartbeatTicks: number;
  /** How far the application had applied before the restart; default: up to the last snapshot. */
  readonly applied?: number;
  /** Hand writes out as messages, several at a time. Default false: one `ready` at a time. */
  readonly asyncStorageWrites?: boolean;
  /** The size of the entries of one append, in bytes. Default 1 MiB. */
  readonly appendBytesMax?: number;
  /** The size of the entries handed out to be applied, in bytes. Default: `appendBytesMax`. */
  readonly applyingBytesMax?: number;
  /** What may wait uncommitted at the leader, in bytes of proposals. Default: no bound. */
  readonly uncommittedBytesMax?: number;
  /** How many appends may be on their way to one follower. Default 256. */
  readonly inflightMessagesMax?: number;
  /** How many bytes of entries may be on their way to one follower. Default: no bound. */
  readonly inflightBytesMax?: number;
  /** How many reads may wait for a quorum, or for a commit in the term. Default 4,096. */
  readonly readsMax?: number;
  /** A leader that hears of no majority for an election timeout steps down. Default false. */
  readonly checkQuorum?: boolean;
  /** Ask whether an election could be won before a term is spent on it. Default false. */
  readonly preVote?: boolean;
  /** How a leader makes sure that it still leads before it answers a read. Default "safe". */
  readonly reads?: "safe" | "lease-based";
  /** Whether followers pass proposals on to the leader. Default true. */
  readonly forwardProposals?: boolean;
  /**
   * Ask for votes before the own one is durable, as etcd's transcripts of asynchronous storage
   * writes do, for whose sake this is here. Not safe: after a crash, a node may lead the same term
   * a second time. Default false.
   */
  readonly votesBeforeSync?: boolean;
  /** Append changes of the membership unchecked, as etcd's transcripts ask. Default false. */
  readonly disableConfChangeValidation?: boolean;
  /** Whether a leader steps down on applying a change that leaves it without a vote. */
  readonly stepDownOnRemoval?: boolean;
  /** Whoever listens to what the node does; see {@link RaftEvent}. */
  readonly trace?: Trace;
}

/** The options with every default in its place. */
export type RaftSettings = Required<Omit<RaftOptions, "applied" | "trace">> & {
  readonly applied: number | undefined;
  readonly trace: Trace | undefined;
};

const MIB = 1_048_576;

/** Throws a RangeError or TypeError that names the option, its value and what it may be. */
export function resolveOptions(options: RaftOptions): RaftSettings {
  const { id, electionTicks, heartbeatTicks, applied, appendBytesMax = MIB } = options;
  integer("id", id, 1);
  integer("heartbeatTicks", heartbeatTicks, 1);
  integer("electionTicks", electionTicks, heartbeatTicks + 1);
  if (applied !== undefined) integer("applied", applied, 0);
  const bounds = {
    appendBytesMax,
    applyingBytesMax: options.applyingBytesMax ?? appendBytesMax,
    uncommittedBytesMax: options.uncommittedBytesMax ?? Number.POSITIVE_INFINITY,
    inflightMessagesMax: options.inflightMessagesMax ?? 256,
    inflightBytesMax: options.inflightBytesMax ?? Number.POSITIVE_INFINITY,
    readsMax: options.readsMax ?? 4_096,
  };
  for (const [name, value] of Object.entries(bounds)) {
    if (value !== Number.POSITIVE_INFINITY) integer(name, value, 1);
  }
  const { checkQuorum = false, preVote = false, reads = "safe" } = options;
  if (reads !== "safe" && reads !== "lease-based") {
    throw new TypeError(`reads is ${String(reads)}; it may be "safe" or "lease-based"`);
  }
  if (reads === "lease-based" && !checkQuorum) {
    // Nothing else bounds how long a deposed leader believes in its lease.
    throw new TypeError('reads is "lease-based"; that needs checkQuorum: true');
  }
  return {
    id,
    storage: options.storage,
    random: options.random,
    electionTicks,
    heartbeatTicks,
    applied,
    asyncStorageWrites: options.asyncStorageWrites ?? false,
    ...bounds,
    checkQuorum,
    preVote,
    reads,
    forwardProposals: options.forwardProposals ?? true,
    votesBeforeSync: options.votesBeforeSync ?? false,
    disableConfChangeValidation: options.disableConfChangeValidation ?? false,
    stepDownOnRemoval: options.stepDownOnRemoval ?? false,
    trace: options.trace,
  };
}

function integer(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RangeError(`${name} is ${value}; it must be an integer of ${least} or more`);
}
