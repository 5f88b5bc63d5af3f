// What kills a planted bug: schedules against Fugue's tree, runs that must not mix, bytes that must
// be refused, and a few cases that schedules meet too rarely.
import assert from "node:assert/strict";
import type * as Crdt from "../../../src/index.ts";
import { samplesOf } from "../../encoding/samples.ts";
import { checkNoInterleaving } from "../interleaving.ts";
import { drawSteps, play } from "../schedule.ts";
import { listSubject, type Sequences, textSubject } from "../subjects.ts";

/** A copy of the package. */
export type Package = Sequences & Pick<typeof Crdt, "CrdtError">;

/** Throws where the package is wrong. */
export const traps: readonly ((subject: Package) => void)[] = [
  function schedules(subject) {
    for (let seed = 0; seed < 400; seed++) {
      play(textSubject(subject), drawSteps(seed));
      play(listSubject(subject), drawSteps(seed));
    }
  },

  function runsStayTogether(subject) {
    for (let seed = 0; seed < 400; seed++) checkNoInterleaving(seed, subject);
  },

  function changedBytes(subject) {
    const refused = (attempt: () => unknown): void => {
      assert.throws(attempt, (error) => error instanceof subject.CrdtError);
    };
    for (const { bytes, make } of samplesOf(subject)) {
      const replica = make();
      const before = replica.digest();
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = bytes.slice();
        changed[bit >> 3]! ^= 1 << (bit & 7);
        refused(() => replica.merge(changed));
      }
      for (let length = 0; length < bytes.length; length++) {
        refused(() => replica.merge(bytes.subarray(0, length)));
      }
      assert.equal(replica.digest(), before);
    }
  },

  function characterInHalves({ Text }) {
    const text = new Text("ann");
    text.insert(0, "😀");
    assert.throws(() => text.insert(1, "x"), RangeError);
    assert.throws(() => text.delete(0, 1), RangeError);
    assert.throws(() => text.insert(0, "\ud83d"), TypeError);
  },

  function backspacesInParts({ Text }) {
    const base = new Text("base");
    base.insert(0, "abcdef");
    const names = ["al", "ann", "bob", "carol", "dora"];
    const [al, ann, bob, carol, dora] = names.map((name) => base.fork(name));
    al!.insert(5, "Z");
    dora!.insert(0, "D");
    ann!.delete(5, 1);
    ann!.delete(4, 1);
    bob!.merge(ann!.encodeSince(bob!.version));
    bob!.insert(3, "X");
    ann!.delete(3, 1);
    ann!.delete(2, 1);
    // The window begins before all of it, and Bob knows the first half of a run.
    for (const text of [dora!, ann!, bob!, al!]) carol!.merge(text.encodeSince(carol!.version));
    assert.equal(carol!.toString(), "DabXZ");
  },

  function twoWhoNeverCatchUp({ Text }) {
    const [ann, bob] = [new Text("ann"), new Text("bob")];
    let late: Uint8Array | undefined;
    for (let i = 0; i < 3_000; i++) {
      ann.insert(ann.length, "a");
      bob.insert(0, "b");
      const [fromAnn, fromBob] = [ann.flush()!, bob.flush()!];
      if (late !== undefined) bob.merge(late);
      late = fromAnn;
      ann.merge(fromBob);
    }
    assert.ok(ann.stats.windowLength <= 4 * 3_000, "the window outgrows the history");
    bob.merge(late!);
    assert.equal(ann.toString(), bob.toString());
    // Once they take turns there is nothing for a tracker to do.
    for (let i = 0; i < 20_000; i++) ann.insert(0, "c");
    bob.merge(ann.flush()!);
    assert.equal(bob.stats.windowLength, 0, "the tracker is kept for nothing");
  },

  function firstThingAfterOpening({ Text }) {
    const author = new Text("ann");
    author.insert(0, "abcdef");
    author.delete(1, 2);
    const file = author.encode();
    const edited = Text.load("bob", file);
    edited.insert(1, "-");
    author.merge(edited.flush()!);
    assert.equal(author.toString(), "a-def");
    const forked = Text.load("carol", file).fork("dora");
    assert.equal(forked.at(new Map([["ann", 6]])).toString(), "abcdef");
    forked.delete(0, 1);
    author.merge(forked.flush()!);
    assert.equal(author.toString(), "-def");
    const merged = Text.load("emil", file);
    merged.merge(author.encodeSince(merged.version));
    assert.equal(merged.toString(), "-def");
  },

  function longTexts({ Text }) {
    const text = new Text("ann");
    let model = "";
    const piece = "0123456789abcdef".repeat(700);
    for (let i = 0; i < 60; i++) {
      const at = (i * 7_919) % (model.length + 1);
      text.insert(at, piece);
      model = model.slice(0, at) + piece + model.slice(at);
      const from = (i * 104_729) % model.length;
      const count = Math.min(model.length - from, (i * 911) % 9_000);
      text.delete(from, count);
      model = model.slice(0, from) + model.slice(from + count);
      assert.ok(text.toString() === model);
    }
  },

  function badUpdateAfterGood({ Text, CrdtError }) {
    const author = new Text("ann");
    author.insert(0, "abcdef");
    const old = author.fork("old");
    const here = author.fork("here");
    here.insert(3, "-");
    // Concurrent, and at a place that its author's version does not have.
    const liar = new Text("old");
    liar.insert(0, "abcdefgh");
    liar.flush();
    liar.insert(8, "!");
    const lie = liar.flush()!;
    old.insert(6, "0123456");
    const before = here.digest();
    here.merge(
      old.encodeSince(
        new Map([
          ["ann", 6],
          ["old", 0],
        ]),
      ),
    );
    assert.notEqual(here.digest(), before);
    const known = here.digest();
    assert.equal(here.merge(lie).applied + here.stats.pending, here.stats.pending);
    assert.ok(here.digest() === known, "a lie changed something");
    assert.ok(CrdtError);
  },

  function oneWhoLacksTheBase({ Text, CrdtError }) {
    const refused = (attempt: () => unknown): void => {
      assert.throws(attempt, (error) => {
        return error instanceof CrdtError && error.code === "CRDT_COMPACTED";
      });
    };
    const ann = new Text("ann");
    ann.insert(0, "abc");
    const [bob, carl] = [ann.fork("bob"), ann.fork("carl")];
    bob.insert(3, "d");
    carl.insert(0, "e");
    const first = carl.flush()!;
    bob.merge(first);
    ann.merge(bob.encodeSince(ann.version));
    carl.delete(1, 1);
    const late = carl.flush()!;
    ann.flush();
    ann.insert(5, "f");
    const compacted = ann.fork("dora");
    compacted.compact(ann.version);
    ann.compact(bob.version);
    assert.equal(ann.base.size, 3);
    const digests = [ann.digest(), carl.digest()];
    refused(() => ann.merge(late)); // Knows one head of two, and goes on from it.
    refused(() => ann.merge(carl.encodeSince(new Map([["ann", 3]]))));
    refused(() => ann.merge(carl.encode()));
    refused(() => carl.merge(ann.encode()));
    refused(() => ann.encodeSince(carl.version));
    refused(() => compacted.merge(late));
    assert.deepEqual([ann.digest(), carl.digest()], digests);
    bob.merge(ann.flush()!);
    assert.equal(bob.digest(), ann.digest());
    const again = carl.rebaseOnto("carl-2", ann.encode());
    assert.equal(again.toString(), "ebcdf");
    ann.merge(again.flush()!);
    assert.equal(ann.digest(), again.digest());
  },

  function letGoBeforeItWasSent({ Text }) {
    const text = new Text("ann");
    text.insert(0, "abc");
    text.compact(text.version);
    text.insert(1, "d");
    const reader = Text.load("bob", text.encode());
    assert.equal(reader.merge(text.flush()!).applied, 0);
  },
];
