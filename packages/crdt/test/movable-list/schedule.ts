// A few replicas of one movable list, and a network that reorders, repeats, loses and parts, driven
// by a list of steps; replicas crash, and come back from what they last saved. After each step the
// replica that took it is compared with the specification, and with what its listener has been
// told; at the end, when all have heard all, each with each.
import assert from "node:assert/strict";
import type * as crdt from "../../src/index.ts";
import { generator } from "../generator.ts";
import { type Author, Specification } from "./specification.ts";

/** The package, or a copy of it with a planted bug. */
export type Package = Pick<typeof crdt, "MovableList">;

/** What one replica does, or is done to. */
export type Step = readonly [action: number, choice: number, amount: number];

type List = crdt.MovableList<number>;

/** Draws the steps of a schedule. */
export function drawSteps(seed: number): Step[] {
  const below = generator(seed);
  return Array.from({ length: 8 + below(48) }, () => [below(26), below(1 << 16), below(1 << 16)]);
}

/** Plays a schedule; throws where a replica is wrong. */
export function play(subject: Package, steps: readonly Step[], members: number): void {
  const world = new World(subject, members);
  for (const step of steps) world.take(step);
  world.heal();
}

interface Member {
  list: List;
  /** What a listener makes of what it is told. */
  heard: number[];
  inbox: Uint8Array[];
  saved: Uint8Array | undefined;
  cut: boolean;
}

class World {
  readonly #subject: Package;
  readonly #specification = new Specification();
  readonly #members: Member[];
  #named = 0;
  #values = 0;

  constructor(subject: Package, members: number) {
    this.#subject = subject;
    this.#members = Array.from({ length: members }, () => this.#start(undefined));
  }

  take([action, choice, amount]: Step): void {
    const at = choice % this.#members.length;
    const member = this.#members[at]!;
    if (action < 4) this.#insert(member.list, choice >> 3, 1 + (amount % 4));
    else if (action < 8) this.#move(member.list, choice >> 3, amount);
    else if (action < 10) this.#set(member.list, choice >> 3);
    else if (action < 12) this.#delete(member.list, choice >> 3, 1 + (amount % 3));
    else if (action < 13) this.#restore(member.list, amount);
    else if (action < 16) this.#send(member);
    else if (action < 20) this.#deliver(member, amount);
    else if (action < 21) this.#sync(member, this.#members[amount % this.#members.length]!);
    else if (action < 22) member.inbox.splice(amount % (member.inbox.length + 1), 1);
    else if (action < 23) member.cut = !member.cut;
    else if (action < 24) this.#save(member);
    else if (action < 25) this.#members[at] = this.#start(member.saved);
    else this.#lookBack(member.list, amount);
    this.#check(this.#members[at]!, amount);
  }

  heal(): void {
    for (const member of this.#members) member.cut = false;
    const [first, ...others] = this.#members as [Member, ...Member[]];
    // What one hears may free an update that waited with it, and that is news to the others.
    for (let before = -1; before !== this.#known(); ) {
      before = this.#known();
      for (const other of others) this.#sync(first, other);
      for (const other of others) this.#sync(other, first);
    }
    const digest = first.list.digest();
    for (const member of this.#members) {
      this.#check(member, 0);
      assert.equal(member.list.digest(), digest, "replicas that know the same differ");
      assert.equal(member.list.merge(first.list.encode()).applied, 0);
    }
  }

  #known(): number {
    const counts = this.#members.flatMap(({ list }) => [...list.version.values()]);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  // Under a name of its own each time: what a crashed one has sent may be more than it has saved.
  #start(saved: Uint8Array | undefined): Member {
    const agent = `${"bcadefg"[this.#named % 7]}${this.#named++}`;
    const { MovableList } = this.#subject;
    const list =
      saved === undefined ? new MovableList<number>(agent) : load(MovableList, agent, saved);
    const member: Member = { list, heard: list.toArray(), inbox: [], saved, cut: false };
    list.subscribe((changes) => {
      for (const change of changes) hear(member.heard, change);
    });
    return member;
  }

  #insert(list: List, choice: number, count: number): void {
    const index = choice % (list.length + 1);
    const values = Array.from({ length: count }, () => this.#values++);
    const authors = this.#authors(list, count);
    for (const [i, value] of values.entries()) {
      this.#specification.insert(authors[i]!, index + i, value);
    }
    list.insert(index, ...values);
  }

  #move(list: List, choice: number, amount: number): void {
    if (list.length < 2) return;
    const [from, to] = [choice % list.length, amount % list.length];
    if (from === to) return;
    this.#specification.move(this.#authors(list, 1)[0]!, from, to);
    list.move(from, to);
  }

  #set(list: List, choice: number): void {
    if (list.length === 0) return;
    const value = this.#values++;
    this.#specification.set(this.#authors(list, 1)[0]!, choice % list.length, value);
    list.set(choice % list.length, value);
  }

  #delete(list: List, choice: number, count: number): void {
    if (list.length === 0) return;
    const index = choice % list.length;
    const taken = Math.min(count, list.length - index);
    for (const author of this.#authors(list, taken)) this.#specification.delete(author, index);
    list.delete(index, taken);
  }

  // As undoing in a document does.
  #restore(list: List, amount: number): void {
    const [author] = this.#authors(list, 1) as [Author];
    const deletions = this.#specification.deletionsOf(author);
    if (deletions.length === 0) return;
    const seq = deletions[amount % deletions.length]!;
    this.#specification.restore(author, seq);
    const { replica } = list as unknown as {
      replica: { find(id: object): number; restore(lv: number): void };
    };
    replica.restore(replica.find({ agent: list.agent, seq }));
  }

  // What the author of each of the next steps knows.
  #authors({ agent, version }: List, count: number): Author[] {
    const own = version.get(agent) ?? 0;
    return Array.from({ length: count }, (_, i) => {
      return { agent, version: new Map(version).set(agent, own + i) };
    });
  }

  #send(member: Member): void {
    const update = member.list.flush();
    if (update === undefined) return;
    for (const other of this.#members) {
      if (other !== member && !other.cut && !member.cut) other.inbox.push(update);
    }
  }

  #deliver({ list, inbox, cut }: Member, amount: number): void {
    if (cut || inbox.length === 0) return;
    const at = amount % inbox.length;
    list.merge(inbox[at]!);
    if ((amount >> 8) % 4 > 0) inbox.splice(at, 1);
  }

  #sync(member: Member, other: Member): void {
    if (member === other || member.cut || other.cut) return;
    member.list.merge(other.list.encodeSince(member.list.version));
  }

  #save(member: Member): void {
    member.saved = member.list.encode();
    const opened = load(this.#subject.MovableList, "reader", member.saved);
    assert.equal(opened.digest(), member.list.digest(), "not what was stored");
  }

  #lookBack(list: List, amount: number): void {
    const seen = [...list.version];
    if (seen.length === 0) return;
    // What one agent knew at some time is a version; its own last operation says which.
    const [agent, count] = seen[amount % seen.length]!;
    const past = list.at(new Map([[agent, 1 + (amount % count)]]));
    assert.equal(past.version.get(agent), 1 + (amount % count));
    assert.deepEqual(past.toArray(), this.#specification.read(past.version), "another past");
  }

  #check({ list, heard }: Member, amount: number): void {
    const all = list.toArray();
    assert.deepEqual(all, this.#specification.read(list.version), "another list");
    assert.deepEqual(heard, all, "a listener was told of another list");
    assert.equal(list.length, all.length);
    if (all.length === 0) return;
    const index = amount % all.length;
    assert.equal(list.get(index), all[index]);
    const anchor = list.anchorAt(index);
    assert.equal(list.positionOf(anchor), index, "an anchor means another place");
    for (const other of this.#members) {
      const { version } = other.list;
      const { agent, seq } = this.#specification.nameOf(list.version, index);
      const isKnown = (version.get(agent) ?? 0) > seq;
      const where = isKnown ? this.#specification.whereIs(version, agent, seq) : undefined;
      assert.equal(other.list.positionOf(anchor), where?.before, "an anchor means another place");
    }
  }
}

function load(MovableList: Package["MovableList"], agent: string, bytes: Uint8Array): List {
  return MovableList.load<number>(agent, bytes);
}

function hear(values: number[], change: crdt.MovableListChange<number>): void {
  if (change.type === "insert") values.splice(change.index, 0, ...change.values);
  else if (change.type === "delete") values.splice(change.index, change.count);
  else if (change.type === "set") values[change.index] = change.value;
  else values.splice(change.to, 0, ...values.splice(change.from, 1));
}
