// One replica of one movable list: its causal graph, what was done, where the places are, what the
// elements are, and what waits for more.
//
// Eg-walker does one half of it: it turns the positions in which people put places into those of
// today (sequence/replay.ts). It is never told of a removal, for a place stays when its element
// leaves it. The other half, which place shows which element, depends on nothing but the set of
// steps: registers take the later of two, and deletions are counted. So replicas that know the same
// steps have the same places in the same order, the same registers and the same counts, and hence
// the same list.
import { CausalGraph, type VersionVector } from "../causal/causal-graph.ts";
import { ByteWriter } from "../encoding/byte-writer.ts";
import { bodyOf, frame, tagOf } from "../encoding/frame.ts";
import { CrdtError } from "../errors.ts";
import { checkReplica, type Scalar } from "../lattice/scalar.ts";
import { OperationLog } from "../sequence/operation-log.ts";
import { Pending } from "../sequence/pending.ts";
import { Replay } from "../sequence/replay.ts";
import type { MergeResult } from "../sequence/replica.ts";
import type { Splices } from "../sequence/tracker/splices.ts";
import { Changes, type MovableListChange } from "./changes.ts";
import { Elements, type Sight } from "./elements.ts";
import { addUpdate, find, missingIn, NOTHING } from "./intake.ts";
import { LamportClock } from "./lamport.ts";
import { PlaceTree } from "./place-tree.ts";
import { type StepId, Steps, What } from "./steps.ts";
import { type History, readUpdate, type Update, writeUpdate } from "./update.ts";

/** What frames are tagged with. */
export const Tag = { Update: 0xe4, Document: 0xe5 } as const;

const writer = new ByteWriter();

/** A movable list that converges with its other replicas. */
export class MovableReplica {
  /** The name under which this replica edits. */
  readonly agent: string;
  readonly graph: CausalGraph = new CausalGraph();
  readonly steps: Steps = new Steps();
  /** The places in their order; those are shown in which there is something to be seen. */
  readonly places: PlaceTree = new PlaceTree();
  readonly elements: Elements;
  /** Told what reads differently, after each call that made it so. Only a listener pays for it. */
  onChanges: ((changes: readonly MovableListChange[]) => void) | undefined;
  /** Called after each call that added steps. */
  onChange: (() => void) | undefined;

  readonly #log: OperationLog = new OperationLog();
  readonly #replay: Replay = new Replay(this.graph, this.#log);
  readonly #clock: LamportClock = new LamportClock(this.graph);
  #pending: Pending = new Pending();
  // Whether a call is going on, and what is heard of it, when somebody listens.
  #isWithin = false;
  #changes: Changes | undefined;
  // What was done here since the last flush, as from, to, from, to.
  #unsent: number[] = [];

  constructor(agent: string) {
    this.agent = checkReplica(agent);
    this.elements = new Elements(this.steps, this.#clock);
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
    const history = this.graph.bytes + this.#log.bytes + this.steps.bytes;
    return history + this.places.bytes + this.elements.bytes;
  }

  /** The name of an operation. */
  nameOf(lv: number): StepId {
    const { graph } = this;
    return { agent: graph.agents[graph.runAgent(graph.runOf(lv))]!, seq: graph.seqOf(lv) };
  }

  /** The operation of a name; below 0 if it is not known. */
  find(id: StepId): number {
    return find(this.graph, id);
  }

  /** Puts new elements before the place at an index among all. */
  insert(index: number, values: readonly Scalar[]): void {
    const { steps, elements, places } = this;
    this.#edit(values.length, (lv) => {
      this.#log.insert(lv, index, values.length);
      places.insert(index, values.length);
      for (const [i, value] of values.entries()) {
        steps.push(What.Insert, NOTHING, value);
        elements.apply(lv + i);
        this.#settle(elements.madeBy(lv + i), undefined);
      }
    });
  }

  /** Puts a place for an element before the place at an index among all. */
  move(element: number, index: number): void {
    this.#change(What.Move, element, (lv) => {
      this.#log.insert(lv, index, 1);
      this.places.insert(index, 1);
    });
  }

  /** Gives an element a value. */
  set(element: number, value: Scalar): void {
    this.#change(What.Set, element, undefined, value);
  }

  /** Deletes an element. */
  delete(element: number): void {
    this.#change(What.Delete, element);
  }

  /** Takes back a deletion, which is an own one. */
  restore(deletion: number): void {
    const element = this.elements.subjectOf(deletion);
    this.#change(What.Restore, element, undefined, null, deletion);
  }

  /** Does several things, and tells of them as one. */
  together(act: () => void): void {
    if (this.#isWithin) {
      act();
      return;
    }
    const before = this.graph.length;
    this.#isWithin = true;
    this.#changes = this.onChanges === undefined ? undefined : new Changes();
    try {
      act();
    } finally {
      this.#isWithin = false;
    }
    const list = this.#changes?.list ?? [];
    this.#changes = undefined;
    const isMore = this.graph.length > before;
    if (list.length > 0) this.onChanges?.(list);
    if (isMore) this.onChange?.();
  }

  /** Takes in an update or a whole list of another replica. */
  merge(bytes: Uint8Array): MergeResult {
    const before = this.graph.length;
    let applied = 0;
    this.together(() => {
      this.#mergeOne(bytes);
      if (this.#pending.count > 0) this.#mergeReady();
      applied = this.graph.length - before; // And not what listeners do then.
    });
    return { applied, pending: this.#pending.count };
  }

  /** Takes in a whole list. Only for a replica that is empty. */
  open(bytes: Uint8Array): void {
    const body = bodyOf(bytes);
    const tag = tagOf(bytes);
    if (tag !== Tag.Document) {
      throw new CrdtError("CRDT_KIND", `expected a whole movable list, got tag ${tag}`);
    }
    const update = readUpdate(body);
    if (missingIn(this.graph, update) !== undefined) {
      throw body.corrupt("a history without its beginning");
    }
    this.#add(update);
  }

  /** What a replica of that version lacks, as an update. */
  encodeSince(vector: VersionVector): Uint8Array<ArrayBuffer> {
    return this.#encode(Tag.Update, this.graph.missingFrom(vector));
  }

  /** The steps of a version, without any others, as an update. */
  encodeVersion(vector: VersionVector): Uint8Array<ArrayBuffer> {
    const { graph } = this;
    const ranges: number[] = [];
    graph.walkDifference(graph.headsOf(vector), [], (from, to) => ranges.push(to, from));
    return this.#encode(Tag.Update, ranges.reverse());
  }

  /** What was done here since the last call, as an update; `undefined` for nothing. */
  flush(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#unsent.length === 0) return undefined;
    const bytes = this.#encode(Tag.Update, this.#unsent);
    this.#unsent = [];
    return bytes;
  }

  /** Everything, as bytes that {@link MovableReplica.open} takes. */
  encode(): Uint8Array<ArrayBuffer> {
    const { length } = this.graph;
    return this.#encode(Tag.Document, length > 0 ? [0, length] : []);
  }

  /** A copy under another name, which shares nothing. */
  fork(agent: string): MovableReplica {
    const copy = new MovableReplica(agent);
    copy.open(this.encode());
    copy.#pending = this.#pending.clone();
    return copy;
  }

  #change(
    what: number,
    element: number,
    put?: (lv: number) => void,
    value: Scalar = null,
    target: number = this.elements.insertionOf(element),
  ): void {
    const before = this.elements.sightOf(element);
    this.#edit(1, (lv) => {
      put?.(lv);
      this.steps.push(what, target, value);
      this.elements.apply(lv);
      this.#settle(element, before);
    });
  }

  #edit(count: number, act: (lv: number) => void): void {
    const { graph } = this;
    this.together(() => {
      const lv = graph.addLocal(graph.agentNumber(this.agent), count);
      const unsent = this.#unsent;
      if (unsent.at(-1) === lv) unsent[unsent.length - 1] = lv + count;
      else unsent.push(lv, lv + count);
      act(lv);
    });
  }

  #encode(tag: number, ranges: readonly number[]): Uint8Array<ArrayBuffer> {
    writer.reset();
    writeUpdate(writer, this.#history(), ranges);
    return frame(tag, writer);
  }

  #history(): History {
    return { graph: this.graph, log: this.#log, steps: this.steps };
  }

  #mergeOne(bytes: Uint8Array): void {
    const body = bodyOf(bytes);
    const tag = tagOf(bytes);
    if (tag !== Tag.Update && tag !== Tag.Document) {
      throw new CrdtError("CRDT_KIND", `expected a movable list or an update of one, got ${tag}`);
    }
    const update = readUpdate(body);
    const missing = missingIn(this.graph, update);
    if (missing === undefined) this.#add(update);
    else this.#pending.add(bytes, missing);
  }

  #mergeReady(): void {
    for (;;) {
      const next = this.#pending.takeReady(({ agent, seq }) => this.graph.known(agent) > seq);
      if (next === undefined) return;
      try {
        this.#mergeOne(next);
      } catch (error) {
        // It was sent by somebody else than whoever sent what is being merged.
        if (!(error instanceof CrdtError)) throw error;
      }
    }
  }

  // All of an update, or nothing: what can be wrong is found out before a place is shown.
  #add(update: Update): void {
    const { graph, steps } = this;
    const first = graph.length;
    let splices: Splices;
    graph.mark();
    try {
      addUpdate(this.#history(), update);
      splices = this.#replay.splicesFrom(first, this.places.length);
    } catch (error) {
      graph.rollBack();
      this.#log.truncate(first);
      steps.truncate(first);
      throw error;
    }
    graph.keep();
    this.#apply(first, splices);
  }

  #apply(first: number, splices: Splices): void {
    const { elements, graph, places } = this;
    // Splices come in the order of the log, and so in that of the places' numbers.
    for (let i = 0; i < splices.count; i++) places.insert(splices.position(i), splices.units(i));
    const before = new Map<number, Sight>();
    const fresh = elements.count;
    for (let lv = first; lv < graph.length; lv++) {
      const element = elements.subjectOf(lv);
      if (element !== NOTHING && element < fresh && !before.has(element)) {
        before.set(element, elements.sightOf(element));
      }
      elements.apply(lv);
    }
    for (const [element, sight] of before) this.#settle(element, sight);
    for (let element = fresh; element < elements.count; element++) {
      this.#settle(element, undefined);
    }
  }

  // Shows an element where and as it is now, after it was seen as `before`.
  #settle(element: number, before: Sight | undefined): void {
    const { elements, places } = this;
    const now = elements.sightOf(element);
    const wasShown = before?.isShown === true;
    if (wasShown && now.isShown && before.place === now.place) {
      if (Object.is(before.value, now.value)) return;
      this.#changes?.set(places.shownBefore(now.place), now.value);
      return;
    }
    const heard = this.#changes;
    const from = wasShown && heard !== undefined ? places.shownBefore(before.place) : NOTHING;
    if (wasShown) places.show(before.place, false);
    if (now.isShown) places.show(now.place, true);
    if (heard === undefined) return;
    const to = now.isShown ? places.shownBefore(now.place) : NOTHING;
    if (!wasShown && now.isShown) heard.insert(to, now.value);
    else if (wasShown && !now.isShown) heard.delete(from);
    else if (wasShown) {
      heard.move(from, to);
      if (!Object.is(before.value, now.value)) heard.set(to, now.value);
    }
  }
}
