// Schedules of whole documents: replicas that change several containers at once, undo and redo,
// tell each other in pieces that are lost, repeated and reordered, are cut off, crash, and start
// again from what they had stored under another name. Held against what needs no replica:
//
//   every change leaves a mark in three containers, and a replica has all three or none, and
//   exactly those of the changes that its version says it has
//   a change that throws, and one that is undone at once, leave no trace in what is read
//   undoing deletes only what the own agent wrote, and brings back nothing that others deleted
//   in the end all digests are one, and that of an archive which never lets anything go
//
// They compact at what they know to be stable, under the rule of the schedules of sequences
// (test/sequence/schedule.ts): what all others had stored when all was last heard from them, and
// everybody is heard anew after a crash.
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type * as crdt from "../../src/index.ts";
import { generator } from "../generator.ts";
import { stableAt, type Version } from "../simulation/stability.ts";
import { type Doc, type Package, parents, plain, schemaOf, type Writers } from "./sample.ts";

export type { Package } from "./sample.ts";

/** What happens, to whom, and how much of it. */
export type Step = readonly [action: number, choice: number, amount: number];

/** The steps of a seed. */
export function drawDocumentSteps(seed: number): Step[] {
  const below = generator(seed);
  return Array.from({ length: 12 + below(50) }, () => [below(29), below(1 << 20), below(1 << 20)]);
}

interface Member {
  document: Doc;
  inbox: { readonly from: string; readonly bytes: Uint8Array }[];
  saved: Uint8Array | undefined;
  /** The version of what is saved. */
  savedVersion: Version;
  /** Of the others, by their place: what they had saved when this one last heard all from them. */
  readonly heard: Map<number, Version>;
  cut: boolean;
}

interface Deletion {
  readonly agent: string;
  readonly seq: number;
  /** What the agent knew then. */
  readonly known: Version;
}

/** Runs some steps, lets all hear from all, and throws what is wrong. Counts what was let go. */
export function playDocuments(it: Package, steps: readonly Step[], members: number): number {
  const world = new World(it, members);
  for (const step of steps) world.take(step);
  world.heal();
  return world.compacted;
}

class World {
  readonly #it: Package;
  readonly #members: Member[];
  /** Hears all before it is let go, and does nothing else. */
  readonly #archive: Doc;
  /** How many changes were let go. */
  compacted = 0;
  #named = 0;
  #characters = 0;
  /** By character: who wrote it, or wrote it anew by undoing. */
  readonly #authors: Map<string, Set<string>> = new Map();
  /** By character: the changes that deleted it. */
  readonly #deletions: Map<string, Deletion[]> = new Map();
  readonly #revived: Set<string> = new Set();
  /** The changes that left marks. */
  readonly #marks: Map<string, { readonly agent: string; readonly seq: number }> = new Map();

  constructor(it: Package, members: number) {
    this.#it = it;
    this.#archive = new it.Document("archive", schemaOf(it), this.#options());
    this.#members = Array.from({ length: members }, () => this.#start());
  }

  take([action, choice, amount]: Step): void {
    const at = choice % this.#members.length;
    const member = this.#members[at]!;
    if (action < 8) this.#change(member.document, choice >> 3, amount);
    else if (action < 10) this.#throwHalfWay(member.document, choice >> 3, amount);
    else if (action < 11) this.#thereAndBack(member.document, choice >> 3, amount);
    else if (action < 13) this.#goBack(member.document, "undo");
    else if (action < 14) this.#goBack(member.document, "redo");
    else if (action < 17) this.#send(member);
    else if (action < 21) this.#deliver(member, amount);
    else if (action < 22) this.#sync(member, this.#members[amount % this.#members.length]!);
    else if (action < 23) member.inbox.splice(amount % (member.inbox.length + 1), 1);
    else if (action < 24) member.cut = !member.cut;
    else if (action < 25) this.#save(member);
    else if (action < 26) this.#crash(at);
    else if (action < 27) this.#gather();
    else this.#compact(member, choice >> 3);
    this.#check(this.#members[at]!.document);
  }

  heal(): void {
    for (const member of this.#members) member.cut = false;
    const [first, ...others] = this.#members as [Member, ...Member[]];
    // It has heard from some who have crashed since.
    first.document.merge(this.#archive.updates(first.document.version));
    const known = (): number =>
      this.#members
        .flatMap(({ document }) => [...document.version.values()])
        .reduce((a, b) => a + b, 0);
    for (let before = -1; before !== known(); ) {
      before = known();
      for (const other of others) this.#sync(first, other);
      for (const other of others) this.#sync(other, first);
    }
    const digest = first.document.digest();
    const archive = this.#archive;
    archive.merge(first.document.updates(archive.version));
    assert.equal(archive.digest(), digest, "compaction is seen in the digest");
    for (const { document } of this.#members) {
      this.#check(document);
      assert.equal(document.digest(), digest, "replicas that know the same changes differ");
      assert.equal(this.#load("reader", document.encode()).digest(), digest, "not what is stored");
      assert.equal(document.merge(first.document.encode()).applied, 0);
      assert.equal(document.merge(archive.encode()).applied, 0);
      const newcomer = new this.#it.Document("newcomer", schemaOf(this.#it), this.#options());
      newcomer.merge(document.encode());
      this.#check(newcomer);
      assert.equal(newcomer.digest(), digest, "a document is not what its replica is");
      this.#lookBack(document);
    }
  }

  // What is above the base can be looked at as in the archive, what is below cannot.
  #lookBack(document: Doc): void {
    const version = new Map(document.version);
    for (const [agent, count] of document.version) {
      version.set(agent, Math.max(document.base.get(agent) ?? 0, count >> 1));
    }
    const [then, expected] = [document.at(version), this.#archive.at(version)];
    const read = ({ title, notes, outline }: typeof then): unknown[] => {
      return [`${title}`, notes.toArray(), parents(outline)];
    };
    assert.deepEqual(read(then), read(expected), "another past");
    if (document.base.size === 0) return;
    const below = (): unknown => document.at(new Map());
    assert.throws(below, { code: "CRDT_COMPACTED" });
  }

  #save(member: Member): void {
    member.saved = member.document.encode();
    member.savedVersion = member.document.version;
  }

  #crash(at: number): void {
    const before = this.#members[at]!;
    for (const member of this.#members) {
      member.inbox = member.inbox.filter(({ from }) => from !== before.document.agent);
      member.heard.clear();
    }
    this.#members[at] = this.#start(before);
  }

  #gather(): void {
    for (const member of this.#members) if (!member.cut) this.#save(member);
    for (const member of this.#members) {
      for (const other of this.#members) this.#sync(member, other);
    }
  }

  #compact(member: Member, choice: number): void {
    const { document } = member;
    if (choice % 3 > 0) this.#gather();
    const stable = stableAt(this.#members, member, document.version);
    this.#archive.merge(document.updates(this.#archive.version));
    document.merge(this.#archive.updates(document.version));
    const digest = document.digest();
    this.compacted += document.compact(stable);
    assert.equal(document.digest(), digest, "compaction has changed what is there");
  }

  #start(before?: Member): Member {
    const { saved, savedVersion = new Map() } = before ?? {};
    const agent = `${"bcadefg"[this.#named % 7]}${this.#named++}`;
    const document =
      saved === undefined
        ? new this.#it.Document(agent, schemaOf(this.#it), this.#options())
        : this.#load(agent, saved);
    return { document, inbox: [], saved, savedVersion, heard: new Map(), cut: false };
  }

  #load(agent: string, bytes: Uint8Array): Doc {
    return this.#it.Document.load(agent, schemaOf(this.#it), bytes, this.#options());
  }

  #options(): crdt.DocumentOptions {
    return { clock: new this.#it.HybridLogicalClock({ wallMs: () => 1_000 }) };
  }

  #change(document: Doc, choice: number, amount: number): void {
    const { agent } = document;
    const seq = document.version.get(agent) ?? 0;
    const mark = `${agent}:${seq}`;
    const before = `${document.view.title}`;
    document.change((d) => {
      d.marks.add(mark);
      this.#write(d, choice, amount);
      d.marked.increment();
      d.marksToo.add(mark);
    });
    this.#marks.set(mark, { agent, seq });
    this.#noteTitle(before, document, seq);
  }

  #throwHalfWay(document: Doc, choice: number, amount: number): void {
    const digest = document.digest();
    const change = (): void =>
      document.change((d) => {
        d.marks.add("never");
        this.#write(d, choice, amount);
        throw new RangeError("half-way");
      });
    assert.throws(change, /half-way/);
    assert.equal(document.digest(), digest, "half a change was made");
  }

  // Registers are left out: a conflict that was resolved is not opened again.
  #thereAndBack(document: Doc, choice: number, amount: number): void {
    const read = (): unknown => {
      const { title, notes, queue, tags, stars, outline, meta, open } = document.view;
      const values = [tags.toJSON(), stars.value, parents(outline), plain(meta), open.enabled];
      return [`${title}`, notes.toArray(), [...queue], ...values];
    };
    const seq = document.version.get(document.agent) ?? 0;
    const before = read();
    const title = `${document.view.title}`;
    document.change((d) => this.#write(d, choice, amount));
    if ((document.version.get(document.agent) ?? 0) === seq) return;
    this.#noteTitle(title, document, seq);
    const after = read();
    // What reads the same is passed over by undoing, which would go on to the change before.
    if (isDeepStrictEqual(before, after)) return;
    this.#goBack(document, "undo");
    if (!isDeepStrictEqual(read(), before)) assert.deepEqual(read(), before, "undone, it differs");
    this.#goBack(document, "redo");
    assert.deepEqual(read(), after, "done again, it differs");
  }

  #write(d: Writers, choice: number, amount: number): void {
    for (let left = 1 + (amount % 3), dice = choice; left > 0; left--, dice = dice * 7 + 3) {
      this.#writeOne(d, dice % 17, amount >> 2);
    }
  }

  #writeOne(d: Writers, what: number, amount: number): void {
    const characters = [...`${d.title}`];
    const at = amount % (characters.length + 1);
    const place = characters.slice(0, at).join("").length;
    const gone = characters.slice(at, at + 1 + (amount % 5)).join("").length;
    const nodes = [...d.outline];
    const node = nodes[amount % (nodes.length || 1)];
    if (what < 3) d.title.insert(place, this.#fresh(1 + (amount % 4)));
    else if (what < 5) d.title.delete(place, gone);
    else if (what === 5) d.notes.insert(amount % (d.notes.length + 1), amount, amount + 1);
    else if (what === 6 && d.notes.length > 0) d.notes.delete(amount % d.notes.length);
    else if (what === 7) d.tags.add(amount % 5);
    else if (what === 8) d.tags.delete(amount % 5);
    else if (what === 9) d.stars[amount % 2 === 0 ? "increment" : "decrement"](1 + (amount % 9));
    else if (what === 10) this.#writeTree(d, node, nodes, amount);
    else if (what === 11) this.#writeMeta(d, amount);
    else if (what === 12) [d.status, d.owner][amount % 2]!.set(amount);
    else if (what === 13) d.open[amount % 2 === 0 ? "enable" : "disable"]();
    else this.#writeQueue(d.queue, amount);
  }

  #writeTree(d: Writers, node: string | undefined, nodes: readonly string[], amount: number): void {
    if (node === undefined || amount % 3 === 0) d.outline.add(node);
    else if (amount % 3 === 1) d.outline.delete(node);
    else {
      const target = nodes[(amount >> 3) % nodes.length]!;
      for (let at: string | undefined = target; at !== undefined; at = d.outline.parent(at)) {
        if (at === node) return;
      }
      d.outline.move(node, target, 0);
    }
  }

  #writeQueue(queue: Writers["queue"], amount: number): void {
    const [from, to] = [amount % (queue.length || 1), (amount >> 4) % (queue.length || 1)];
    if (queue.length === 0 || amount % 5 === 0) queue.insert(from, amount, amount + 1);
    else if (amount % 5 === 1) queue.delete(from);
    else if (amount % 5 === 2) queue.set(from, amount);
    else queue.move(from, to);
  }

  #writeMeta(d: Writers, amount: number): void {
    const map = d.meta.map(`m${amount % 2}`);
    if (amount % 5 === 0) map.set("s").add(amount % 3);
    else if (amount % 5 === 1) map.set("s").delete(amount % 3);
    else if (amount % 5 === 2) d.meta.flag("f").enable();
    else if (amount % 5 === 3) d.meta.delete("f", "flag");
    else map.counter("c").increment(amount % 7);
  }

  // Every character is written once: it is its own name. Some take two units.
  #fresh(count: number): string {
    let text = "";
    for (let i = 0; i < count; i++) {
      const number = this.#characters++;
      text += String.fromCodePoint(number % 5 === 0 ? 0x20000 + number : 0x4e00 + number);
    }
    return text;
  }

  #noteTitle(before: string, document: Doc, seq: number): void {
    const { agent } = document;
    const [old, now] = [new Set(before), new Set(`${document.view.title}`)];
    for (const each of now) if (!old.has(each)) this.#authors.set(each, new Set([agent]));
    for (const each of old) if (!now.has(each)) this.#noteDeletion(each, document, seq);
  }

  #noteDeletion(each: string, { agent, version }: Doc, seq: number): void {
    const all = this.#deletions.get(each) ?? [];
    this.#deletions.set(each, [...all, { agent, seq, known: new Map(version) }]);
  }

  // Two who deleted the same, and had not heard of each other when they did, and both undo that,
  // have it twice.
  #mayBeTwice(each: string): boolean {
    const all = this.#deletions.get(each) ?? [];
    const knows = (one: Deletion, other: Deletion): boolean =>
      one.agent === other.agent || (one.known.get(other.agent) ?? 0) > other.seq;
    return all.some((one) => all.some((other) => !knows(one, other) && !knows(other, one)));
  }

  #goBack(document: Doc, by: "undo" | "redo"): void {
    const { agent } = document;
    const before = [...`${document.view.title}`];
    const seq = document.version.get(agent) ?? 0;
    document[by]();
    const after = [...`${document.view.title}`];
    const [old, now] = [new Set(before), new Set(after)];
    for (const each of after.filter((one, at) => after.indexOf(one) !== at)) {
      assert.ok(this.#mayBeTwice(each), `${by} has written something twice`);
    }
    for (const each of old) {
      if (now.has(each)) continue;
      assert.ok(this.#authors.get(each)!.has(agent), `${by} has deleted what another wrote`);
      this.#noteDeletion(each, document, seq);
    }
    for (const each of now) {
      if (old.has(each)) continue;
      const known = (this.#deletions.get(each) ?? []).filter((it) => {
        return it.agent !== agent && (document.version.get(it.agent) ?? 0) > it.seq;
      });
      const isTaken = known.length > 0 && !this.#revived.has(each);
      assert.ok(!isTaken, `${by} has brought back what another deleted`);
      this.#revived.add(each);
      this.#authors.get(each)!.add(agent);
    }
  }

  #send(member: Member): void {
    const update = member.document.updates();
    if (update === undefined) return;
    for (const other of this.#members) {
      if (other === member || other.cut || member.cut) continue;
      other.inbox.push({ from: member.document.agent, bytes: update });
    }
  }

  #deliver({ document, inbox, cut }: Member, amount: number): void {
    if (cut || inbox.length === 0) return;
    const at = amount % inbox.length;
    document.merge(inbox[at]!.bytes);
    if ((amount >> 8) % 4 > 0) inbox.splice(at, 1);
  }

  #sync(member: Member, other: Member): void {
    if (member === other || member.cut || other.cut) return;
    member.document.merge(other.document.updates(member.document.version));
    if (other.document.pending > 0) return;
    member.heard.set(this.#members.indexOf(other), other.savedVersion);
  }

  #check({ version, view }: Doc): void {
    const known: string[] = [];
    for (const [mark, { agent, seq }] of this.#marks) {
      if ((version.get(agent) ?? 0) > seq) known.push(mark);
    }
    assert.deepEqual(view.marks.toJSON(), known.sort(), "marks of other changes than are known");
    assert.deepEqual(view.marksToo.toJSON(), view.marks.toJSON(), "a change in pieces");
    assert.equal(view.marked.value, known.length, "a change in pieces");
    const title = [...`${view.title}`];
    assert.ok(`${view.title}`.isWellFormed(), "half a character");
    assert.ok(title.length <= this.#characters * 3, "more than was written");
  }
}
