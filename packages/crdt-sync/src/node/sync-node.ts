// A node: documents, links to other nodes, and what is between them. The protocol is in core/, and
// pure; here are its clock, its disk and its links.
//
// Every change of a document, wherever it comes from, does the same: it is written to the log, and
// each link is asked whether its peer lacks something. So updates travel on through a node to all
// others that it is linked to, in whatever shape of network, and end where everybody has them.
import { Histogram, latencySecondsBounds } from "@compendium/metrics";
import {
  type Clock,
  type Link,
  type Listener,
  type Random,
  systemClock,
  systemRandom,
  type Transport,
} from "@compendium/runtime";
import type { ConnectionEvent, Outgoing } from "../core/connection.ts";
import { SharedDocument } from "../core/document.ts";
import { PresenceTable } from "../core/presence.ts";
import type { CrdtSyncError } from "../errors.ts";
import { type Replicable, type Replicated, replicated } from "../replicated.ts";
import { checkDocumentName } from "../wire/limits.ts";
import { DocumentHandle } from "./document-handle.ts";
import { LinkDriver } from "./link-driver.ts";
import { type Settings, type SyncEvent, type SyncNodeOptions, settingsOf } from "./options.ts";
import { Peering } from "./peering.ts";
import { Persister } from "./persister.ts";
import { digestOf, type SyncNodeStats, sumOf } from "./stats.ts";

interface Waiter {
  readonly after: Outgoing["after"];
  readonly settled: PromiseWithResolvers<void>;
}

/** A node that keeps documents in sync with others. */
export class SyncNode implements AsyncDisposable {
  /** Its name. */
  readonly name: string;
  /** 16 hexadecimal digits, drawn anew when it is made: its presence's name. */
  readonly session: string;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: SyncNodeOptions;
  readonly #documents: Map<string, SharedDocument> = new Map();
  readonly #handles: Map<string, DocumentHandle> = new Map();
  readonly #persisters: Map<string, Persister> = new Map();
  readonly #opening: Set<string> = new Set();
  // Of a log that is being closed, when that is done: it must not be opened before.
  readonly #closing: Map<string, Promise<void>> = new Map();
  readonly #drivers: Set<LinkDriver> = new Set();
  readonly #running: Set<Promise<unknown>> = new Set();
  readonly #peerings: Set<Peering> = new Set();
  readonly #waiters: Set<Waiter> = new Set();
  readonly #edits: Set<SharedDocument> = new Set();
  readonly #mergeSeconds: Histogram = new Histogram(latencySecondsBounds);
  readonly #counts = {
    links: 0,
    linksBroken: 0,
    bytesIn: 0,
    bytesOut: 0,
    messagesIn: 0,
    messagesOut: 0,
    merges: 0,
  };
  #presenceTimer: Disposable | undefined;
  #failure: CrdtSyncError | undefined;
  #isClosed = false;

  constructor(options: SyncNodeOptions) {
    this.#settings = settingsOf(options);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.name = options.name;
    this.session = this.#nonce();
  }

  /**
   * Keeps a document in sync from now on. With a store, what was kept is loaded into it first, and
   * until then it must be empty.
   *
   * @throws CrdtSyncError `SYNC_LOG_CORRUPT`, `SYNC_STORE`; TypeError for a name that is in use, or
   *   a document that is not empty
   */
  async open(name: string, value: Replicable | Replicated): Promise<DocumentHandle> {
    checkDocumentName(name);
    if (this.#documents.has(name) || this.#opening.has(name) || this.#isClosed) {
      throw new TypeError(`${name} is open already, or the node is closed`);
    }
    const replica = "since" in value && "kind" in value ? value : replicated(value);
    const document = this.#documentOf(name, replica);
    this.#opening.add(name);
    try {
      await this.#closing.get(name);
      await this.#load(document);
    } finally {
      this.#opening.delete(name);
    }
    this.#documents.set(name, document);
    const subscription = replica.onChange?.(() => this.#edited(document));
    document.onChanged = () => this.#changed(document);
    document.changed();
    const handle = new DocumentHandle(document, this.#clock, {
      durable: async () => {
        document.observe();
        await this.#durable(new Map([[document, document.revision]]));
      },
      close: () => {
        subscription?.[Symbol.dispose]();
        return this.#close(document);
      },
    });
    this.#handles.set(name, handle);
    return handle;
  }

  /** Takes links at an address. */
  listen(transport: Transport, address: string): Promise<Listener> {
    return transport.listen(address, (link) => void this.attach(link));
  }

  /** Keeps a link to an address: when it ends, it is opened again, until this is disposed. */
  connect(transport: Transport, address: string): Peering {
    const { retryMs, retryMsMax, connectMs } = this.#settings;
    const peering: Peering = new Peering({
      attach: (link) => this.attach(link),
      onFailed: (error) => this.#tell({ type: "linkEnded", peer: address, error }),
      onClosed: () => this.#peerings.delete(peering),
      clock: this.#clock,
      random: this.#random,
      transport,
      address,
      retryMs,
      retryMsMax,
      connectMs,
    });
    this.#peerings.add(peering);
    return peering;
  }

  /** Speaks on a link, which it owns, until it is gone: to the fault that ended it, if any. */
  attach(link: Link): Promise<Error | undefined> {
    const running = this.#attach(link);
    this.#running.add(running);
    running.then(() => this.#running.delete(running));
    return running;
  }

  /** The names of the peers that are linked now. */
  get peers(): string[] {
    return [...this.#drivers].flatMap(({ connection }) => connection.peer ?? []);
  }

  /** Whether that peer is linked, and both have the same, as far as is known here. */
  isCaughtUp(peer: string): boolean {
    for (const { connection } of this.#drivers) {
      if (connection.peer === peer && connection.isCaughtUp) return true;
    }
    return false;
  }

  /** The documents that are open. */
  get documents(): ReadonlyMap<string, DocumentHandle> {
    return this.#handles;
  }

  /** Plain numbers, for a metrics package to read. */
  stats(): SyncNodeStats {
    const peers = this.peers;
    const { members } = this.#settings;
    return {
      ...this.#counts,
      ...sumOf(this.#documents.values()),
      logBytes: [...this.#persisters.values()].reduce((sum, { bytes }) => sum + bytes, 0),
      peers: peers.length,
      members: members.length,
      membersLinked: members.filter((member) => peers.includes(member)).length,
      hasFailed: this.#failure !== undefined,
      mergeSeconds: this.#mergeSeconds.snapshot(),
    };
  }

  /**
   * 32 bits of a fingerprint of all documents: nodes that have the same documents in the same state
   * have the same one. Costs the states of those that have changed since it was last asked.
   */
  digest(): number {
    return digestOf(this.#documents.values());
  }

  /** Ends all links, writes what is not written, and closes the logs. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#presenceTimer?.[Symbol.dispose]();
    await Promise.all([...this.#peerings].map((peering) => peering.close()));
    for (const { link } of this.#drivers) link.destroy();
    await Promise.all(this.#running);
    await Promise.allSettled(this.#closing.values());
    await Promise.all([...this.#persisters.values()].map((persister) => persister.close()));
  }

  /** {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #documentOf(name: string, replica: Replicated): SharedDocument {
    const { limits, presenceTtlMs, members } = this.#settings;
    const presence = new PresenceTable(this.session, limits, presenceTtlMs);
    const nonce = this.#nonce();
    return new SharedDocument({ name, replicated: replica, presence, members, nonce });
  }

  async #load(document: SharedDocument): Promise<void> {
    const { store } = this.#options;
    if (store === undefined) return;
    checkEmpty(document);
    const journal = await store.open(document.name);
    try {
      // Again: an edit in the meantime has taken a number that another one has in the log.
      checkEmpty(document);
      if (this.#isClosed) throw new TypeError("the node was closed");
      const persister = Persister.load(document, journal, {
        rewriteBytes: this.#settings.rewriteBytes,
        onDurable: () => this.#wake(),
        onFailed: (error) => this.#fail(error),
      });
      this.#persisters.set(document.name, persister);
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  async #attach(link: Link): Promise<Error | undefined> {
    if (this.#isClosed || this.#failure !== undefined) {
      link.destroy();
      return this.#failure;
    }
    this.#counts.links++;
    const driver = new LinkDriver(
      this.#hostOf(link.peer, () => driver),
      link,
    );
    this.#drivers.add(driver);
    const error = await driver.run();
    this.#drivers.delete(driver);
    if (error !== undefined) this.#counts.linksBroken++;
    this.#tell({ type: "linkEnded", peer: driver.connection.peer ?? link.peer, error });
    return error;
  }

  #hostOf(peer: string, driver: () => LinkDriver): ConstructorParameters<typeof LinkDriver>[0] {
    const { limits, heartbeatMs, checkMs } = this.#settings;
    const { mayOpen } = this.#options;
    return {
      ...(mayOpen !== undefined && { mayOpen: (document: string) => mayOpen(document, peer) }),
      name: this.name,
      session: this.session,
      documents: this.#documents,
      clock: this.#clock,
      limits,
      heartbeatMs,
      checkMs,
      durable: (after) => this.#durable(after),
      mergeTook: (ms) => this.#mergeSeconds.observe(ms / 1_000),
      count: (direction, bytes) => {
        this.#counts[direction === "in" ? "messagesIn" : "messagesOut"]++;
        this.#counts[direction === "in" ? "bytesIn" : "bytesOut"] += bytes;
      },
      onEvent: (event) => this.#heard(event, driver().connection.peer ?? ""),
    };
  }

  #heard(event: ConnectionEvent, peer: string): void {
    if (event.type === "merged") this.#counts.merges++;
    else this.#tell({ ...event, peer });
  }

  #tell(event: SyncEvent): void {
    this.#options.onEvent?.(event);
  }

  // A thousand edits of one turn are looked at once. What a merge does is told by who merges.
  #edited(document: SharedDocument): void {
    if (document.isMerging || this.#edits.has(document)) return;
    this.#edits.add(document);
    if (this.#edits.size > 1) return;
    queueMicrotask(() => {
      const edited = [...this.#edits];
      this.#edits.clear();
      for (const document of edited) document.changed();
    });
  }

  #changed(document: SharedDocument): void {
    this.#persisters.get(document.name)?.kick();
    for (const driver of this.#drivers) driver.pump();
    this.#armPresence();
  }

  #durable(after: Outgoing["after"]): Promise<void> | undefined {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (isDurable(after)) return undefined;
    for (const [document] of after) this.#persisters.get(document.name)?.kick();
    const settled = Promise.withResolvers<void>();
    this.#waiters.add({ after, settled });
    return settled.promise;
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (!isDurable(waiter.after)) continue;
      this.#waiters.delete(waiter);
      waiter.settled.resolve();
    }
  }

  // What was done since cannot be told: somebody would know it who outlives our memory of it.
  #fail(error: CrdtSyncError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const { settled } of this.#waiters) settled.reject(error);
    this.#waiters.clear();
    for (const driver of this.#drivers) driver.fail(error);
    this.#tell({ type: "failed", error });
  }

  async #close(document: SharedDocument): Promise<void> {
    if (this.#documents.get(document.name) !== document) return;
    this.#documents.delete(document.name);
    this.#handles.delete(document.name);
    document.onChanged = undefined;
    for (const driver of this.#drivers) {
      driver.connection.close(document.name);
      driver.pump();
    }
    const closing = this.#closeLog(document.name);
    this.#closing.set(document.name, closing);
    await closing;
  }

  async #closeLog(name: string): Promise<void> {
    try {
      await this.#persisters.get(name)?.close();
    } finally {
      this.#persisters.delete(name);
      this.#closing.delete(name);
    }
  }

  // One timer, while somebody is present.
  #armPresence(): void {
    if (this.#presenceTimer !== undefined || this.#isClosed) return;
    const nowMs = this.#clock.now();
    let nextMs: number | undefined;
    for (const { presence } of this.#documents.values()) {
      const dueMs = presence.tick(nowMs);
      if (dueMs !== undefined) nextMs = Math.min(nextMs ?? dueMs, dueMs);
    }
    if (nextMs === undefined) return;
    // One that is set in the meantime wants to be renewed within a third of its life.
    const soonMs = Math.min(nextMs, nowMs + this.#settings.presenceTtlMs / 3);
    this.#presenceTimer = this.#clock.setTimer(soonMs, () => {
      this.#presenceTimer = undefined;
      this.#armPresence();
      for (const driver of this.#drivers) driver.pump();
    });
  }

  #nonce(): string {
    const half = (): string =>
      this.#random
        .below(2 ** 32)
        .toString(16)
        .padStart(8, "0");
    return half() + half();
  }
}

function checkEmpty(document: SharedDocument): void {
  if (document.observe().isEmpty) return;
  throw new TypeError(`${document.name} must be empty: what was kept is loaded into it`);
}

function isDurable(after: Outgoing["after"]): boolean {
  for (const [{ durableRevision }, revision] of after) if (durableRevision < revision) return false;
  return true;
}
