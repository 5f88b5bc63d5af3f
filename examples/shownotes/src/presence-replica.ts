// A region's replica, without its HTTP: the episodes that it keeps, and a node of crdt-sync that
// tells the other regions. An edit is made here, written to the disk here, and acknowledged here;
// the others hear of it when they can be reached. So a region answers whoever it is cut off from,
// and when it meets the others again, all have all edits.
//
// Which episodes there are is a document itself, a set that only grows: a region that hears of an
// episode opens it, and is then sent what is in it.
import { createHash } from "node:crypto";
import { GrowSet, HybridLogicalClock } from "@compendium/crdt";
import {
  type CrdtSyncError,
  type DocumentHandle,
  Gossip,
  SyncNode,
  type SyncNodeOptions,
} from "@compendium/crdt-sync";
import type { Store } from "@compendium/crdt-sync/store";
import {
  type Clock,
  type Listener,
  type Random,
  systemClock,
  systemRandom,
  type Transport,
} from "@compendium/runtime";
import { PRESENCE_BYTES_MAX } from "./presence-cursors.ts";
import { Episode, type EpisodeEdit } from "./presence-episode.ts";

/**
 * A region that knows so many begins no other. Regions that are apart may each do so: what three of
 * them come to together, links have room for, at four documents each.
 */
export const EPISODES_MAX = 300;
const DOCUMENTS_MAX = 4_096;

/** How replicas talk to each other. */
export type SyncTimes = Required<
  Pick<SyncNodeOptions, "heartbeatMs" | "checkMs" | "retryMs" | "retryMsMax" | "connectMs">
>;

/** What a replica is told. */
export interface PresenceOptions {
  readonly region: string;
  /** Where each region's replica is, this one's among them, as it is reached from here. */
  readonly peers: Readonly<Record<string, string>>;
  readonly transport: Transport;
  readonly store: Store;
  readonly sync: SyncTimes;
  /** How long a cursor lives that is not renewed. */
  readonly cursorMs: number;
  /** Whether tags are kept a second time, as the column of tag-column.ts. Default: no. */
  readonly column?: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
  /** The disk has failed: the replica says nothing more. */
  readonly onFailed?: (error: CrdtSyncError) => void;
}

/** Where a replica stands. */
export interface PresenceState {
  region: string;
  /** The regions that it is linked to now. */
  peers: string[];
  episodes: number;
  /** A fingerprint of all documents: regions with the same one have the same. */
  digest: string;
  /** Operations that it does not know to be everywhere. */
  stableLag: number;
}

/** One region's copy of everything. */
export class PresenceReplica implements AsyncDisposable {
  readonly node: SyncNode;
  readonly #options: PresenceOptions;
  readonly #clock: Clock;
  readonly #columnClock: HybridLogicalClock | undefined;
  readonly #index: GrowSet<string>;
  readonly #episodes = new Map<string, Episode>();
  readonly #opening = new Map<string, Promise<Episode>>();
  readonly #closing: (() => Promise<void>)[] = [];
  #indexHandle!: DocumentHandle;

  private constructor(options: PresenceOptions) {
    const { region, peers, sync, store, clock = systemClock, random = systemRandom } = options;
    this.#options = options;
    this.#clock = clock;
    this.#columnClock = options.column
      ? new HybridLogicalClock({ wallMs: () => clock.wallMs() })
      : undefined;
    this.#index = new GrowSet(region);
    this.node = new SyncNode({
      ...sync,
      name: region,
      members: Object.keys(peers).filter((each) => each !== region),
      clock,
      random,
      store,
      limits: { documentsMax: DOCUMENTS_MAX, presenceBytesMax: PRESENCE_BYTES_MAX },
      onEvent: (event) => {
        if (event.type === "failed") options.onFailed?.(event.error);
      },
    });
  }

  /**
   * Loads what is on the disk, listens at its own address, and links to the others, or keeps trying
   * to.
   *
   * @throws CrdtSyncError for a disk that cannot be read, RuntimeError for an address in use
   */
  static async open(options: PresenceOptions, listenAt: string): Promise<PresenceReplica> {
    const replica = new PresenceReplica(options);
    try {
      await replica.#open(listenAt);
      return replica;
    } catch (error) {
      await replica.close();
      throw error;
    }
  }

  /** The episodes that it knows. */
  get episodes(): ReadonlyMap<string, Episode> {
    return this.#episodes;
  }

  /** An episode, if it is known here. */
  async find(id: string): Promise<Episode | undefined> {
    return this.#episodes.get(id) ?? (await this.#opening.get(id));
  }

  /**
   * Makes an edit, beginning the episode with it if it is new, and answers with the episode once
   * the edit is on the disk; undefined, and nothing is changed, where there is no room for it.
   *
   * @throws RangeError for an edit that cannot be made, CrdtSyncError when the disk has failed
   */
  async edit(id: string, edit: EpisodeEdit): Promise<Episode | undefined> {
    const isNew = !this.#index.has(id);
    if (isNew && this.#index.size >= EPISODES_MAX) return undefined;
    const episode = await this.#openEpisode(id);
    // Also where the edit cannot be made: what is open here must be open everywhere.
    if (isNew) this.#index.add(id);
    if (!episode.edit(edit)) return undefined;
    await Promise.all([episode.durable(), this.#indexHandle.durable()]);
    return episode;
  }

  /** Where it stands. Costs a look at every document that has changed. */
  state(): PresenceState {
    const hash = createHash("sha256");
    const documents = [...this.node.documents].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [name, handle] of documents) hash.update(`${name} ${handle.digest()}\n`);
    return {
      region: this.#options.region,
      peers: [...new Set(this.node.peers)].sort(),
      episodes: this.#episodes.size,
      digest: hash.digest("hex").slice(0, 16),
      stableLag: this.node.stats().stableLag,
    };
  }

  /** Writes what is not written, and says goodbye. */
  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
    await Promise.allSettled(this.#opening.values());
    for (const { cursors } of this.#episodes.values()) cursors[Symbol.dispose]();
    await this.node.close();
  }

  /** {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(listenAt: string): Promise<void> {
    const { region, peers, transport, clock, random } = this.#options;
    this.#indexHandle = await this.node.open("episodes", this.#index);
    await Promise.all([...this.#index].map((id) => this.#openEpisode(id)));
    const subscription = this.#index.subscribe(() => this.#openKnown());
    this.#closing.push(async () => subscription[Symbol.dispose]());
    const listener: Listener = await this.node.listen(transport, listenAt);
    this.#closing.push(() => listener.close());
    const others = Object.entries(peers).filter(([name]) => name !== region);
    // All of them: three regions have two links each, and news take one hop.
    const gossip = new Gossip(this.node, {
      peers: Object.fromEntries(others),
      transport,
      fanout: Math.max(1, others.length),
      ...(clock && { clock }),
      ...(random && { random }),
    });
    this.#closing.push(() => gossip.close());
  }

  #openKnown(): void {
    for (const id of this.#index) {
      // A disk that fails has said so already.
      if (!this.#episodes.has(id)) this.#openEpisode(id).catch(() => {});
    }
  }

  #openEpisode(id: string): Promise<Episode> {
    const known = this.#episodes.get(id);
    if (known !== undefined) return Promise.resolve(known);
    const under = this.#opening.get(id);
    if (under !== undefined) return under;
    const { region, cursorMs } = this.#options;
    const { node } = this;
    const columnClock = this.#columnClock;
    const parts = { id, region, node, clock: this.#clock, cursorMs, columnClock };
    const opening = Episode.open(parts)
      .then((episode) => {
        this.#episodes.set(id, episode);
        return episode;
      })
      .finally(() => this.#opening.delete(id));
    this.#opening.set(id, opening);
    return opening;
  }
}
