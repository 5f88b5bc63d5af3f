// The causal graph: which operation was made in knowledge of which. One per document, whatever
// containers the document has: an operation is a number here, and its content is theirs.
//
// Every operation has two names. To the world it is (agent, sequence number): the nth operation of
// one session of one replica. Inside a replica it is its LV, the local version: how many operations
// this replica knew before it. An LV is a dense array index, differs between replicas, and never
// leaves one. Parents come before children, so ascending LVs are a topological order, and
//
//   a run    is operations of one agent, each the only parent of the next: typing. Five columns
//            of integers for a run, nothing at all for an operation;
//   a version is a set of operations that holds all ancestors of its members. It is written down
//            as its heads (the members without children in it), or outside as a version vector;
//   a cut    is an LV c such that every operation from c on descends from every one below c.
//
// Cuts (cuts.ts) are what makes Eg-walker cheap; its paper calls them critical versions. While
// concurrent operations above a cut are being ordered, the history below can be forgotten, because
// nothing above was concurrent with anything below.
//
// Reference: Gentle and Kleppmann, "Collaborative Text Editing with Eg-walker" (EuroSys 2025), §2.2
// and §3.5. Forgetting what is below a cut is in compaction.ts.
import { type Base, checkCovers, checkStandsOn, countIn, type VersionVector } from "./base.ts";
import { Cuts } from "./cuts.ts";
import { dominators, Side, sameVersion, walkDifference } from "./difference.ts";
import { IntColumn } from "./int-column.ts";

export type { VersionVector } from "./base.ts";

// A place to come back to, if what is added from there on turns out to be false.
interface Mark {
  readonly length: number;
  readonly heads: readonly number[];
  readonly agents: number;
}

/** Operations, their agents and their parents. */
export class CausalGraph {
  /** What is known below all that is here. Where it is there, "no parents" means its heads. */
  readonly base: Base | undefined;
  /** How many operations are known, those of the base left out: the next LV. */
  length = 0;
  /** The heads of the version that knows everything, ascending. */
  heads: number[] = [];
  /** The agents' names, by the small numbers that stand for them inside. */
  agents: string[] = [];
  /** For each agent, how many of its operations are known. */
  nextSeqs: number[] = [];
  /** The cuts of everything known. */
  cuts: Cuts = new Cuts();

  #agentNumbers = new Map<string, number>();
  // For each agent its runs, in the order of their sequence numbers.
  #runsOfAgent: IntColumn[] = [];
  // A run ends where the next one starts.
  #starts: IntColumn = new IntColumn();
  #runAgents: IntColumn = new IntColumn();
  #runSeqs: IntColumn = new IntColumn();
  // Parents of run r: from #parentStarts[r] to the next run's.
  #parentStarts: IntColumn = new IntColumn();
  #parents: IntColumn = new IntColumn();
  #mark: Mark | undefined;

  constructor(base?: Base) {
    this.base = base;
    if (base !== undefined) for (const name of base.version.keys()) this.agentNumber(name);
  }

  /** How many operations are known, those of the base included. */
  get operations(): number {
    return this.length + (this.base === undefined ? 0 : this.base.operations);
  }

  /** The number that stands for this agent. */
  agentNumber(name: string): number {
    const known = this.#agentNumbers.get(name);
    if (known !== undefined) return known;
    const number = this.agents.push(name) - 1;
    this.#agentNumbers.set(name, number);
    this.nextSeqs.push(this.base?.version.get(name) ?? 0);
    this.#runsOfAgent.push(new IntColumn());
    return number;
  }

  /** The number that stands for this agent; -1 if none of its operations is known. */
  findAgent(name: string): number {
    return this.#agentNumbers.get(name) ?? -1;
  }

  /** How many operations of this agent are known. */
  known(name: string): number {
    const number = this.findAgent(name);
    return number === -1 ? 0 : this.nextSeqs[number]!;
  }

  /**
   * Adds the next `count` operations of an agent, the first with the parents given (ascending LVs),
   * each further one with the one before it. Returns the LV of the first.
   */
  add(agent: number, count: number, parents: readonly number[]): number {
    const first = this.length;
    const covered = this.coveredBy(parents);
    if (!this.#extendsLastRun(agent, parents)) this.#startRun(agent, parents);
    this.nextSeqs[agent]! += count;
    this.length = first + count;
    this.#placeHead(parents, this.length - 1);
    if (covered === first) this.cuts.push(first, this.length - 1);
    else this.cuts.popAbove(covered);
    return first;
  }

  /** Adds operations that know everything: those made here. Returns the LV of the first. */
  addLocal(agent: number, count: number): number {
    const first = this.length;
    if (this.heads.length !== 1 || !this.#extendsLastRun(agent, this.heads)) {
      return this.add(agent, count, this.heads);
    }
    this.nextSeqs[agent]! += count;
    this.length = first + count;
    this.heads[0] = this.length - 1;
    this.cuts.push(first, this.length - 1);
    return first;
  }

  /** Whether these are the heads of everything known. */
  isTip(version: readonly number[]): boolean {
    return sameVersion(version, this.heads);
  }

  /** The number of the agent of the last operation, if that knows of all others; else -1. */
  get typist(): number {
    const isOnlyHead = this.heads.length === 1 && this.heads[0] === this.length - 1;
    return isOnlyHead ? this.#runAgents.last() : -1;
  }

  /** Whether the last `count` operations, and the one before them, are one run of this agent. */
  isTypedOn(agent: number, count: number): boolean {
    return this.#runAgents.last() === agent && this.length - count > this.#starts.last();
  }

  /** How many operations, from the first on, this version knows without a gap. */
  coveredBy(version: readonly number[]): number {
    if (this.isTip(version)) return this.length;
    let covered = this.length;
    this.walkDifference(this.heads, version, (from, _, side) => {
      if (side === Side.Left) covered = from;
    });
    return covered;
  }

  /** The run that this operation is in. */
  runOf(lv: number): number {
    return this.#starts.floor(lv);
  }

  /** The first operation of a run. */
  runStart(run: number): number {
    return this.#starts.data[run]!;
  }

  /** The end of a run: the LV behind its last operation. */
  runEnd(run: number): number {
    return run + 1 < this.#starts.length ? this.#starts.data[run + 1]! : this.length;
  }

  /** How many runs there are. */
  get runs(): number {
    return this.#starts.length;
  }

  /** The number of the agent of a run. */
  runAgent(run: number): number {
    return this.#runAgents.data[run]!;
  }

  /** The sequence number of the first operation of a run. */
  runSeq(run: number): number {
    return this.#runSeqs.data[run]!;
  }

  /** The parents of an operation, ascending. */
  parentsOf(lv: number): number[] {
    const run = this.runOf(lv);
    if (lv > this.runStart(run)) return [lv - 1];
    const from = this.#parentStarts.data[run]!;
    return Array.from(this.#parents.data.subarray(from, this.#parentsEnd(run)));
  }

  /** The sequence number of an operation, which its agent gave it. */
  seqOf(lv: number): number {
    const run = this.runOf(lv);
    return this.#runSeqs.data[run]! + lv - this.runStart(run);
  }

  /** The LV of a known operation of an agent; -1 for one of the base. */
  lvOf(agent: number, seq: number): number {
    const runs = this.#runsOfAgent[agent]!;
    if (runs.length === 0 || this.#runSeqs.data[runs.data[0]!]! > seq) return -1;
    let low = 0;
    let high = runs.length - 1;
    // Mostly one of the last.
    if (this.#runSeqs.data[runs.data[high]!]! <= seq) low = high;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#runSeqs.data[runs.data[middle]!]! <= seq) low = middle;
      else high = middle - 1;
    }
    const run = runs.data[low]!;
    return this.runStart(run) + seq - this.#runSeqs.data[run]!;
  }

  /**
   * Which of two operations stands first among siblings: by the agents' names, then by sequence
   * number. The same on every replica, which LVs are not.
   */
  isBefore(lv: number, other: number): boolean {
    const agent = this.runAgent(this.runOf(lv));
    const otherAgent = this.runAgent(this.runOf(other));
    if (agent === otherAgent) return this.seqOf(lv) < this.seqOf(other);
    return this.agents[agent]! < this.agents[otherAgent]!;
  }

  /** Everything known, as the world may read it. */
  vector(): Map<string, number> {
    const vector = new Map<string, number>();
    for (const [number, name] of this.agents.entries()) {
      if (this.nextSeqs[number]! > 0) vector.set(name, this.nextSeqs[number]!);
    }
    return vector;
  }

  /** An agent's operations from a number on: ascending LVs, as [from, to) pairs in a row. */
  rangesOf(agent: number, fromSeq: number): number[] {
    if (fromSeq >= this.nextSeqs[agent]!) return [];
    let from = this.lvOf(agent, fromSeq);
    const ranges: number[] = [];
    const runs = this.#runsOfAgent[agent]!;
    for (let i = runs.floor(this.runOf(from)); i < runs.length; i++) {
      const run = runs.data[i]!;
      from = Math.max(from, this.runStart(run));
      if (ranges.at(-1) === from) ranges[ranges.length - 1] = this.runEnd(run);
      else ranges.push(from, this.runEnd(run));
    }
    return ranges;
  }

  /**
   * What a vector does not know of: ascending LVs, as [from, to) pairs in a row.
   *
   * @throws CrdtError `CRDT_COMPACTED` if it does not know of all of the base
   */
  missingFrom(vector: VersionVector): number[] {
    checkCovers(vector, this.base);
    const found: [number, number][] = [];
    for (const [number, name] of this.agents.entries()) {
      const seen = countIn(vector, name);
      const runs = this.#runsOfAgent[number]!;
      for (let i = runs.length - 1; i >= 0; i--) {
        const run = runs.data[i]!;
        const seq = this.#runSeqs.data[run]!;
        const end = this.runEnd(run);
        if (seq + end - this.runStart(run) <= seen) break;
        found.push([this.runStart(run) + Math.max(0, seen - seq), end]);
      }
    }
    found.sort(([a], [b]) => a - b);
    const ranges: number[] = [];
    for (const [from, to] of found) {
      if (ranges.at(-1) === from) ranges[ranges.length - 1] = to;
      else ranges.push(from, to);
    }
    return ranges;
  }

  /**
   * The heads of the version that holds the operations of a vector, and their ancestors.
   *
   * @throws RangeError for unknown operations, CrdtError `CRDT_COMPACTED` for a part of the base
   */
  headsOf(vector: VersionVector): number[] {
    const lasts: number[] = [];
    for (const [name, count] of vector) {
      if (count <= 0) continue;
      if (!(Number.isSafeInteger(count) && count <= this.known(name))) {
        throw new RangeError(
          `${count} operations of ${name}, of whom ${this.known(name)} are known`,
        );
      }
      const lv = this.lvOf(this.#agentNumbers.get(name)!, count - 1);
      if (lv >= 0) lasts.push(lv);
    }
    if (lasts.length === 0) {
      checkStandsOn(this.base, "this version", ({ agent, seq }) => seq < (vector.get(agent) ?? 0));
    }
    return dominators(this, lasts);
  }

  /** Shows the operations that only one of two versions holds. See `walkDifference`. */
  walkDifference(
    left: readonly number[],
    right: readonly number[],
    visit: (from: number, to: number, side: number) => void,
  ): void {
    walkDifference(this, left, right, visit);
  }

  /** Marks this place, before something is added that may turn out to be false. */
  mark(): void {
    this.#mark = {
      length: this.length,
      heads: this.heads,
      agents: this.agents.length,
    };
    this.cuts.mark();
  }

  /** Forgets the mark. */
  keep(): void {
    this.#mark = undefined;
    this.cuts.keep();
  }

  /** Forgets what was added since the mark, if there is one, and the mark. */
  rollBack(): void {
    if (this.#mark === undefined) return;
    const { length, heads, agents } = this.#mark;
    this.#mark = undefined;
    this.cuts.rollBack();
    while (this.#starts.length > 0 && this.#starts.last() >= length) {
      const run = this.#starts.length - 1;
      const agent = this.#runAgents.last();
      this.nextSeqs[agent] = this.#runSeqs.last();
      this.#runsOfAgent[agent]!.length--;
      this.#parents.length = this.#parentStarts.data[run]!;
      for (const column of [this.#starts, this.#runAgents, this.#runSeqs, this.#parentStarts]) {
        column.length--;
      }
    }
    this.length = length;
    if (length > 0) this.nextSeqs[this.#runAgents.last()] = this.seqOf(length - 1) + 1;
    this.heads = [...heads];
    for (const name of this.agents.splice(agents)) this.#agentNumbers.delete(name);
    this.nextSeqs.length = agents;
    this.#runsOfAgent.length = agents;
  }

  /** A copy that shares nothing. */
  clone(): CausalGraph {
    const copy = new CausalGraph(this.base);
    copy.length = this.length;
    copy.heads = [...this.heads];
    copy.agents = [...this.agents];
    copy.nextSeqs = [...this.nextSeqs];
    copy.#agentNumbers = new Map(this.#agentNumbers);
    copy.#runsOfAgent = this.#runsOfAgent.map((runs) => runs.clone());
    copy.#starts = this.#starts.clone();
    copy.#runAgents = this.#runAgents.clone();
    copy.#runSeqs = this.#runSeqs.clone();
    copy.#parentStarts = this.#parentStarts.clone();
    copy.#parents = this.#parents.clone();
    copy.cuts = this.cuts.clone();
    return copy;
  }

  /** The bytes that its columns hold on to. */
  get bytes(): number {
    const columns = [this.#starts, this.#runAgents, this.#runSeqs, this.#parentStarts];
    const all = [...columns, this.#parents, ...this.#runsOfAgent];
    return all.reduce((sum, column) => sum + column.bytes, this.cuts.bytes);
  }

  /** Shows the parents of the first operation of a run. */
  forEachParent(run: number, visit: (parent: number) => void): void {
    const end = this.#parentsEnd(run);
    for (let i = this.#parentStarts.data[run]!; i < end; i++) visit(this.#parents.data[i]!);
  }

  #parentsEnd(run: number): number {
    const next = run + 1;
    return next < this.#parentStarts.length ? this.#parentStarts.data[next]! : this.#parents.length;
  }

  #extendsLastRun(agent: number, parents: readonly number[]): boolean {
    if (this.length === 0 || this.#runAgents.last() !== agent) return false;
    return parents.length === 1 && parents[0] === this.length - 1;
  }

  #startRun(agent: number, parents: readonly number[]): void {
    this.#runsOfAgent[agent]!.push(this.#starts.length);
    this.#starts.push(this.length);
    this.#runAgents.push(agent);
    this.#runSeqs.push(this.nextSeqs[agent]!);
    this.#parentStarts.push(this.#parents.length);
    for (const parent of parents) this.#parents.push(parent);
  }

  #placeHead(parents: readonly number[], lv: number): void {
    // `parents` may be `heads` itself.
    if (this.isTip(parents)) this.heads = [lv];
    else this.heads = [...this.heads.filter((head) => !parents.includes(head)), lv];
  }
}
