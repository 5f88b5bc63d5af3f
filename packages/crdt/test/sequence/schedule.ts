// A few replicas of one sequence, and a network that reorders, repeats, loses and parts, driven
// by a list of steps; replicas crash, and come back from what they last saved. After each step
// the replica that took it is compared with Fugue's tree, and at the end, when all have heard
// all, each with each.
//
// Replicas compact at what they know to be stable: what every other one had on its disk when it
// last told them all that it knew. One that crashed is gone for good, with all that is under way
// from it, and then everybody must be heard again: somebody may have heard from it what others
// have not. Under this rule nobody may ever lack what another has let go, and in the end all are
// what an archive is that never lets anything go.
//
// A step is three numbers, whose meaning depends on what is there. So any part of a schedule is a
// schedule, and one that fails is shrunk by leaving steps out.
import assert from "node:assert/strict";
import type { Anchor } from "../../src/index.ts";
import { generator } from "../generator.ts";
import { stableAt, type Version } from "../simulation/stability.ts";
import { FugueTree } from "./fugue-tree.ts";

/** What a schedule needs of a text or a list. */
export interface Sequence {
  readonly agent: string;
  readonly length: number;
  readonly version: ReadonlyMap<string, number>;
  readonly base: ReadonlyMap<string, number>;
  readonly stats: { readonly pending: number };
  anchorAt(position: number, side?: "before" | "after"): Anchor;
  positionOf(anchor: Anchor): number | undefined;
  compact(stable: ReadonlyMap<string, number>): number;
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
  compacted: number;
}

interface Member<S> {
  sequence: S;
  inbox: { readonly from: string; readonly bytes: Uint8Array }[];
  saved: Uint8Array | undefined;
  /** The version of what is saved. */
  savedVersion: Version;
  /** Of the others, by their place: what they had saved when this one last heard all from them. */
  readonly heard: Map<number, Version>;
  cut: boolean;
}

/** Draws the steps of a schedule. */
export function drawSteps(seed: number): Step[] {
  const below = generator(seed);
  const length = 8 + below(48);
  return Array.from({ length }, () => [below(28), below(1 << 16), below(1 << 16)]);
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
  readonly tally: Tally = { operations: 0, deliveries: 0, compacted: 0 };
  readonly #subject: Subject<S>;
  readonly #tree = new FugueTree();
  readonly #members: Member<S>[];
  /** Hears all before it is let go, and does nothing else. */
  readonly #archive: S;
  readonly #anchors: Anchor[] = [];
  #named = 0;

  constructor(subject: Subject<S>, members: number) {
    this.#subject = subject;
    this.#archive = subject.make("archive");
    this.#members = Array.from({ length: members }, () => this.#start());
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
    else if (action < 23) this.#crash(at);
    else if (action < 24) this.#lookBack(member, amount);
    else if (action < 26) this.#gather(amount);
    else this.#compact(member, choice >> 3);
    this.#check(this.#members[at]!);
  }

  heal(): void {
    for (const member of this.#members) member.cut = false;
    const [first, ...others] = this.#members as [Member<S>, ...Member<S>[]];
    // It has heard from some who have crashed since.
    first.sequence.merge(this.#archive.encodeSince(first.sequence.version));
    // What one hears may free an update that waited with it, and that is news to the others.
    for (let before = -1; before !== this.#known(); ) {
      before = this.#known();
      for (const other of others) this.#sync(first, other);
      for (const other of others) this.#sync(other, first);
    }
    const digest = first.sequence.digest();
    this.#compareWithArchive(first.sequence);
    for (const member of this.#members) {
      this.#check(member);
      assert.equal(member.sequence.digest(), digest, "replicas that know the same differ");
      member.sequence.merge(first.sequence.encode());
      assert.equal(member.sequence.digest(), digest, "a document that brings nothing new");
      const newcomer = this.#subject.make("newcomer");
      newcomer.merge(member.sequence.encode());
      assert.equal(newcomer.digest(), digest, "a document is not what its replica is");
    }
  }

  #compareWithArchive(sequence: S): void {
    const archive = this.#archive;
    archive.merge(sequence.encodeSince(archive.version));
    assert.equal(sequence.digest(), archive.digest(), "compaction is seen in the digest");
    sequence.merge(archive.encode());
    assert.equal(sequence.digest(), archive.digest(), "history that was let go comes back");
    for (const anchor of this.#anchors) {
      const [found, expected] = [sequence.positionOf(anchor), archive.positionOf(anchor)];
      if (found === undefined && !("end" in anchor)) {
        // Its unit was gone by then: both of its sides are one place.
        const side = anchor.side === "before" ? "after" : "before";
        assert.equal(archive.positionOf({ ...anchor, side }), expected, "an anchor is lost");
      } else {
        assert.equal(found, expected, "an anchor has moved");
      }
    }
  }

  #known(): number {
    return this.#members.reduce((all, { sequence }) => all + sum(sequence.version), 0);
  }

  // Under a name of its own each time: what a crashed one has sent may be more than it has saved.
  #start(before?: Member<S>): Member<S> {
    const { saved, savedVersion = new Map() } = before ?? {};
    const agent = `${"bcadefg"[this.#named % 7]}${this.#named++}`;
    const sequence =
      saved === undefined ? this.#subject.make(agent) : this.#subject.load(agent, saved);
    return { sequence, inbox: [], saved, savedVersion, heard: new Map(), cut: false };
  }

  #crash(at: number): void {
    const before = this.#members[at]!;
    for (const member of this.#members) {
      member.inbox = member.inbox.filter(({ from }) => from !== before.sequence.agent);
      member.heard.clear();
    }
    this.#members[at] = this.#start(before);
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
      if (other === member || other.cut || member.cut) continue;
      other.inbox.push({ from: member.sequence.agent, bytes: update });
    }
  }

  // Takes any message, and one time in four leaves it to come again.
  #deliver({ sequence, inbox, cut }: Member<S>, amount: number): void {
    if (cut || inbox.length === 0) return;
    const at = amount % inbox.length;
    sequence.merge(inbox[at]!.bytes);
    if ((amount >> 8) % 4 > 0) inbox.splice(at, 1);
    this.tally.deliveries++;
  }

  #sync(member: Member<S>, other: Member<S>): void {
    if (member === other || member.cut || other.cut) return;
    member.sequence.merge(other.sequence.encodeSince(member.sequence.version));
    this.tally.deliveries++;
    // What waits there may be of one that has crashed, and concurrent with anything.
    if (other.sequence.stats.pending > 0) return;
    member.heard.set(this.#members.indexOf(other), other.savedVersion);
  }

  // All who are there save what they have, and tell each other.
  #gather(amount: number): void {
    for (const member of this.#members) if (!member.cut) this.#save(member, amount);
    for (const member of this.#members) {
      for (const other of this.#members) this.#sync(member, other);
    }
  }

  #compact(member: Member<S>, choice: number): void {
    const { sequence } = member;
    if (choice % 3 > 0) this.#gather(choice);
    const stable = stableAt(this.#members, member, sequence.version);
    this.#archive.merge(sequence.encodeSince(this.#archive.version));
    sequence.merge(this.#archive.encodeSince(sequence.version));
    const side = choice % 2 === 0 ? "before" : "after";
    this.#anchors.push(sequence.anchorAt(this.#place(sequence, choice), side));
    const digest = sequence.digest();
    const base = sequence.base;
    const count = sequence.compact(stable);
    this.tally.compacted += count;
    assert.equal(sequence.digest(), digest, "compaction has changed what is there");
    for (const [agent, known] of sequence.base) {
      assert.ok(known <= Math.max(stable.get(agent) ?? 0, base.get(agent) ?? 0), "not stable");
    }
    assert.equal(sum(sequence.base) - sum(base), count);
  }

  #save(member: Member<S>, amount: number): void {
    member.saved = member.sequence.encode({ deleted: amount % 2 === 0 ? "keep" : "drop" });
    member.savedVersion = member.sequence.version;
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
    let past: S;
    try {
      past = this.#subject.at(sequence, asked);
    } catch (error) {
      assert.equal((error as { code?: string }).code, "CRDT_COMPACTED", String(error));
      assert.ok(asked.get(agent)! <= (sequence.base.get(agent) ?? 0), "there is a past to look at");
      return;
    }
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

function sum(version: Version): number {
  return [...version.values()].reduce((all, count) => all + count, 0);
}
