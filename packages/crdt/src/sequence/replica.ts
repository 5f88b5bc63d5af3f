// One replica of one sequence: its causal graph, its log, its content, and what waits for more.
// Text and list are doors to this; a document with several containers has the same parts, and one
// graph for all of them.
//
// A replica opened from bytes has its content at once and its history as bytes. The first call that
// needs the history unpacks it.
//
// A replica that was compacted has no history below its base, and takes no operation that does not
// descend from there. One that lacks a part of that base can only take the whole document in place
// of its own, which it does if that has all that it has itself.
import { covers } from "../causal/base.ts";
import { CausalGraph, type VersionVector } from "../causal/causal-graph.ts";
import { ByteReader } from "../encoding/byte-reader.ts";
import { ByteWriter } from "../encoding/byte-writer.ts";
import { bodyOf, FrameVersion, frame, tagOf, versionOf } from "../encoding/frame.ts";
import { CrdtError } from "../errors.ts";
import { checkReplica } from "../lattice/scalar.ts";
import { type Anchor, positionOfUnit, unitAt } from "./anchor.ts";
import { compacted } from "./compaction.ts";
import type { Content } from "./content.ts";
import { readHistory, writeDocument } from "./document.ts";
import { takeKeystroke, writeKeystroke } from "./keystroke.ts";
import { OperationLog } from "./operation-log.ts";
import { Pending } from "./pending.ts";
import { forEachPresent } from "./present.ts";
import { Replay } from "./replay.ts";
import { Splices } from "./tracker/splices.ts";
import { addUpdate, type History, missingFor, readUpdate, writeUpdate } from "./update.ts";

/** What a merge did. */
export interface MergeResult {
  /** How many operations were new, and are in the sequence now. */
  readonly applied: number;
  /** How many updates wait for others on which they depend. */
  readonly pending: number;
}

/** Told of each change from another replica, after it has been made. */
export type SpliceListener = (splices: Splices) => void;

const writer = new ByteWriter();

/** A sequence that converges with its other replicas. */
export class Replica<C extends Content> implements History {
  /** The name under which this replica edits. */
  readonly agent: string;
  /** The units. */
  readonly content: C;
  /** Called after each merge that changed something; what it costs, only listeners pay. */
  onMerge: SpliceListener | undefined;
  /** Called after each edit, by the doors, and each merge that brought something. */
  onChange: (() => void) | undefined;

  #graph: CausalGraph = new CausalGraph();
  #log: OperationLog = new OperationLog();
  #replay: Replay = new Replay(this.#graph, this.#log);
  #pending: Pending = new Pending();
  // The history of a document that was opened and not unpacked yet.
  #packed: { readonly reader: ByteReader; readonly hasBase: boolean } | undefined;
  #agentNumber = -1;
  // The number of the first own operation that was made here since the last flush; -1 for none.
  #unsent = -1;

  constructor(agent: string, content: C) {
    this.agent = checkReplica(agent);
    this.content = content;
  }

  /** The graph, unpacked. */
  get graph(): CausalGraph {
    if (this.#packed !== undefined) this.unpack();
    return this.#graph;
  }

  /** The operations, unpacked. */
  get log(): OperationLog {
    if (this.#packed !== undefined) this.unpack();
    return this.#log;
  }

  /** Whether the history is still the bytes that it came in. */
  get isPacked(): boolean {
    return this.#packed !== undefined;
  }

  /** How many operations the tracker holds: 0, but for the time of a concurrent window. */
  get windowLength(): number {
    return this.#replay.windowLength;
  }

  /** How many updates wait. */
  get pending(): number {
    return this.#pending.count;
  }

  /** The bytes that all columns hold on to, about. */
  get bytes(): number {
    const history = this.#graph.bytes + this.#log.bytes + (this.#packed?.reader.left ?? 0);
    return history + this.content.bytes;
  }

  /** A place that survives edits. */
  anchorAt(position: number, side: "before" | "after"): Anchor {
    const { graph, content } = this;
    const unit = side === "before" ? position : position - 1;
    if (unit < 0) return { end: "start" };
    if (unit >= content.length) return { end: "end" };
    return { ...unitAt(graph, this.#log, content.length, unit), side };
  }

  /** Where that place is now; `undefined` if what it names is not known. */
  positionOf(anchor: Anchor): number | undefined {
    const { graph, content } = this;
    if ("end" in anchor) return anchor.end === "start" ? 0 : content.length;
    const found = positionOfUnit(graph, this.#log, content.length, anchor);
    if (found === undefined) return undefined;
    return anchor.side === "after" && !found.isGone ? found.position + 1 : found.position;
  }

  /** Adds insertions that were made here; the caller appends their content and splices it in. */
  insert(position: number, count: number): void {
    const lv = this.#addLocal(count); // May unpack, and with that replace the log.
    this.#log.insert(lv, position, count);
  }

  /** Adds deletions that were made here; the caller takes the units out. */
  delete(position: number, count: number): void {
    const lv = this.#addLocal(count);
    this.#log.delete(lv, position, count);
  }

  /** Takes in an update or a whole document of another replica. */
  merge(bytes: Uint8Array): MergeResult {
    const before = this.graph.operations;
    this.#mergeOne(bytes);
    if (this.#pending.count > 0) this.#mergeReady();
    const applied = this.#graph.operations - before;
    if (applied > 0) this.onChange?.();
    return { applied, pending: this.#pending.count };
  }

  /** What a replica of that version lacks, as an update. */
  encodeSince(vector: VersionVector): Uint8Array<ArrayBuffer> {
    return this.#encode(this.graph.missingFrom(vector));
  }

  /** What was done here since the last call, as an update; `undefined` for nothing. */
  flush(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#unsent < 0) return undefined;
    const [agent, seq] = [this.#agentNumber, this.#unsent];
    this.#unsent = -1;
    writer.reset();
    if (!writeKeystroke(writer, this, agent, seq)) {
      writeUpdate(writer, this, this.#graph.rangesOf(agent, seq));
    }
    return frame(this.content.tags.update, writer);
  }

  /** Everything, as bytes that {@link Replica.open} takes. */
  encode(keepDeleted: boolean): Uint8Array<ArrayBuffer> {
    const { graph, content } = this;
    writer.reset();
    writeDocument(writer, this, keepDeleted);
    const version = graph.base === undefined ? FrameVersion.Plain : FrameVersion.WithBase;
    return frame(content.tags.document, writer, version);
  }

  /** Takes a document's content, and keeps its history packed. Only for a replica that is empty. */
  open(bytes: Uint8Array): void {
    // A copy: the caller may go on using the buffer that these bytes are in.
    const own = bytes.slice();
    const reader = bodyOf(own, FrameVersion.WithBase);
    if (tagOf(own) !== this.content.tags.document) {
      throw new CrdtError("CRDT_KIND", `expected a document of this type, got tag ${tagOf(own)}`);
    }
    this.content.readState(reader);
    this.#packed = { reader, hasBase: versionOf(own) === FrameVersion.WithBase };
  }

  /** Unpacks the history now, and with that finds out whether it is one. */
  unpack(): void {
    if (this.#packed === undefined) return;
    const { reader, hasBase } = this.#packed;
    const { graph, log } = readHistory(reader, this.content, hasBase);
    this.#replace(graph, log);
    this.#packed = undefined;
  }

  /** Lets go of the history that is stable; returns how many operations that were. */
  compact(stable: VersionVector): number {
    const { graph } = this;
    const left = compacted({ graph, log: this.#log }, stable);
    if (left === undefined) return 0;
    this.content.keep(left.pieces);
    this.#replace(left.graph, left.log);
    return left.cut;
  }

  /** Takes the base of another replica, and what it had in a version. Only for an empty one. */
  openVersion(source: Replica<C>, vector: VersionVector): void {
    const update = source.encodeVersion(vector);
    const { base } = source.log;
    if (base.length > 0) {
      const units = new ByteWriter();
      source.content.write(units, [0, base.length]);
      this.content.read(new ByteReader(units.take()), base.length);
      this.content.insert(0, 0, base.length);
    }
    this.#replace(new CausalGraph(source.graph.base), new OperationLog(base));
    this.#mergeOne(update);
  }

  /** Writes the operations of a version, without any others, as an update. */
  encodeVersion(vector: VersionVector): Uint8Array<ArrayBuffer> {
    const { graph } = this;
    const ranges: number[] = [];
    graph.walkDifference(graph.headsOf(vector), [], (from, to) => ranges.push(to, from));
    ranges.reverse();
    return this.#encode(ranges);
  }

  /** A copy under another name, which shares nothing. */
  fork(agent: string): Replica<C> {
    this.unpack(); // Before the content is copied, for it is then that its column is filled.
    const copy = new Replica(agent, this.content.clone() as C);
    copy.#replace(this.graph.clone(), this.#log.clone());
    copy.#pending = this.#pending.clone();
    return copy;
  }

  #replace(graph: CausalGraph, log: OperationLog): void {
    this.#graph = graph;
    this.#log = log;
    this.#replay = new Replay(graph, log);
    this.#agentNumber = graph.findAgent(this.agent);
    if (this.#unsent < 0) return;
    // What is in the base has been told to everybody.
    this.#unsent = Math.max(this.#unsent, graph.base?.version.get(this.agent) ?? 0);
    if (this.#unsent >= graph.known(this.agent)) this.#unsent = -1;
  }

  #addLocal(count: number): number {
    const { graph } = this;
    if (this.#agentNumber < 0) this.#agentNumber = graph.agentNumber(this.agent);
    if (this.#unsent < 0) this.#unsent = graph.nextSeqs[this.#agentNumber]!;
    return graph.addLocal(this.#agentNumber, count);
  }

  #encode(ranges: readonly number[]): Uint8Array<ArrayBuffer> {
    writer.reset();
    writeUpdate(writer, this, ranges);
    return frame(this.content.tags.update, writer);
  }

  #mergeOne(bytes: Uint8Array): void {
    const tag = tagOf(bytes);
    const { tags } = this.content;
    if (tag === tags.document) {
      this.#mergeDocument(bytes);
      return;
    }
    const body = bodyOf(bytes);
    if (tag !== tags.update) {
      throw new CrdtError("CRDT_KIND", `expected an update of this type, got tag ${tag}`);
    }
    const first = this.#graph.length;
    let splices: Splices | undefined;
    try {
      if (this.onMerge === undefined && takeKeystroke(this, body)) return;
      const update = readUpdate(body, this);
      const missing = missingFor(this.#graph, update.runs);
      if (missing === undefined) {
        this.#graph.mark();
        addUpdate(this, update);
        splices = this.#replay.splicesFrom(first, this.content.length);
      } else {
        this.content.truncate(this.#log.inserted);
        this.#pending.add(bytes, missing);
      }
      this.#graph.keep();
    } catch (error) {
      this.#graph.rollBack();
      this.#log.truncate(first);
      this.content.truncate(this.#log.inserted);
      throw error;
    }
    if (splices !== undefined) this.#apply(splices);
  }

  #mergeDocument(bytes: Uint8Array): void {
    const whole = new Replica<C>("reader", this.content.empty() as C);
    whole.open(bytes);
    const [known, { base }] = [this.#graph.vector(), whole.graph];
    if (base === undefined || covers(known, base.version)) {
      this.#mergeOne(whole.encodeSince(known));
      return;
    }
    if (!covers(whole.graph.vector(), known)) {
      throw new CrdtError(
        "CRDT_COMPACTED",
        "this document was compacted, and lacks edits from here: do them again there (rebaseOnto)",
      );
    }
    this.adopt(whole);
  }

  /** Takes everything of a replica that has all that is here; nobody uses that one afterwards. */
  adopt(whole: Replica<C>): void {
    const { graph, log } = whole; // Unpacks, before its content is compared.
    const { start, here, there } = this.content.differenceFrom(whole.content);
    this.content.become(whole.content);
    this.#replace(graph, log);
    if (this.onMerge === undefined || here + there === 0) return;
    const splices = new Splices();
    if (here > 0) splices.remove(start, here);
    let at = 0;
    forEachPresent({ graph, log }, graph.length, ({ content, count }) => {
      const [from, to] = [Math.max(at, start), Math.min(at + count, start + there)];
      if (from < to) splices.insert(from, to - from, content + from - at);
      at += count;
    });
    this.onMerge(splices);
  }

  #mergeReady(): void {
    for (;;) {
      const next = this.#pending.takeReady(({ agent, seq }) => this.#graph.known(agent) > seq);
      if (next === undefined) return;
      this.#mergeWaiting(next);
    }
  }

  // One that fails now was sent by somebody else than whoever sent what is being merged.
  #mergeWaiting(bytes: Uint8Array): void {
    try {
      this.#mergeOne(bytes);
    } catch (error) {
      if (!(error instanceof CrdtError)) throw error;
    }
  }

  #apply(splices: Splices): void {
    const { content } = this;
    for (let i = 0; i < splices.count; i++) {
      const units = splices.units(i);
      if (units < 0) content.remove(splices.position(i), -units);
      else content.insert(splices.position(i), splices.content(i), units);
    }
    if (splices.count > 0) this.onMerge?.(splices);
  }
}
