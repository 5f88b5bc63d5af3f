// A document of this node: a replica, who has written in it, who is present, and what the members
// are known to have seen. Connections read from here what a peer lacks, and bring what it has.
//
// Causal stability: an operation is stable when every member was seen to have it in a state that
// has been joined here. An acknowledgement is as good as a state, because it follows all that its
// sender had to tell on the same link. What a member has seen is passed on to others (rows), after
// everything that was joined with it; so it holds there as well.
import { CausalContext } from "@compendium/crdt";
import { CrdtSyncError } from "../errors.ts";
import type { Replicated } from "../replicated.ts";
import { countOf, sizeOf } from "../wire/version.ts";
import type { PresenceTable } from "./presence.ts";
import { reused, Writers } from "./writers.ts";

/** What a document counts. */
export interface DocumentStats {
  /** Operations that are known here. */
  readonly operations: number;
  /** Of these, how many are stable: every member has them. */
  readonly stable: number;
  /** And how many are not, yet. */
  readonly stableLag: number;
  /** Updates that wait for others. */
  readonly pending: number;
  /** The bytes that its history takes in memory, about; 0 for what keeps none. */
  readonly historyBytes: number;
  /** Nodes that are present. */
  readonly presences: number;
  /** Replicas of one version with two digests: one of the two is broken. */
  readonly mismatches: number;
  /** Times that one name stood for two histories. */
  readonly idsReused: number;
}

/** What a document is made of. */
export interface DocumentParts {
  readonly name: string;
  readonly replicated: Replicated;
  readonly presence: PresenceTable;
  /** The other members: whoever must have seen an operation before it is stable. */
  readonly members: readonly string[];
  /** 16 hexadecimal digits, drawn for this life. */
  readonly nonce: string;
}

/** One document of a node. */
export class SharedDocument {
  readonly name: string;
  readonly replicated: Replicated;
  readonly presence: PresenceTable;
  readonly writers: Writers = new Writers();
  readonly members: Map<string, CausalContext>;
  /** Called when there may be something to send or to write. */
  onChanged: (() => void) | undefined;
  mismatches = 0;
  idsReused = 0;
  /** Counts what happened to the state, or to what is known about it. */
  revision = 0;
  /** What is on disk; all, where there is none. */
  durableRevision: number = Number.POSITIVE_INFINITY;
  /** Whether it is being told something: what changes now comes from elsewhere. */
  isMerging = false;

  readonly #nonce: string;
  #version: CausalContext;
  #ownBefore: number;
  #hasLife = false;
  #digest: { readonly version: CausalContext; readonly value: string } | undefined;

  constructor({ name, replicated, presence, members, nonce }: DocumentParts) {
    this.name = name;
    this.replicated = replicated;
    this.presence = presence;
    this.members = new Map(members.map((member) => [member, new CausalContext()]));
    this.#nonce = nonce;
    this.#version = replicated.version();
    this.#ownBefore = countOf(this.#version, replicated.agent);
    // Whatever was made before it was opened here was made in this life.
    if (this.#ownBefore > 0) this.#enterLife(0);
  }

  /** What was loaded belongs to earlier lives. */
  restored(): void {
    this.#version = this.replicated.version();
    this.#ownBefore = countOf(this.#version, this.replicated.agent);
    this.revision++;
  }

  /** The version as it is now. Notices what was done to the replica since it was last asked. */
  observe(): CausalContext {
    const version = this.replicated.version();
    if (version.equals(this.#version)) return this.#version;
    this.#version = version;
    this.revision++;
    const isNew = !this.#hasLife && countOf(version, this.replicated.agent) > this.#ownBefore;
    if (isNew) this.#enterLife(this.#ownBefore);
    return version;
  }

  /** Something was done to the replica here. */
  changed(): void {
    this.observe();
    this.onChanged?.();
  }

  /**
   * Compares with what another replica says of itself, before anything of it is merged, and takes
   * note of it.
   *
   * @throws CrdtSyncError `SYNC_ID_REUSED`
   */
  check(other: Writers, theirs: CausalContext): void {
    const own = this.observe();
    const { agent } = this.replicated;
    try {
      // Nobody knows more of what was made here than is known here; but one who made it elsewhere.
      if (countOf(theirs, agent) > countOf(own, agent)) throw reused(agent);
      this.writers.check(own, other, theirs);
      // What comes later with the operations themselves leaves out what has been told.
      if (this.writers.join(other)) this.revision++;
    } catch (error) {
      this.idsReused++;
      throw error;
    }
  }

  /**
   * Merges an update, after which all is here that its sender has.
   *
   * @throws CrdtSyncError `SYNC_REFUSED` when the replica does not take it, or it brings less
   */
  merge(bytes: Uint8Array, theirs: CausalContext): void {
    this.isMerging = true;
    try {
      this.replicated.merge(bytes);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CrdtSyncError("SYNC_REFUSED", `${this.name}: ${why}`, { cause });
    } finally {
      this.isMerging = false;
    }
    if (!this.observe().covers(theirs)) {
      const message = `${this.name}: an update brings less than it announces`;
      throw new CrdtSyncError("SYNC_REFUSED", message);
    }
  }

  /** A member's state of that version was joined here. */
  joined(member: string, version: CausalContext): void {
    this.members.get(member)?.join(version);
  }

  /** The operations that every member has. Without members there are none that could be missing. */
  stable(): CausalContext {
    let stable = this.observe().copy();
    for (const known of this.members.values()) stable = stable.meet(known);
    return stable;
  }

  /** Has the replica let go what only operations could need that cannot come any more. */
  compact(): boolean {
    const { replicated } = this;
    if (replicated.compact?.(this.stable()) !== true) return false;
    this.changed();
    return true;
  }

  /** The digest of the state as it is now. Asking takes note of nothing else. */
  digest(): string {
    const version = this.replicated.version();
    if (this.#digest?.version.equals(version) !== true) {
      this.#digest = { version: version.copy(), value: this.replicated.digest() };
    }
    return this.#digest.value;
  }

  /** Plain numbers. */
  stats(): DocumentStats {
    const { mismatches, idsReused, replicated, presence } = this;
    const version = replicated.version();
    let stableVersion = version;
    for (const known of this.members.values()) stableVersion = stableVersion.meet(known);
    const [operations, stable] = [sizeOf(version), sizeOf(stableVersion)];
    return {
      operations,
      stable,
      stableLag: operations - stable,
      pending: replicated.pending,
      historyBytes: replicated.bytes ?? 0,
      presences: presence.size,
      mismatches,
      idsReused,
    };
  }

  #enterLife(from: number): void {
    this.#hasLife = true;
    this.writers.add(this.replicated.agent, { from, nonce: this.#nonce });
  }
}
