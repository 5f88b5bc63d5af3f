// A causal context: the set of all updates that a state has seen, dead or alive. An update is
// named by a dot, (replica, counter), and a replica counts its own from 1. So the context of a
// state that misses nothing is one interval for each replica, a version vector; deltas that arrive
// out of order leave gaps, which the paper keeps in a "dot cloud" beside the vector (P. S.
// Almeida, A. Shoker, C. Baquero, "Delta State Replicated Data Types", JPDC 2018, §7.2). Here both
// are one thing: sorted, disjoint intervals that never touch, so that a cloud that fills up is a
// vector by itself.
import { type Reader, Writer } from "./codec.ts";
import { compareStrings, isReplica, REPLICA_CHARACTERS_MAX } from "./scalar.ts";

/** Sorted bounds, from inclusive, to exclusive: from, to, from, to … Invariant: strictly rising. */
type Runs = number[];

/** One more than the largest counter of a dot. */
const END_MAX: number = Number.MAX_SAFE_INTEGER;

/** A set of dots. */
export class CausalContext {
  readonly #runs: Map<string, Runs>;

  constructor(runs: Map<string, Runs> = new Map()) {
    this.#runs = runs;
  }

  /** The replicas of which it has a dot. */
  get replicas(): string[] {
    return [...this.#runs.keys()];
  }

  /** Whether it has no dot. */
  get isEmpty(): boolean {
    return this.#runs.size === 0;
  }

  /** How many dots it has. */
  get size(): number {
    let size = 0;
    for (const [, from, to] of this.intervals()) size += to - from;
    return size;
  }

  /** Whether the dot is in it. */
  has(replica: string, counter: number): boolean {
    const runs = this.#runs.get(replica);
    if (runs === undefined) return false;
    if (runs.length === 2) return counter >= runs[0]! && counter < runs[1]!;
    return isWithin(runs, counter);
  }

  /** The counter of the replica's next dot: above all that were seen. */
  next(replica: string): number {
    const runs = this.#runs.get(replica);
    if (runs === undefined) return 1;
    const next = runs[runs.length - 1]!;
    if (next >= END_MAX) throw new RangeError(`replica ${replica} has used up its 2^53 dots`);
    return next;
  }

  /** Adds a dot. */
  add(replica: string, counter: number): void {
    const runs = this.#runs.get(replica);
    if (runs === undefined) this.#runs.set(replica, [counter, counter + 1]);
    else if (runs[runs.length - 1] === counter) runs[runs.length - 1] = counter + 1;
    else this.#addRuns(replica, [counter, counter + 1]);
  }

  /** Adds all dots of another context, and tells whether one of them was new. */
  join(other: CausalContext): boolean {
    let grew = false;
    for (const [replica, runs] of other.#runs) grew = this.#addRuns(replica, runs) || grew;
    return grew;
  }

  /** Whether every dot of the other one is in it. */
  covers(other: CausalContext): boolean {
    for (const [replica, runs] of other.#runs) {
      const own = this.#runs.get(replica);
      if (own === undefined || subtract(runs, own).length > 0) return false;
    }
    return true;
  }

  /** The dots of this one that are not in the other. */
  minus(other: CausalContext): CausalContext {
    return this.#mapRuns((runs, replica) => subtract(runs, other.#runs.get(replica) ?? []));
  }

  /** The dots that are in both. */
  meet(other: CausalContext): CausalContext {
    return this.#mapRuns((runs, replica) =>
      subtract(runs, subtract(runs, other.#runs.get(replica) ?? [])),
    );
  }

  /** Another one with the same dots. */
  copy(): CausalContext {
    return this.#mapRuns((runs) => runs.slice());
  }

  /** Whether both have the same dots. */
  equals(other: CausalContext): boolean {
    if (this.#runs.size !== other.#runs.size) return false;
    for (const [replica, runs] of this.#runs) {
      const others = other.#runs.get(replica);
      if (others?.length !== runs.length || runs.some((it, i) => it !== others[i])) return false;
    }
    return true;
  }

  /** Every interval, as `[replica, from, to)`, in the order of the encoding. */
  *intervals(): Generator<[replica: string, from: number, to: number]> {
    for (const replica of this.replicas.sort(compareStrings)) {
      const runs = this.#runs.get(replica)!;
      for (let i = 0; i < runs.length; i += 2) yield [replica, runs[i]!, runs[i + 1]!];
    }
  }

  /** The intervals as JSON: `{ "eu": [[1, 9]] }` has the dots 1 to 8 of eu. */
  toJSON(): unknown {
    const lists = new Map<string, number[][]>();
    for (const [replica, from, to] of this.intervals()) {
      const list = lists.get(replica);
      if (list === undefined) lists.set(replica, [[from, to]]);
      else list.push([from, to]);
    }
    return Object.fromEntries(lists);
  }

  /** Writes it, and returns the place of each replica in it: dots are written with that. */
  write(to: Writer): ReadonlyMap<string, number> {
    const replicas = this.replicas.sort(compareStrings);
    to.number(replicas.length);
    for (const replica of replicas) {
      const runs = this.#runs.get(replica)!;
      to.string(replica);
      to.number(runs.length / 2);
      for (let i = 0, before = 0; i < runs.length; before = runs[i]!, i++) {
        to.number(runs[i]! - before);
      }
    }
    return new Map(replicas.map((replica, place) => [replica, place]));
  }

  /** Reads one. */
  static read(from: Reader): CausalContext {
    const runs = new Map<string, Runs>();
    let last = "";
    for (let left = from.count(5); left > 0; left--) {
      const replica = from.string(REPLICA_CHARACTERS_MAX);
      if (!isReplica(replica) || replica <= last) throw from.corrupt("no name, or out of order");
      const list: Runs = [];
      let before = 0;
      for (let bounds = 2 * from.count(2); bounds > 0; bounds--) {
        before += from.number(1, END_MAX - before);
        list.push(before);
      }
      if (list.length === 0) throw from.corrupt("a replica without dots");
      runs.set(replica, list);
      last = replica;
    }
    return new CausalContext(runs);
  }

  /** Its bytes alone, without a frame: two contexts have equal bytes if they are equal. */
  bytes(): Uint8Array {
    const writer = new Writer();
    this.write(writer);
    return writer.done();
  }

  #mapRuns(map: (runs: Runs, replica: string) => Runs): CausalContext {
    const mapped = new Map<string, Runs>();
    for (const [replica, runs] of this.#runs) {
      const kept = map(runs, replica);
      if (kept.length > 0) mapped.set(replica, kept);
    }
    return new CausalContext(mapped);
  }

  #addRuns(replica: string, added: readonly number[]): boolean {
    const runs = this.#runs.get(replica);
    if (runs === undefined) {
      this.#runs.set(replica, added.slice());
      return true;
    }
    const end = runs[runs.length - 1]!;
    // The next dots of a replica, which is what nearly always comes.
    if (added.length === 2 && added[0] === end) {
      runs[runs.length - 1] = added[1]!;
      return true;
    }
    if (added[0]! > end) {
      for (const bound of added) runs.push(bound);
      return true;
    }
    if (subtract(added, runs).length === 0) return false;
    this.#runs.set(replica, unite(runs, added));
    return true;
  }
}

/** Dots in any order, on their way to a context: one by one, each could move all behind it. */
export class DotList {
  readonly #counters: Map<string, number[]> = new Map();

  /** Adds a dot. */
  add(replica: string, counter: number): void {
    const counters = this.#counters.get(replica);
    if (counters === undefined) this.#counters.set(replica, [counter]);
    else counters.push(counter);
  }

  /** All of them. */
  context(): CausalContext {
    const runs = new Map<string, Runs>();
    for (const [replica, counters] of this.#counters) runs.set(replica, runsOf(counters));
    return new CausalContext(runs);
  }
}

function runsOf(counters: number[]): Runs {
  if (counters.length === 1) return [counters[0]!, counters[0]! + 1];
  const runs: Runs = [];
  for (const counter of counters.sort((a, b) => a - b)) {
    const last = runs.length - 1;
    if (last > 0 && runs[last]! >= counter) runs[last] = counter + 1;
    else runs.push(counter, counter + 1);
  }
  return runs;
}

function isWithin(runs: Runs, counter: number): boolean {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (runs[middle]! <= counter) low = middle + 1;
    else high = middle;
  }
  // An odd number of bounds at or below it: inside.
  return (low & 1) === 1;
}

function unite(a: readonly number[], b: readonly number[]): Runs {
  const united: Runs = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const fromA = j >= b.length || (i < a.length && a[i]! <= b[j]!);
    const from = fromA ? a[i]! : b[j]!;
    const to = fromA ? a[i + 1]! : b[j + 1]!;
    if (fromA) i += 2;
    else j += 2;
    const last = united.length - 1;
    if (last > 0 && from <= united[last]!) united[last] = Math.max(united[last]!, to);
    else united.push(from, to);
  }
  return united;
}

function subtract(a: readonly number[], b: readonly number[]): Runs {
  const left: Runs = [];
  let j = 0;
  for (let i = 0; i < a.length; i += 2) {
    let from = a[i]!;
    const to = a[i + 1]!;
    while (j < b.length && b[j + 1]! <= from) j += 2;
    for (let k = j; k < b.length && b[k]! < to; k += 2) {
      if (b[k]! > from) left.push(from, b[k]!);
      from = Math.max(from, b[k + 1]!);
    }
    if (from < to) left.push(from, to);
  }
  return left;
}
