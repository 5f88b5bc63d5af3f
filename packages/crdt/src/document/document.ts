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
//
// Versions count changes: a vector of how many of each agent are known. A container's own version
// follows from it (counts.ts).
//
// Reference: for causal delivery of whole changes, W. Lloyd et al., "Don't Settle for Eventual"
// (SOSP 2011), §3. Left out: compaction below causal stability, and transactions that fail when
// others have written: a change here always succeeds.
import { CausalGraph, type VersionVector } from "../causal/causal-graph.ts";
import { ByteWriter } from "../encoding/byte-writer.ts";
import { CrdtError } from "../errors.ts";
import { digestOf } from "../lattice/digest.ts";
import { checkReplica, checkString, compareStrings } from "../lattice/scalar.ts";
import { Pending } from "../sequence/pending.ts";
import { missingFor } from "../sequence/update.ts";
import { Audience, type DocumentEvent } from "./audience.ts";
import { closureOf } from "./closure.ts";
import { type DocumentDiff, differenceOf } from "./difference.ts";
import { forget, History } from "./history.ts";
import { loadAll, takeIn } from "./intake.ts";
import type { DocumentMerge, DocumentOptions, DocumentStats } from "./options.ts";
import type { Past, Readers, Schema, Writers } from "./schema.ts";
import { type Conflict, Gate, type Slot, type Undoable } from "./slot.ts";
import { NAME_BYTES_MAX, type Read, readUpdate, Tag, writeUpdate } from "./update.ts";

/** How many containers a document may have. */
export const CONTAINERS_MAX = 1024;

/** A replicated document. */
export class Document<S extends Schema> {
  /** The name under which this replica edits. */
  readonly agent: string;
  /** Its containers. */
  readonly schema: S;
  /** What is read. After a change that threw, ask it anew. */
  readonly view: Readers<S>;
  readonly #options: DocumentOptions;
  readonly #slots: Map<string, Slot> = new Map();
  readonly #writers: Writers<S>;
  readonly #gate: Gate = new Gate();
  readonly #history: History;
  readonly #audience: Audience = new Audience(this.#gate, this.#slots);
  readonly #graph: CausalGraph = new CausalGraph();
  readonly #pending: Pending = new Pending();
  // The own changes that `updates` has given, and what each container had of its own then.
  #sent = 0;
  readonly #ownSent: Map<Slot, number> = new Map();

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
    const names = Object.keys(schema).sort(compareStrings);
    if (names.length > CONTAINERS_MAX) {
      throw new RangeError(`a document has ${CONTAINERS_MAX} containers at most`);
    }
    for (const name of names) {
      const isNamed = new TextEncoder().encode(checkString(name)).length <= NAME_BYTES_MAX;
      if (!isNamed) throw new RangeError(`a name has ${NAME_BYTES_MAX} bytes at most: ${name}`);
      const opening = { name, agent, gate: this.#gate, clock: options.clock };
      this.#slots.set(name, schema[name]!.open(opening));
    }
    this.view = this.#doors() as Readers<S>;
    this.#writers = this.#doors() as Writers<S>;
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
    return this.#graph.vector();
  }

  /** How many updates wait. */
  get pending(): number {
    return this.#pending.count;
  }

  /** What waits, and what is held. */
  get stats(): DocumentStats {
    let { bytes } = this.#graph;
    for (const slot of this.#slots.values()) bytes += slot.bytes;
    return { pending: this.#pending.count, changes: this.#graph.length, bytes };
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
   */
  updates(): Uint8Array<ArrayBuffer> | undefined;
  updates(since: VersionVector): Uint8Array<ArrayBuffer>;
  updates(since?: VersionVector): Uint8Array<ArrayBuffer> | undefined {
    this.#checkClosed();
    if (since !== undefined) return this.#since(since);
    const own = this.#graph.known(this.agent);
    if (own === this.#sent) return undefined;
    const before = this.#graph.vector().set(this.agent, this.#sent);
    const ranges = this.#graph.missingFrom(before);
    const bytes = writeUpdate(Tag.Update, this.#graph, ranges, this.#slots.values(), (slot) => {
      return slot.flush(this.#ownSent.get(slot) ?? 0);
    });
    this.#markSent();
    return bytes;
  }

  /**
   * Takes in an update, or a whole document, in any order and any number of times.
   *
   * @throws CrdtError if the bytes are not to be trusted, name a container that is not in the
   * schema
   *   (`CRDT_KIND`), or too many updates wait (`CRDT_FULL`); the document is as it was
   */
  merge(bytes: Uint8Array): DocumentMerge {
    this.#checkClosed();
    const before = this.#graph.length;
    const isAllSent = this.#graph.known(this.agent) === this.#sent;
    const conflicts: Conflict[] = [];
    this.#hearing("elsewhere", conflicts, () => {
      this.#mergeOne(bytes, conflicts);
      this.#mergeReady(conflicts);
    });
    // What comes under the own name is from an earlier life, and others have it from there.
    if (isAllSent && this.#graph.known(this.agent) > this.#sent) this.#markSent();
    return { applied: this.#graph.length - before, pending: this.#pending.count, conflicts };
  }

  /** A copy under another name, which shares nothing with this one. What waits is not copied. */
  fork(agent: string, options: DocumentOptions = this.#options): Document<S> {
    return Document.load(agent, this.schema, this.encode(), options);
  }

  /**
   * The containers that have a past, as they were in a version that is known here. Counters,
   * registers, flags, sets and maps keep what is, and not what was: they are not in it.
   *
   * @throws RangeError for a version that is not known
   */
  at(version: VersionVector): Past<S> {
    this.#checkClosed();
    const known = closureOf(this.#graph, version);
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
    const writer = new ByteWriter();
    const agents = [...this.version].sort(([a], [b]) => compareStrings(a, b));
    writer.number(agents.length);
    for (const [agent, count] of agents) {
      writer.ascii(agent);
      writer.number(count);
    }
    for (const slot of this.#slots.values()) {
      writer.string(slot.name);
      writer.ascii(slot.digest());
    }
    return digestOf(writer.take());
  }

  /** Everything but what waits and what can be undone. */
  encode(): Uint8Array<ArrayBuffer> {
    this.#checkClosed();
    const ranges = this.#graph.length > 0 ? [0, this.#graph.length] : [];
    return writeUpdate(Tag.Document, this.#graph, ranges, this.#slots.values(), (slot) =>
      slot.encode(),
    );
  }

  /** Calls back after each change and merge, with all that reads differently, until disposed. */
  subscribe(listener: (event: DocumentEvent) => void): Disposable {
    return this.#audience.listen(listener);
  }

  /** Calls back after each change and merge that did something, until disposed. Costs nothing. */
  onChange(listener: () => void): Disposable {
    return this.#audience.watch(listener);
  }

  // The containers by name. A container that was made anew is found behind the same door.
  #doors(): unknown {
    const doors = Object.create(null) as object;
    for (const [name, slot] of this.#slots) {
      Object.defineProperty(doors, name, { enumerable: true, get: () => slot.container });
    }
    return doors;
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
    const { agent } = this;
    const lv = this.#graph.addLocal(this.#graph.agentNumber(agent), 1);
    const seq = this.#graph.seqOf(lv);
    const undoable: Undoable[] = [];
    for (const slot of touched) {
      undoable.push(slot.commit(seq));
      slot.counts.push(agent, { seq, count: slot.own });
    }
    this.#history.add(undoable, by);
  }

  // What others have left nothing of is passed over.
  #goBack(by: "undo" | "redo"): boolean {
    this.#checkClosed();
    for (;;) {
      const change = this.#history.take(by);
      if (change === undefined) return false;
      const isDone = this.#change(by, () => {
        for (const each of change.toReversed()) each.undo();
      });
      forget(change);
      if (isDone) return true;
    }
  }

  #since(version: VersionVector): Uint8Array<ArrayBuffer> {
    const ranges = this.#graph.missingFrom(version);
    return writeUpdate(Tag.Update, this.#graph, ranges, this.#slots.values(), (slot) =>
      slot.since(slot.counts.vector(version)),
    );
  }

  #markSent(): void {
    this.#sent = this.#graph.known(this.agent);
    for (const slot of this.#slots.values()) this.#ownSent.set(slot, slot.counts.of(this.agent));
  }

  #load(bytes: Uint8Array): void {
    const read = readUpdate(bytes, this.#slots);
    if (read.tag !== Tag.Document) {
      throw new CrdtError("CRDT_KIND", "expected a document, got an update of one");
    }
    if (missingFor(this.#graph, read.runs) !== undefined) {
      throw new CrdtError("CRDT_CORRUPT", "a document without its beginning");
    }
    loadAll(this.#graph, read);
    this.#markSent();
  }

  #mergeOne(bytes: Uint8Array, conflicts: Conflict[]): void {
    const read = readUpdate(bytes, this.#slots);
    if (read.tag === Tag.Document) {
      const { clock } = this.#options;
      const whole = Document.load(
        "reader",
        this.schema,
        bytes,
        clock === undefined ? {} : { clock },
      );
      this.#mergeOne(whole.updates(this.version), conflicts);
      return;
    }
    const missing = missingFor(this.#graph, read.runs);
    if (missing === undefined) this.#apply(read, conflicts);
    else this.#pending.add(bytes, missing);
  }

  #mergeReady(conflicts: Conflict[]): void {
    for (;;) {
      const next = this.#pending.takeReady(({ agent, seq }) => this.#graph.known(agent) > seq);
      if (next === undefined) return;
      try {
        this.#mergeOne(next, conflicts);
      } catch (error) {
        // It was sent by somebody else than whoever sent what is being merged.
        if (!(error instanceof CrdtError)) throw error;
      }
    }
  }

  #apply(read: Read, conflicts: Conflict[]): void {
    const { heard } = this.#gate;
    const length = heard?.length ?? 0;
    try {
      conflicts.push(...takeIn(this.#graph, this.agent, read));
    } catch (error) {
      // What the part before the one that failed has told was not.
      if (heard !== undefined) heard.length = length;
      throw error;
    }
  }

  #hearing<T>(origin: DocumentEvent["origin"], conflicts: Conflict[], act: () => T): T {
    const before = this.#graph.length;
    const result = this.#audience.hearing(origin, conflicts, act);
    if (this.#graph.length > before) this.#audience.changed();
    return result;
  }
}
