// What a movable list promises, in cases that a person can follow, and that planted bugs must fall
// into. Each throws where the package is wrong.
import assert from "node:assert/strict";
import type { Package } from "./schedule.ts";

function crew({ MovableList }: Package, values = "abcd") {
  const ann = new MovableList<string>("ann");
  ann.push(...values);
  ann.flush();
  const [bob, carl] = [ann.fork("bob"), ann.fork("carl")];
  const all = [ann, bob, carl];
  // Everybody hears from everybody, in another order each.
  const sync = (): string => {
    const updates = all.map((it) => it.flush());
    for (const [i, it] of all.entries()) {
      for (let k = 0; k < all.length; k++) {
        const update = updates[(i + k) % all.length];
        if (update !== undefined) it.merge(update);
      }
    }
    const texts = all.map((it) => it.toArray().join(""));
    assert.deepEqual(new Set(texts).size, 1, texts.join(" "));
    assert.deepEqual(new Set(all.map((it) => it.digest())).size, 1);
    return texts[0]!;
  };
  return { ann, bob, carl, sync };
}

/** By what they show. */
export const scenarios: Readonly<Record<string, (subject: Package) => void>> = {
  "two who move one element have it once, where the later of the two has put it": (subject) => {
    const { ann, bob, sync } = crew(subject);
    ann.move(0, 3);
    bob.move(0, 1);
    assert.equal(sync(), "bacd"); // Of equal times: bob is behind ann.
  },

  "the later is who has the longer past, whatever his name": (subject) => {
    const { ann, bob, sync } = crew(subject);
    bob.move(0, 1);
    ann.set(3, "D");
    ann.move(0, 3);
    assert.equal(sync(), "bcDa");
  },

  "who has seen a move and moves again is later, however busy the first one was": (subject) => {
    const { ann, bob, sync } = crew(subject);
    for (let i = 0; i < 9; i++) ann.set(3, "D");
    ann.move(0, 3);
    sync();
    bob.move(3, 1);
    assert.equal(sync(), "bacD");
  },

  "two who set one element: one value is left, and the place is as it was": (subject) => {
    const { ann, bob, sync } = crew(subject);
    ann.set(1, "x");
    bob.set(1, "y");
    assert.equal(sync(), "aycd");
  },

  "moved by one and set by another, it is both": (subject) => {
    const { ann, bob, sync } = crew(subject);
    ann.move(0, 3);
    bob.set(0, "A");
    assert.equal(sync(), "bcdA");
  },

  "deleted by one and moved by another, it stays deleted": (subject) => {
    const { ann, bob, sync } = crew(subject);
    ann.delete(0);
    bob.move(0, 3);
    bob.move(3, 1);
    assert.equal(sync(), "bcd");
  },

  "deleted by one and set by another, it stays deleted": (subject) => {
    const { ann, bob, carl, sync } = crew(subject);
    ann.delete(0);
    bob.set(0, "A");
    carl.move(0, 2);
    assert.equal(sync(), "bcd");
  },

  "deleted by two, the neighbours are not": (subject) => {
    const { ann, bob, sync } = crew(subject);
    ann.delete(1);
    bob.delete(1);
    assert.equal(sync(), "acd");
  },

  "two who swap the same two elements have each of them once": (subject) => {
    const { ann, bob, sync } = crew(subject, "ab");
    ann.move(0, 1);
    bob.move(1, 0);
    assert.equal([...sync()].sort().join(""), "ab");
  },

  "elements that one moves as a run stay together, whatever others put there": (subject) => {
    const { ann, bob, sync } = crew(subject, "abcdefgh");
    for (const from of [0, 0, 0]) ann.move(from, 5);
    for (const to of [4, 5, 6]) bob.move(7, to); // h, g, f behind one another.
    const merged = sync();
    assert.ok(merged.includes("abc"), merged);
  },

  "what is inserted beside an element does not follow it": (subject) => {
    const { ann, bob, sync } = crew(subject);
    ann.insert(1, "x");
    bob.move(0, 3);
    assert.equal(sync(), "xbcda");
  },

  "an update that overtakes another waits, and is applied when it can be": ({ MovableList }) => {
    const [ann, bob] = [new MovableList<string>("ann"), new MovableList<string>("bob")];
    ann.push("a", "b");
    const first = ann.flush()!;
    ann.move(0, 1);
    const second = ann.flush()!;
    assert.deepEqual(bob.merge(second), { applied: 0, pending: 1 });
    assert.deepEqual(bob.merge(second), { applied: 0, pending: 1 });
    assert.deepEqual(bob.merge(first), { applied: 3, pending: 0 });
    assert.deepEqual(bob.merge(first), { applied: 0, pending: 0 });
    assert.deepEqual(bob.toArray(), ["b", "a"]);
  },

  "an anchor goes where its element goes, and stays where it was when it is deleted": (subject) => {
    const { ann, bob, sync } = crew(subject);
    const [before, after] = [ann.anchorAt(1), ann.anchorAt(2, "after")];
    assert.deepEqual(before, { agent: "ann", seq: 1, side: "before" });
    bob.move(1, 3);
    bob.delete(0);
    sync();
    assert.equal(ann.positionOf(before), 2);
    assert.equal(ann.positionOf(after), 3);
    ann.delete(2);
    assert.equal(ann.positionOf(before), 2);
    assert.equal(ann.positionOf(after), 2);
    assert.deepEqual(ann.anchorAt(0, "after"), { end: "start" });
    assert.deepEqual(ann.anchorAt(2), { end: "end" });
    assert.equal(ann.positionOf({ agent: "dora", seq: 0, side: "before" }), undefined);
    assert.equal(ann.positionOf({ agent: "bob", seq: 0, side: "before" }), undefined);
  },

  "`__proto__` is a value like any other": (subject) => {
    const { ann, bob, sync } = crew(subject, "a");
    ann.set(0, "__proto__");
    bob.push("constructor");
    assert.equal(sync(), "__proto__constructor");
    const copy = subject.MovableList.load("dora", ann.encode());
    assert.deepEqual(copy.toArray(), ["__proto__", "constructor"]);
  },

  "every scalar is kept as it is": ({ MovableList }) => {
    const list = new MovableList("ann");
    const values = [null, true, false, 0, -1, 2 ** 30, 1.5, Number.NaN, -Infinity, "", "😀"];
    list.push(...values, -0);
    assert.deepEqual(MovableList.load("bob", list.encode()).toArray(), [...values, 0]);
  },

  "an element that is moved a thousand times is shown once, and its list is no slower": (
    subject,
  ) => {
    const { ann, bob, sync } = crew(subject);
    for (let i = 0; i < 1_000; i++) {
      ann.move(i % 4, (i * 7 + 1) % 4);
      bob.move(i % 4, (i * 5 + 2) % 4);
    }
    assert.equal([...sync()].sort().join(""), "abcd");
    assert.ok(ann.stats.places <= 2_004);
  },
};
