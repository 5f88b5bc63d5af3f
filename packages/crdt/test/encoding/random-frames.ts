// Bytes that nobody wrote, in frames whose length and check agree, so that only the decoders stand
// between them and a replica: pure noise, and documents and updates in which a few bytes were
// changed, left out, put in, or taken from another one. They must be refused with an error that has
// a code, and leave the replica as it was, or be taken; and what was taken must be a document like
// any other.
import assert from "node:assert/strict";
import { ByteWriter } from "../../src/encoding/byte-writer.ts";
import { frame } from "../../src/encoding/frame.ts";
import type * as crdt from "../../src/index.ts";
import { generator } from "../generator.ts";

/** The package, or a copy of it with a planted bug. */
type Package = typeof crdt;

/** A replica that random bytes are merged into. */
interface Replica {
  merge(bytes: Uint8Array): unknown;
  digest(): string;
  encode(): Uint8Array;
  readonly waiting: number;
}

/** What random bytes are given to. */
interface Target {
  /** Replicas that have something of their own, or were compacted. */
  readonly make: readonly (() => Replica)[];
  /** Opens a whole one. */
  readonly open: (bytes: Uint8Array) => Replica;
  /** True frames, to change. */
  readonly frames: readonly Uint8Array[];
}

/** Kinds of decoders. */
export type Kind = "text" | "list" | "document" | "tree";

const WAITING_MAX = 8;

/** Gives the bytes of a seed to a decoder; throws where they do harm. */
export function checkRandomFrame(it: Package, kind: Kind, seed: number): void {
  const { target, replicas } = preparedFor(it, kind);
  const bytes = draw(target.frames, generator(seed));
  const at = seed % target.make.length;
  const known = replicas[at] ?? fresh(target, at);
  replicas[at] = known;
  const isTaken = succeeds(it, () => known.replica.merge(bytes));
  const digest = known.replica.digest();
  if (!isTaken) assert.equal(digest, known.digest, "refused, and yet something has changed");
  if (digest !== known.digest || known.replica.waiting > WAITING_MAX) replicas[at] = undefined;
  let opened: Replica | undefined;
  const isOpened = succeeds(it, () => {
    opened = target.open(bytes);
  });
  if (!isOpened) return;
  assert.equal(target.open(opened!.encode()).digest(), opened!.digest(), "not what was written");
}

function succeeds(it: Package, attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof it.CrdtError) return false;
    throw error;
  }
}

interface Prepared {
  readonly target: Target;
  readonly replicas: ({ readonly replica: Replica; readonly digest: string } | undefined)[];
}

const prepared = new WeakMap<Package, Map<Kind, Prepared>>();

function preparedFor(it: Package, kind: Kind): Prepared {
  let all = prepared.get(it);
  if (all === undefined) {
    all = new Map();
    prepared.set(it, all);
  }
  const known = all.get(kind) ?? { target: targets[kind](it), replicas: [] };
  all.set(kind, known);
  return known;
}

function fresh({ make }: Target, at: number): { replica: Replica; digest: string } {
  const replica = make[at]!();
  return { replica, digest: replica.digest() };
}

type Below = (limit: number) => number;

function draw(frames: readonly Uint8Array[], below: Below): Uint8Array {
  const from = frames[below(frames.length)]!;
  const body = [...bodyOf(from)];
  const other = bodyOf(frames[below(frames.length)]!);
  const noise = (length: number): number[] => {
    // Mostly small numbers: they get further.
    return Array.from({ length }, () => below(below(3) === 0 ? 256 : 5));
  };
  if (below(4) === 0) body.splice(0, body.length, ...noise(below(48)));
  for (let left = below(4); left >= 0 && body.length > 0; left--) {
    const at = below(body.length);
    const what = below(6);
    if (what < 2) body[at] = below(256);
    else if (what < 3) body[at] = (body[at]! + (below(2) === 0 ? 1 : 255)) % 256;
    else if (what < 4) body.splice(at, 1 + below(4));
    else if (what < 5) body.splice(at, 0, ...noise(1 + below(5)));
    else body.splice(at, below(9), ...other.subarray(at, at + below(9)));
  }
  const writer = new ByteWriter();
  writer.bytes(Uint8Array.from(body));
  const version = below(16) === 0 ? 3 - from[1]! : from[1]!;
  return frame(from[2]!, writer, version);
}

function bodyOf(bytes: Uint8Array): Uint8Array {
  let at = 3;
  while (bytes[at]! >= 128) at++;
  return bytes.subarray(at + 1, -4);
}

const targets: Readonly<Record<Kind, (it: Package) => Target>> = {
  text: ({ Text }) => {
    const wrap = (text: crdt.Text): Replica => ({
      merge: (bytes) => text.merge(bytes),
      digest: () => text.digest(),
      encode: () => text.encode(),
      get waiting() {
        return text.stats.pending;
      },
    });
    const ann = new Text("ann");
    ann.insert(0, "Grüße → 😀");
    const bob = ann.fork("bob");
    bob.delete(1, 3);
    bob.insert(2, "xyz");
    ann.insert(4, "!");
    ann.merge(bob.encodeSince(ann.version));
    const before = ann.version;
    const compacted = ann.fork("carl");
    compacted.compact(before);
    ann.delete(0, 2);
    ann.insert(0, "é");
    const later = compacted.fork("dora");
    later.delete(3, 2);
    later.insert(0, "->");
    const updates = [new Map(), before, new Map([["ann", 10]])].map((it) => ann.encodeSince(it));
    return {
      make: [bob, compacted].map((text) => () => wrap(text.fork("emil"))),
      open: (bytes) => {
        const text = Text.load("fred", bytes);
        void text.version;
        return wrap(text);
      },
      frames: [...updates, ann.encode(), ann.encode({ deleted: "drop" }), later.encode()],
    };
  },
  list: ({ List }) => {
    const wrap = (list: crdt.List): Replica => ({
      merge: (bytes) => list.merge(bytes),
      digest: () => list.digest(),
      encode: () => list.encode(),
      get waiting() {
        return list.stats.pending;
      },
    });
    const ann = new List("ann");
    ann.insert(0, 1, "two", null, true, 1.5);
    const bob = ann.fork("bob");
    bob.delete(1, 2);
    ann.insert(3, -7, "ß");
    ann.merge(bob.encodeSince(ann.version));
    const before = ann.version;
    const compacted = ann.fork("carl");
    compacted.compact(before);
    ann.delete(0);
    const later = compacted.fork("dora");
    later.insert(1, false);
    return {
      make: [bob, compacted].map((list) => () => wrap(list.fork("emil"))),
      open: (bytes) => {
        const list = List.load("fred", bytes);
        void list.version;
        return wrap(list);
      },
      frames: [ann.encodeSince(new Map()), ann.encodeSince(before), ann.encode(), later.encode()],
    };
  },
  tree: ({ MovableTree, TreeDelta }) => {
    const wrap = (tree: crdt.MovableTree): Replica => ({
      merge: (bytes) => tree.join(bytes),
      digest: () => tree.digest(),
      encode: () => tree.encode(),
      waiting: 0,
    });
    const opened = (bytes: Uint8Array): crdt.MovableTree => {
      const tree = new MovableTree("emil");
      tree.join(TreeDelta.decode(bytes));
      return tree;
    };
    const ann = new MovableTree("ann");
    const [first, second] = [ann.add().node!, ann.add().node!];
    ann.move(second, first);
    const before = ann.encode();
    const compacted = opened(before);
    compacted.compact(compacted.version);
    const base = compacted.encode();
    const delta = ann.add(second).encode();
    ann.delete(first);
    return {
      make: [before, base].map((bytes) => () => wrap(opened(bytes))),
      open: (bytes) => wrap(opened(bytes)),
      frames: [before, base, delta, ann.encode()],
    };
  },
  document: (it) => {
    const schema = { title: it.text(), notes: it.list(), tags: it.addWinsSet(), tree: it.tree() };
    type Doc = crdt.Document<typeof schema>;
    const wrap = (document: Doc): Replica => ({
      merge: (bytes) => document.merge(bytes),
      digest: () => document.digest(),
      encode: () => document.encode(),
      get waiting() {
        return document.pending;
      },
    });
    const ann = new it.Document("ann", schema);
    ann.change((d) => {
      d.title.insert(0, "hé");
      d.notes.insert(0, 1, 2);
      d.tree.add();
    });
    const bob = ann.fork("bob");
    bob.change((d) => d.title.delete(0, 1));
    ann.change((d) => d.tags.add("t"));
    ann.merge(bob.updates(ann.version));
    const before = ann.version;
    const compacted = ann.fork("carl");
    compacted.compact(before);
    ann.change((d) => d.notes.delete(0));
    const later = compacted.fork("dora");
    later.change((d) => d.title.insert(0, "!"));
    return {
      make: [bob, compacted].map((document) => () => wrap(document.fork("emil"))),
      open: (bytes) => {
        const document = it.Document.load("fred", schema, bytes);
        // Histories are unpacked when they are needed.
        document.updates(document.base);
        return wrap(document);
      },
      frames: [ann.updates(new Map()), ann.updates(before), ann.encode(), later.encode()],
    };
  },
};
