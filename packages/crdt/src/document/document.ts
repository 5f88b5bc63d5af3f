// A document: containers of several types that change together. Each keeps its own structure; what
// the document adds is the change. A change is one node of the document's causal graph, made by one
// agent, in knowledge of everything that its replica knew; whatever it does to however many
// containers arrives elsewhere with it, or waits with it for what it depends on. So nobody reads a
// tag of a note whose text has not come.
//
//   change    runs a function; what it wrote becomes a change, and if it throws, nothing has been
//             written
//   updates   the own changes since the last call, or all that a version lacks, in one frame
//   merge     takes a frame if nothing is missing that it depends on; all of it, or nothing
//   compact   lets go of history that every replica has (compaction.ts)
//
// Versions count changes: a vector of how many of each agent are known. A container's own version
// follows from it (counts.ts).
//
// Reference: for causal delivery of whole changes, W. Lloyd et al., "Don't Settle for Eventual"
// (SOSP 2011), §3. Left out: transactions that fail when others have written; a change here always
// succeeds.
import { covers } from "../causal/base.ts";
import type { VersionVector } from "../causal/causal-graph.ts";
import { CrdtError } from "../errors.ts";
import { checkReplica } from "../lattice/scalar.ts";
import { Pending } from "../sequence/pending.ts";
import { missingFor } from "../sequence/update.ts";
import { Audience, type DocumentEvent } from "./audience.ts";
import { Changes } from "./changes.ts";
import { closureOf } from "./closure.ts";
import { doorsOf, openAll } from "./containers.ts";
import { type DocumentDiff, differenceOf } from "./difference.ts";
import { forget, History } from "./history.ts";
import { graphOf, loadAll, takeIn, takeInstead } from "./intake.ts";
import type { DocumentMerge, DocumentOptions, DocumentStats } from "./options.ts";
import type { Past, Readers, Schema, Writers } from "./schema.ts";
import { type Conflict, Gate, type Slot } from "./slot.ts";
import { type Read, readUpdate, Tag } from "./update.ts";

/** A replicated document. */
export class Document<S extends Schema> {
  /** The name under which this replica edits. */
  readonly agent: string;
  /** Its containers. */
  readonly schema: S;
  /** What is read. After a change that threw, ask it anew. */
  readonly view: Readers<S>;
  readonly #options: DocumentOptions;
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #writers: Writers<S>;
  readonly #gate: Gate = new Gate();
  readonly #history: History;
  readonly #audience: Audience;
  readonly #changes: Changes;
  readonly #pending: Pending = new Pending();

  /**
   * An empty document.
   *
   * @param agent 1 to 64 printable ASCII characters. No two replicas may ever have the same name,
   *   nor one replica after it has lost what it had sent.
   */
  constructor(agent: string, schema: S, options: DocumentOptions = {}) {
    this.agent = checkReplica(agent);
    this.schema = schema;
    this.#options = options;
    this.#history = new History(options.undoMax ?? 100);
    this.#slots = openAll(schema, { agent, gate: this.#gate, clock: options.clock });
    this.#audience = new Audience(this.#gate, this.#slots);
    this.#changes = new Changes(agent, this.#slots);
    this.view = doorsOf(this.#slots) as Readers<S>;
    this.#writers = doorsOf(this.#slots) as Writers<S>;
  }

  /**
   * A document from {@link Document.encode}.
   *
   * @throws CrdtError if the bytes are not to be trusted, or have a container that the schema lacks
   */
  static load<S extends Schema>(
    agent: string,
    schema: S,
    bytes: Uint8Array,
    options: DocumentOptions = {},
  ): Document<S> {
    const document = new Document(agent, schema, options);
    document.#load(bytes);
    return document;
  }

  /** For each agent, how many of its changes are known here. */
  get version(): ReadonlyMap<string, number> {
    return this.#changes.graph.vector();
  }

  /** The version below which nothing is known of what was done; empty, if all is known. */
  get base(): ReadonlyMap<string, number> {
    return this.#changes.graph.base?.version ?? new Map();
  }

  /** How many updates wait. */
  get pending(): number {
    return this.#pending.count;
  }

  /** What waits, and what is held. */
  get stats(): DocumentStats {
    let { bytes } = this.#changes.graph;
    for (const slot of this.#slots.values()) bytes += slot.bytes;
    return { pending: this.#pending.count, changes: this.#changes.graph.length, bytes };
  }

  /**
   * Makes a change: what the function writes, in all containers, is one. If it throws, nothing has
   * been written. It must not wait for anything, nor change or merge the document itself.
   */
  change(write: (d: Writers<S>) => void): void {
    this.#change("user", () => write(this.#writers));
  }

  /** Does the opposite of the own last change, as far as others have left it. False for none. */
  undo(): boolean {
    return this.#goBack("undo");
  }

  /** Does again what was undone last. False for none. */
  redo(): boolean {
    return this.#goBack("redo");
  }

  /**
   * Without a version: the own changes since the last call, to be sent to everybody; `undefined`
   * for none. With one: everything that a replica of that version lacks.
   *
   * @throws CrdtError `CRDT_COMPACTED` if that version lacks a part of the base: give it `encode()`
   */
  updates(): Uint8Array<ArrayBuffer> | undefined;
  updates(since: VersionVector): Uint8Array<ArrayBuffer>;
  updates(since?: VersionVector): Uint8Array<ArrayBuffer> | undefined {
    this.#checkClosed();
    return since === undefined ? this.#changes.flush() : this.#changes.since(since);
  }

  /**
   * Takes in an update, or a whole document, in any order and any number of times.
   *
   * @throws CrdtError if the bytes are not to be trusted, name a container that the schema lacks
   *   (`CRDT_KIND`), or too many updates wait (`CRDT_FULL`); `CRDT_COMPACTED` if what one side
   *   lacks was compacted away on the other, and cannot be had by taking the whole document in
   *   place of this one. The document is as it was
   */
  merge(bytes: Uint8Array): DocumentMerge {
    this.#checkClosed();
    const conflicts: Conflict[] = [];
    const applied = this.#hearing("elsewhere", conflicts, () => this.#takeAll(bytes, conflicts));
    return { applied, pending: this.#pending.count, conflicts };
  }

  /**
   * Lets go of history that every replica has; what is read and digests stay as they are, but what
   * was done then cannot be undone or looked at any more. Returns how many changes were let go. For
   * how far it goes, and what it costs, see `compact` of a text; movable lists keep their history.
   *
   * @param stable a version of this replica that every other replica is known to have had when it
   *   made the last update that was merged here
   */
  compact(stable: VersionVector): number {
    this.#checkClosed();
    const count = this.#changes.compact(stable);
    this.#history.forgetBelow(this.base.get(this.agent) ?? 0);
    return count;
  }

  /**
   * Recovers what was written here from a document that was compacted without it, when merging
   * throws `CRDT_COMPACTED`: the document under a new name, with one change more. In that, texts
   * and lists have what these authors inserted and what was deleted done again; everything else is
   * for `again` to write, which is shown what this document reads. This one should be used no more.
   *
   * @param agent a name that nobody has had
   * @param document what `encode` gave
   * @throws RangeError for a name that is known, CrdtError if the bytes are not to be trusted
   */
  rebaseOnto(
    agent: string,
    document: Uint8Array,
    again: (d: Writers<S>, mine: Readers<S>) => void = () => {},
    authors: Iterable<string> = [this.agent],
  ): Document<S> {
    this.#checkClosed();
    const rebased = Document.load(agent, this.schema, document, this.#options);
    if (rebased.version.has(agent) || this.version.has(agent)) {
      throw new RangeError(`${agent} has made changes already: take a new name`);
    }
    const all = new Set(authors);
    rebased.change((d) => {
      for (const [name, slot] of rebased.#slots) slot.rebase(this.#slots.get(name)!, all);
      again(d, this.view);
    });
    return rebased;
  }

  /** A copy under another name, which shares nothing with this one. What waits is not copied. */
  fork(agent: string, options: DocumentOptions = this.#options): Document<S> {
    return Document.load(agent, this.schema, this.encode(), options);
  }

  /**
   * The containers that have a past, as they were in a version that is known here. Counters,
   * registers, flags, sets and maps keep what is, and not what was: they are not in it.
   *
   * @throws RangeError for a version that is not known, CrdtError `CRDT_COMPACTED` for one that
   *   lacks a part of the base
   */
  at(version: VersionVector): Past<S> {
    this.#checkClosed();
    const known = closureOf(this.#changes.graph, version);
    const past: [string, unknown][] = [];
    for (const [name, slot] of this.#slots) {
      const then = slot.at(slot.counts.vector(known));
      if (then !== undefined) past.push([name, then]);
    }
    return Object.fromEntries(past) as Past<S>;
  }

  /** What is different between two versions, in the containers that have a past. */
  diff(from: VersionVector, to: VersionVector = this.version): DocumentDiff {
    return differenceOf(this.at(from), this.at(to));
  }

  /**
   * A fingerprint of what is known and what that makes. Replicas of one schema that know the same
   * changes have the same one.
   */
  digest(): string {
    return this.#changes.digest();
  }

  /** Everything but what waits and what can be undone. */
  encode(): Uint8Array<ArrayBuffer> {
    this.#checkClosed();
    return this.#changes.encode();
  }

  /** Calls back after each change and merge, with all that reads differently, until disposed. */
  subscribe(listener: (event: DocumentEvent) => void): Disposable {
    return this.#audience.listen(listener);
  }

  /** Calls back after each change and merge that did something, until disposed. Costs nothing. */
  onChange(listener: () => void): Disposable {
    return this.#audience.watch(listener);
  }

  #checkClosed(): void {
    if (this.#gate.isOpen) throw new TypeError("a change is being made");
  }

  #change(by: "user" | "undo" | "redo", write: () => unknown): boolean {
    this.#checkClosed();
    const slots = [...this.#slots.values()];
    return this.#hearing("here", [], () => {
      this.#gate.isOpen = true;
      try {
        const waits = write() instanceof Promise;
        if (waits) throw new TypeError("the function of a change must not be asynchronous");
      } catch (error) {
        for (const slot of slots) if (slot.isTouched) slot.rollBack();
        throw error;
      } finally {
        this.#gate.isOpen = false;
      }
      const touched = slots.filter((slot) => slot.isTouched);
      if (touched.length > 0) this.#commit(by, touched);
      return touched.length > 0;
    });
  }

  #commit(by: "user" | "undo" | "redo", touched: readonly Slot[]): void {
    const seq = this.#changes.add();
    const steps = touched.map((slot) => {
      const undoable = slot.commit(seq);
      slot.counts.push(this.agent, { seq, count: slot.own });
      return undoable;
    });
    this.#history.add({ seq, steps }, by);
  }

  // What others have left nothing of is passed over.
  #goBack(by: "undo" | "redo"): boolean {
    this.#checkClosed();
    for (;;) {
      const change = this.#history.take(by);
      if (change === undefined) return false;
      const isDone = this.#change(by, () => {
        for (const each of change.steps.toReversed()) each.undo();
      });
      forget(change);
      if (isDone) return true;
    }
  }

  #load(bytes: Uint8Array): void {
    const read = readUpdate(bytes, this.#slots);
    if (read.tag !== Tag.Document) {
      throw new CrdtError("CRDT_KIND", "expected a document, got an update of one");
    }
    this.#changes.graph = graphOf(read);
    loadAll(read);
    this.#changes.markSent();
  }

  // Listeners come afterwards: what they write has not been sent, and is not what was merged.
  #takeAll(bytes: Uint8Array, conflicts: Conflict[]): number {
    const before = this.#changes.graph.operations;
    const { isAllSent } = this.#changes;
    this.#mergeOne(bytes, conflicts);
    this.#mergeReady(conflicts);
    // What comes under the own name is from an earlier life, and others have it from there.
    if (isAllSent && !this.#changes.isAllSent) this.#changes.markSent();
    return this.#changes.graph.operations - before;
  }

  #mergeOne(bytes: Uint8Array, conflicts: Conflict[]): void {
    const read = readUpdate(bytes, this.#slots);
    if (read.tag === Tag.Document) {
      this.#mergeDocument(bytes, read, conflicts);
      return;
    }
    const missing = missingFor(this.#changes.graph, read.runs);
    if (missing === undefined)
      this.#apply(conflicts, () => takeIn(this.#changes.graph, this.agent, read));
    else this.#pending.add(bytes, missing);
  }

  #mergeDocument(bytes: Uint8Array, read: Read, conflicts: Conflict[]): void {
    const graph = graphOf(read);
    if (graph.base === undefined || covers(this.version, graph.base.version)) {
      const { clock } = this.#options;
      const options = clock === undefined ? {} : { clock };
      const whole = Document.load("reader", this.schema, bytes, options);
      this.#mergeOne(whole.updates(this.version), conflicts);
      return;
    }
    if (!covers(graph.vector(), this.version)) {
      throw new CrdtError(
        "CRDT_COMPACTED",
        "this document was compacted, and lacks changes from here: write them anew (rebaseOnto)",
      );
    }
    this.#apply(conflicts, () => takeInstead(read));
    this.#changes.graph = graph;
    this.#changes.markSent();
    this.#history.forgetBelow(this.#changes.own);
  }

  #mergeReady(conflicts: Conflict[]): void {
    for (;;) {
      const next = this.#pending.takeReady(
        ({ agent, seq }) => this.#changes.graph.known(agent) > seq,
      );
      if (next === undefined) return;
      try {
        this.#mergeOne(next, conflicts);
      } catch (error) {
        // It was sent by somebody else than whoever sent what is being merged.
        if (!(error instanceof CrdtError)) throw error;
      }
    }
  }

  #apply(conflicts: Conflict[], take: () => readonly Conflict[]): void {
    const { heard } = this.#gate;
    const length = heard?.length ?? 0;
    try {
      conflicts.push(...take());
    } catch (error) {
      // What the part before the one that failed has told was not.
      if (heard !== undefined) heard.length = length;
      throw error;
    }
  }

  #hearing<T>(origin: DocumentEvent["origin"], conflicts: Conflict[], act: () => T): T {
    const before = this.#changes.graph.operations;
    const result = this.#audience.hearing(origin, conflicts, act);
    if (this.#changes.graph.operations > before) this.#audience.changed();
    return result;
  }
}
