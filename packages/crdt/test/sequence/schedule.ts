// A few replicas of one sequence, and a network that reorders, repeats, loses and parts, driven
// by a list of steps; replicas crash, and come back from what they last saved. After each step
// the replica that took it is compared with Fugue's tree, and at the end, when all have heard
// all, each with each.
//
// A step is three numbers, whose meaning depends on what is there. So any part of a schedule is a
// schedule, and one that fails is shrunk by leaving steps out.
import assert from "node:assert/strict";
import { generator } from "../generator.ts";
import { FugueTree } from "./fugue-tree.ts";

/** What a schedule needs of a text or a list. */
export interface Sequence {
  readonly agent: string;
  readonly length: number;
  readonly version: ReadonlyMap<string, number>;
  delete(position: number, count: number): void;
  merge(bytes: Uint8Array): { readonly pending: number };
  encodeSince(version: ReadonlyMap<string, number>): Uint8Array;
  flush(): Uint8Array | undefined;
  encode(options?: { deleted?: "keep" | "drop" }): Uint8Array;
  digest(): string;
}

/** How a schedule makes, edits and reads a sequence. */
export interface Subject<S extends Sequence> {
  make(agent: string): S;
  load(agent: string, bytes: Uint8Array): S;
  insert(sequence: S, position: number, units: string): void;
  read(sequence: S): string;
  at(sequence: S, version: ReadonlyMap<string, number>): S;
  /** What to type: some units. */
  readonly alphabet: readonly string[];
}

/** What one replica does, or is done to. */
export type Step = readonly [action: number, choice: number, amount: number];

/** How many operations a schedule made, and how many messages it delivered. */
export interface Tally {
  operations: number;
  deliveries: number;
}

interface Member<S> {
  sequence: S;
  inbox: Uint8Array[];
  saved: Uint8Array | undefined;
  cut: boolean;
}

/** Draws the steps of a schedule. */
export function drawSteps(seed: number): Step[] {
  const below = generator(seed);
  const length = 8 + below(48);
  return Array.from({ length }, () => [below(24), below(1 << 16), below(1 << 16)]);
}

/** Plays a schedule; throws where a replica is wrong. */
export function play<S extends Sequence>(subject: Subject<S>, steps: readonly Step[]): Tally {
  const world = new World(subject, 2 + (steps.length % 3));
  for (const step of steps) world.take(step);
  world.heal();
  return world.tally;
}

/** The shortest part of a schedule that still fails, and how; `undefined` if it does not fail. */
export function shrink<S extends Sequence>(
  subject: Subject<S>,
  steps: readonly Step[],
): { readonly steps: readonly Step[]; readonly error: unknown } | undefined {
  const failure = (part: readonly Step[]): unknown => {
    try {
      play(subject, part);
    } catch (error) {
      return error ?? "failed";
    }
    return undefined;
  };
  let error = failure(steps);
  if (error === undefined) return undefined;
  let kept = steps;
  for (let size = kept.length >> 1; size > 0; size >>= 1) {
    for (let from = 0; from + size <= kept.length; ) {
      const part = kept.toSpliced(from, size);
      const again = failure(part);
      if (again === undefined) from += size;
      else [kept, error] = [part, again];
    }
  }
  return { steps: kept, error };
}

class World<S extends Sequence> {
  readonly tally: Tally = { operations: 0, deliveries: 0 };
  readonly #subject: Subject<S>;
  readonly #tree = new FugueTree();
  readonly #members: Member<S>[];
  #named = 0;

  constructor(subject: Subject<S>, members: number) {
    this.#subject = subject;
    this.#members = Array.from({ length: members }, () => this.#start(undefined));
  }

  take([action, choice, amount]: Step): void {
    const at = choice % this.#members.length;
    const member = this.#members[at]!;
    if (action < 5) this.#type(member, choice >> 3, 1 + (amount % 6));
    else if (action < 6) this.#typeBackwards(member, choice >> 3, 1 + (amount % 4));
    else if (action < 8) this.#delete(member, choice >> 3, 1 + (amount % 5));
    else if (action < 9) this.#backspace(member, choice >> 3, 1 + (amount % 4));
    else if (action < 13) this.#send(member);
    else if (action < 18) this.#deliver(member, amount);
    else if (action < 19) this.#sync(member, this.#members[amount % this.#members.length]!);
    else if (action < 20) member.inbox.splice(amount % (member.inbox.length + 1), 1);
    else if (action < 21) member.cut = !member.cut;
    else if (action < 22) this.#save(member, amount);
    else if (action < 23) this.#members[at] = this.#start(member.saved);
    else this.#lookBack(member, amount);
    this.#check(this.#members[at]!);
  }

  heal(): void {
    for (const member of this.#members) member.cut = false;
    const [first, ...others] = this.#members as [Member<S>, ...Member<S>[]];
    // What one hears may free an update that waited with it, and that is news to the others.
    for (let before = -1; before !== this.#known(); ) {
      before = this.#known();
      for (const other of others) this.#sync(first, other);
      for (const other of others) this.#sync(other, first);
    }
    const digest = first.sequence.digest();
    for (const member of this.#members) {
      this.#check(member);
      assert.equal(member.sequence.digest(), digest, "replicas that know the same differ");
      member.sequence.merge(first.sequence.encode());
      assert.equal(member.sequence.digest(), digest, "a document that brings nothing new");
    }
  }

  #known(): number {
    const counts = this.#members.flatMap(({ sequence }) => [...sequence.version.values()]);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  // Under a name of its own each time: what a crashed one has sent may be more than it has saved.
  #start(saved: Uint8Array | undefined): Member<S> {
    const agent = `${"bcadefg"[this.#named % 7]}${this.#named++}`;
    const sequence =
      saved === undefined ? this.#subject.make(agent) : this.#subject.load(agent, saved);
    return { sequence, inbox: [], saved, cut: false };
  }

  #type({ sequence }: Member<S>, choice: number, count: number): void {
    const { alphabet } = this.#subject;
    let text = "";
    for (let i = 0; i < count; i++) text += alphabet[(choice + i * 7) % alphabet.length]!;
    this.#insert(sequence, this.#place(sequence, choice), text);
  }

  #typeBackwards({ sequence }: Member<S>, choice: number, count: number): void {
    const { alphabet } = this.#subject;
    const position = this.#place(sequence, choice);
    for (let i = 0; i < count; i++) {
      this.#insert(sequence, position, alphabet[(choice + i * 5) % alphabet.length]!);
    }
  }

  #insert(sequence: S, position: number, text: string): void {
    const version = new Map(sequence.version);
    const seq = version.get(sequence.agent) ?? 0;
    for (let i = 0; i < text.length; i++) {
      version.set(sequence.agent, seq + i);
      this.#tree.insert(version, sequence.agent, seq + i, position + i, text[i]!);
    }
    this.#subject.insert(sequence, position, text);
    this.tally.operations += text.length;
  }

  #delete({ sequence }: Member<S>, choice: number, count: number): void {
    const from = this.#place(sequence, choice);
    const to = this.#whole(sequence, Math.min(sequence.length, from + count));
    const version = new Map(sequence.version);
    const seq = version.get(sequence.agent) ?? 0;
    for (let i = 0; i < to - from; i++) {
      version.set(sequence.agent, seq + i);
      this.#tree.delete(version, sequence.agent, seq + i, from);
    }
    sequence.delete(from, to - from);
    this.tally.operations += to - from;
  }

  #backspace(member: Member<S>, choice: number, count: number): void {
    let position = this.#place(member.sequence, choice);
    for (let i = 0; i < count && position > 0; i++) {
      const from = this.#whole(member.sequence, position - 1);
      this.#delete(member, from, position - from);
      position = from;
    }
  }

  #send(member: Member<S>): void {
    const update = member.sequence.flush();
    if (update === undefined) return;
    for (const other of this.#members) {
      if (other !== member && !other.cut && !member.cut) other.inbox.push(update);
    }
  }

  // Takes any message, and one time in four leaves it to come again.
  #deliver({ sequence, inbox, cut }: Member<S>, amount: number): void {
    if (cut || inbox.length === 0) return;
    const at = amount % inbox.length;
    sequence.merge(inbox[at]!);
    if ((amount >> 8) % 4 > 0) inbox.splice(at, 1);
    this.tally.deliveries++;
  }

  #sync(member: Member<S>, other: Member<S>): void {
    if (member === other || member.cut || other.cut) return;
    member.sequence.merge(other.sequence.encodeSince(member.sequence.version));
    this.tally.deliveries++;
  }

  #save(member: Member<S>, amount: number): void {
    member.saved = member.sequence.encode({ deleted: amount % 2 === 0 ? "keep" : "drop" });
    // What is saved is what there is, whether its history is unpacked or not.
    const opened = this.#subject.load("reader", member.saved);
    assert.equal(this.#subject.read(opened), this.#subject.read(member.sequence));
    if (amount % 3 === 0) assert.equal(opened.digest(), member.sequence.digest());
  }

  #lookBack({ sequence }: Member<S>, amount: number): void {
    const seen = [...sequence.version];
    if (seen.length === 0) return;
    // What one agent knew at some time is a version; its own last operation says which.
    const [agent, count] = seen[amount % seen.length]!;
    const asked = new Map([[agent, 1 + (amount % count)]]);
    const past = this.#subject.at(sequence, asked);
    assert.equal(past.version.get(agent), asked.get(agent));
    const dropped = /\ufffd|null/.test(this.#subject.read(past));
    if (!dropped) assert.equal(this.#subject.read(past), this.#tree.text(past.version));
  }

  #check({ sequence }: Member<S>): void {
    assert.equal(this.#subject.read(sequence), this.#tree.text(sequence.version));
  }

  #place(sequence: S, choice: number): number {
    return this.#whole(sequence, choice % (sequence.length + 1));
  }

  // A place is not inside a surrogate pair.
  #whole(sequence: S, position: number): number {
    const text = this.#subject.read(sequence);
    const isInside = /[\udc00-\udfff]/.test(text[position] ?? "");
    return isInside ? position - 1 : position;
  }
}
