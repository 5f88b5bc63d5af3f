// What a text and a list have in common: everything but their units. The doors check what comes in
// from a user; this is what goes out to other replicas and comes in from them.
import type { VersionVector } from "../causal/causal-graph.ts";
import { ByteWriter } from "../encoding/byte-writer.ts";
import { digestOf } from "../lattice/digest.ts";
import { Listeners } from "../listeners.ts";
import type { Anchor } from "./anchor.ts";
import type { Content } from "./content.ts";
import type { MergeResult, Replica } from "./replica.ts";

/** What a sequence shows of itself. */
export interface SequenceStats {
  /** How many updates wait for others on which they depend. */
  readonly pending: number;
  /** How many operations the tracker holds: 0, but while there is concurrency. */
  readonly windowLength: number;
  /** How many bytes the columns and buffers take, about. */
  readonly bytes: number;
  /** Whether the history has not been unpacked yet. */
  readonly isPacked: boolean;
}

/** A sequence that is edited here and elsewhere, and ends up the same everywhere. */
export abstract class ReplicatedSequence<C extends Content> {
  /** For the doors. */
  protected readonly replica: Replica<C>;
  readonly #watchers: Listeners<true> = new Listeners();

  protected constructor(replica: Replica<C>) {
    this.replica = replica;
  }

  /** The name under which this replica edits. */
  get agent(): string {
    return this.replica.agent;
  }

  /** How many units there are: UTF-16 units of a text, values of a list. */
  get length(): number {
    return this.replica.content.length;
  }

  /** For each agent, how many of its operations are known here. */
  get version(): ReadonlyMap<string, number> {
    return this.replica.graph.vector();
  }

  /**
   * The version below which nothing is known of what was done: empty, unless history was compacted.
   * `encodeSince` answers whoever knows all of it; everybody else needs `encode`.
   */
  get base(): ReadonlyMap<string, number> {
    return this.replica.graph.base?.version ?? new Map();
  }

  /**
   * A fingerprint of what is known and what that makes. Replicas that know the same operations have
   * the same one, and if they do not, one of them is broken.
   */
  digest(): string {
    const writer = new ByteWriter();
    const agents = [...this.version].sort(([a], [b]) => (a < b ? -1 : 1));
    writer.number(agents.length);
    for (const [agent, count] of agents) {
      writer.string(agent);
      writer.number(count);
    }
    this.replica.content.writeState(writer);
    return digestOf(writer.take());
  }

  /** What waits, and what is held. */
  get stats(): SequenceStats {
    const { pending, windowLength, bytes, isPacked } = this.replica;
    return { pending, windowLength, bytes, isPacked };
  }

  /**
   * A place that survives edits: `before` the unit at `position`, or `after` the one to its left.
   * It is plain data, and means the same on every replica. Costs about the operations since that
   * unit was inserted.
   *
   * @throws RangeError for a position that is not in [0, length]
   */
  anchorAt(position: number, side: "before" | "after" = "before"): Anchor {
    if (!(Number.isInteger(position) && position >= 0 && position <= this.length)) {
      throw new RangeError(`a position is an integer in [0, ${this.length}], got ${position}`);
    }
    return this.replica.anchorAt(position, side);
  }

  /**
   * Where an anchor is now. If its unit was deleted, where that was. `undefined` if this replica
   * does not know the unit yet, or it was deleted before history was compacted.
   */
  positionOf(anchor: Anchor): number | undefined {
    return this.replica.positionOf(anchor);
  }

  /**
   * Takes in an update or a whole document of another replica; each may come in any order and any
   * number of times.
   *
   * @throws CrdtError if the bytes are not to be trusted, or too many updates wait;
   *   `CRDT_COMPACTED` for an update whose author lacked a part of the base of this replica, and
   *   for a compacted document that lacks something of this one and has a base that this one lacks.
   *   Nothing changes
   */
  merge(bytes: Uint8Array): MergeResult {
    return this.replica.merge(bytes);
  }

  /**
   * What a replica of that version lacks, as an update to merge.
   *
   * @throws CrdtError `CRDT_COMPACTED` if it lacks a part of the base: give it `encode()`
   */
  encodeSince(version: VersionVector): Uint8Array<ArrayBuffer> {
    return this.replica.encodeSince(version);
  }

  /** What was edited here since the last call, as an update to send; `undefined` for nothing. */
  flush(): Uint8Array<ArrayBuffer> | undefined {
    return this.replica.flush();
  }

  /**
   * Calls back after each edit here, and each merge that brought something, until disposed. It says
   * neither what nor where, and costs nothing else.
   */
  onChange(listener: () => void): Disposable {
    const listening = this.#watchers.add(() => listener());
    this.replica.onChange = this.#changed;
    return {
      [Symbol.dispose]: () => {
        listening[Symbol.dispose]();
        if (this.#watchers.size === 0) this.replica.onChange = undefined;
      },
    };
  }

  readonly #changed = (): void => this.#watchers.tell(true);

  /**
   * Lets go of history that every replica has; what is read, digests and anchors to what is there
   * stay as they are. It goes up to the greatest version below which all is stable, and of which
   * everything else that is known here descends: so what was made concurrently with a part of
   * `stable`, and is not stable itself, holds up the rest. Returns how many operations were let go.
   * Costs about the history.
   *
   * @param stable a version of this replica that every other replica is known to have had when it
   *   made the last update that was merged here. What else such a replica might still send is
   *   refused.
   */
  compact(stable: VersionVector): number {
    return this.replica.compact(stable);
  }

  /**
   * Everything: the sequence and its history. Without the content of what was deleted it is
   * shorter, and merges as well; earlier versions then show U+FFFD, or null, for what is no
   * longer there.
   */
  encode({ deleted = "keep" }: { deleted?: "keep" | "drop" } = {}): Uint8Array<ArrayBuffer> {
    return this.replica.encode(deleted === "keep");
  }
}
