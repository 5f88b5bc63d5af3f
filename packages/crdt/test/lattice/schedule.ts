// One schedule: replicas that update, tell each other in every way there is, and lose, repeat and
// reorder what they are told; that are cut off, crash, start again from what they had stored, and
// compact. All of it is a list of steps, drawn from a seed, so that a failing one can be made
// shorter. In the end all hear from all; then every digest must be the same, and every value what
// the specification says.
import { isDeepStrictEqual } from "node:util";
import { SeededRandom } from "@compendium/runtime";
import type * as lattice from "../../src/index.ts";
import {
  type Action,
  type Case,
  liveOf,
  pick,
  type Subject,
  type Update,
  type Value,
} from "./case.ts";

/** One thing that happens. Numbers are taken modulo what there is to choose from. */
export type Step =
  | { readonly type: "act"; readonly at: number; readonly action: Action; readonly tell: boolean }
  | { readonly type: "deliver"; readonly which: number; readonly keep: boolean }
  | { readonly type: "drop"; readonly which: number }
  | { readonly type: "send"; readonly from: number; readonly to: number; readonly all: boolean }
  | { readonly type: "cut"; readonly groups: number }
  | { readonly type: "crash"; readonly at: number }
  | { readonly type: "compact"; readonly at: number }
  | { readonly type: "tick"; readonly at: number; readonly ms: number };

const NAMES = ["r1", "r2", "r3", "r4"];
const UPDATES_MAX = 30; // Seeing is kept in the bits of one integer.

/** The steps of a seed. */
export function drawSteps(it: Case, seed: number): Step[] {
  const random = new SeededRandom(seed);
  const steps: Step[] = [];
  const length = 10 + random.below(50);
  for (let left = length; left > 0; left--) {
    const dice = random.below(100);
    const at = random.below(12);
    if (dice < 34)
      steps.push({ type: "act", at, action: it.draw(random), tell: random.below(4) > 0 });
    else if (dice < 66) steps.push({ type: "deliver", which: random.below(64), keep: dice < 38 });
    else if (dice < 70) steps.push({ type: "drop", which: random.below(64) });
    else if (dice < 84)
      steps.push({ type: "send", from: at, to: random.below(12), all: dice < 76 });
    else if (dice < 88) steps.push({ type: "cut", groups: random.below(3) });
    else if (dice < 92) steps.push({ type: "crash", at });
    else if (dice < 96) steps.push({ type: "compact", at });
    else steps.push({ type: "tick", at, ms: random.below(2_000) - 500 });
  }
  return steps;
}

interface Message {
  readonly from: number;
  readonly to: number;
  readonly told: lattice.Delta | Uint8Array;
  /** The updates that it tells of. */
  readonly bits: number;
  /** The updates that its maker knew. */
  readonly after?: number;
  /** For a whole state, or what was missing at `base`: the version that the receiver has then. */
  readonly version?: lattice.CausalContext;
  readonly base?: lattice.CausalContext;
}

interface Node {
  readonly name: string;
  value: Value;
  known: number;
  wallMs: number;
  disk: { readonly bytes: Uint8Array; readonly known: number };
  /** The versions of states that were joined here, by replica. */
  readonly versions: Map<number, lattice.CausalContext>;
}

class Run {
  readonly #subject: Subject;
  readonly #case: Case;
  readonly #nodes: Node[];
  readonly #updates: Update[] = [];
  #network: Message[] = [];
  #groups = 1;
  #isExact: boolean;

  constructor(subject: Subject, it: Case, replicas: number) {
    this.#subject = subject;
    this.#case = it;
    this.#isExact = it.isExact;
    this.#nodes = NAMES.slice(0, replicas).map((name) => {
      const node = { name, known: 0, wallMs: 1_000_000, versions: new Map() } as unknown as Node;
      node.value = this.#fresh(node);
      node.disk = { bytes: node.value.encode(), known: 0 };
      return node;
    });
  }

  step(step: Step): void {
    if (step.type === "act") this.#act(this.#node(step.at), step.action, step.tell);
    else if (step.type === "deliver") this.#deliver(step.which, step.keep);
    else if (step.type === "drop") this.#take(step.which);
    else if (step.type === "send") this.#send(step.from, step.to, step.all);
    else if (step.type === "cut") this.#groups = step.groups + 1;
    else if (step.type === "crash") this.#crash(this.#node(step.at));
    else if (step.type === "compact") this.#compact(step.at);
    else this.#node(step.at).wallMs += step.ms;
  }

  finish(): void {
    this.#groups = 1;
    for (let round = 0; round < 2; round++) {
      for (const [from, sender] of this.#nodes.entries()) {
        for (const [to, receiver] of this.#nodes.entries()) {
          if (from === to) continue;
          receiver.value.join(round === 0 ? sender.value.encode() : sender.value.state());
          receiver.known |= sender.known;
        }
      }
    }
    const [first] = this.#nodes as [Node];
    for (const node of this.#nodes) {
      this.#check(node);
      if (node.value.digest() !== first.value.digest()) {
        throw new Error(`${node.name} and ${first.name} are in different states`);
      }
      // Nobody lacks anything, and a copy from bytes is a copy.
      const copy = this.#fresh(node);
      copy.join(node.value.encode());
      if (!copy.equals(node.value)) throw new Error(`${node.name} is not what it encodes to`);
      if (node.value.join(first.value.since(node.value.version))) throw new Error("news after all");
    }
  }

  #node(at: number): Node {
    return this.#nodes[at % this.#nodes.length] as Node;
  }

  #fresh(node: Node): Value {
    const clock = new this.#subject.HybridLogicalClock({
      wallMs: () => node.wallMs,
      aheadMsMax: 1_000_000,
    });
    return this.#case.make(this.#subject, node.name, clock);
  }

  #act(node: Node, action: Action, tell: boolean): void {
    const bit = this.#updates.length;
    if (bit === UPDATES_MAX) return;
    const live = liveOf(this.#updates, node.known);
    const seen = pick(this.#updates, live);
    const names = this.#nodes.map(({ name }) => name);
    const delta = this.#case.act(node.value, action, names);
    const isEffective = this.#case.isEffective?.(action, seen) ?? true;
    if (delta === undefined || !isEffective) return;
    let replaced = 0;
    let latest = 0;
    for (const other of seen) {
      if (!this.#case.replaces(action, other, seen)) continue;
      replaced |= 1 << other.bit;
      if (!this.#case.isHidden?.(other, seen)) latest = Math.max(latest, other.stamp);
    }
    const stamp = delta.latest ?? 0;
    if (stamp > 0 && latest >= stamp) {
      throw new Error(`${node.name} wrote, and not later than a write that it had seen`);
    }
    this.#updates.push({ bit, replica: node.name, action, delta, stamp, live, replaced });
    node.known |= 1 << bit;
    if (!tell) return;
    let bits = this.#case.isClosed ? node.known : 1 << bit;
    for (const earlier of pick(this.#updates, node.known)) {
      if (earlier.replica !== node.name) continue;
      if (this.#case.isCumulative?.(earlier.action, action)) bits |= 1 << earlier.bit;
    }
    this.#tell(node, delta, bits, node.known & ~(1 << bit));
  }

  #tell(node: Node, delta: lattice.Delta, bits: number, after: number): void {
    node.known |= bits;
    this.#store(node);
    const from = this.#nodes.indexOf(node);
    for (let to = 0; to < this.#nodes.length; to++) {
      const told = to % 2 === 0 ? delta : delta.encode();
      if (to !== from) this.#network.push({ from, to, told, bits, after });
    }
  }

  #send(fromPlace: number, toPlace: number, all: boolean): void {
    const [sender, receiver] = [this.#node(fromPlace), this.#node(toPlace)];
    const [from, to] = [this.#nodes.indexOf(sender), this.#nodes.indexOf(receiver)];
    if (from === to) return;
    this.#store(sender);
    const { version } = sender.value;
    const base = receiver.value.version;
    const told = all ? sender.value.encode() : sender.value.since(base);
    const message = { from, to, told, bits: sender.known, version };
    this.#network.push(all ? message : { ...message, base });
  }

  #take(which: number): Message | undefined {
    const open = this.#network.filter(({ from, to }) => from % this.#groups === to % this.#groups);
    const message = open[which % Math.max(open.length, 1)];
    this.#network = this.#network.filter((it) => it !== message);
    return message;
  }

  #deliver(which: number, keep: boolean): void {
    const message = this.#take(which);
    if (message === undefined) return;
    if (keep) this.#network.push(message);
    const node = this.#node(message.to);
    if (this.#case.isCausal && ((message.after ?? 0) & ~node.known) !== 0) {
      this.#network.push(message);
      return;
    }
    // What was missing at a version is of use to whoever still has at least that version.
    if (message.base !== undefined && !node.value.version.covers(message.base)) return;
    node.value.join(message.told);
    node.known |= message.bits;
    if (message.version !== undefined) {
      const before = node.versions.get(message.from);
      const isNewer = before === undefined || message.version.covers(before);
      if (isNewer) node.versions.set(message.from, message.version);
    }
    this.#case.invariant?.(node.value);
    if (this.#isExact) this.#check(node);
  }

  #crash(node: Node): void {
    node.value = this.#fresh(node);
    node.value.join(node.disk.bytes);
    node.known = node.disk.known;
    node.versions.clear();
  }

  #compact(at: number): void {
    const node = this.#node(at);
    if (node.versions.size < this.#nodes.length - 1 || this.#case.compacts === false) return;
    let stable = node.value.version;
    for (const version of node.versions.values()) stable = stable.meet(version);
    const delta = this.#updates.length < UPDATES_MAX ? node.value.compact(stable) : undefined;
    if (delta === undefined) return;
    // Where a later update may overtake it, that one is read in full with the next state.
    this.#isExact &&= this.#case.isCausal === true;
    // It is an update like any other, except that it is never live.
    const bit = this.#updates.length;
    const [replica, action] = [node.name, { verb: "compact" }];
    this.#updates.push({ bit, replica, action, delta, stamp: 0, live: 0, replaced: 1 << bit });
    this.#tell(node, delta, 1 << bit, node.known);
  }

  #store(node: Node): void {
    node.disk = { bytes: node.value.encode(), known: node.known };
  }

  #check(node: Node): void {
    const live = pick(this.#updates, liveOf(this.#updates, node.known));
    const expected = this.#case.expected(live);
    const actual = node.value.toJSON();
    if (isDeepStrictEqual(actual, expected)) return;
    const [read, meant] = [actual, expected].map((it) => JSON.stringify(it));
    throw new Error(`${node.name} reads ${read}, and should read ${meant}`);
  }
}

/** Runs the steps, and throws when anything is not as it must be. */
export function runSteps(
  subject: Subject,
  it: Case,
  steps: readonly Step[],
  replicas: number,
): void {
  const run = new Run(subject, it, replicas);
  for (const step of steps) run.step(step);
  run.finish();
}

/** How many replicas the schedule of a seed has. */
export const replicasOf = (seed: number): number => 2 + (seed % 3);
