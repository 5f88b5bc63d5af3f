// What undoing does to a movable list in a document, and what it leaves to others.
import assert from "node:assert/strict";
import type * as crdt from "../../src/index.ts";

/** The package, or a copy of it with a planted bug. */
export type Package = Pick<typeof crdt, "Document" | "movableList">;

function pair({ Document, movableList }: Package) {
  const schema = { queue: movableList<string>() };
  const [ann, bob] = [new Document("ann", schema), new Document("bob", schema)];
  const sync = (): void => {
    ann.merge(bob.updates(ann.version));
    bob.merge(ann.updates(bob.version));
    assert.equal(ann.digest(), bob.digest());
  };
  ann.change((d) => d.queue.push("a", "b", "c", "d"));
  sync();
  return { ann, bob, sync, read: () => [...ann.view.queue].join("") };
}

/** By what they show. */
export const undoing: Readonly<Record<string, (subject: Package) => void>> = {
  "a change is undone and done again, whatever it was made of": (subject) => {
    const { ann, read } = pair(subject);
    ann.change((d) => {
      d.queue.move(0, 3);
      d.queue.set(3, "A");
      d.queue.insert(1, "x", "y");
      d.queue.move(1, 0);
      d.queue.delete(2);
      d.queue.set(0, "X");
    });
    const after = read();
    ann.undo();
    assert.equal(read(), "abcd");
    ann.redo();
    assert.equal(read(), after);
    ann.undo();
    ann.undo();
    assert.equal(read(), "");
    ann.redo();
    ann.redo();
    assert.equal(read(), after);
  },

  "a change that fails half-way has moved nothing, and can be made again": (subject) => {
    const { ann, read } = pair(subject);
    const attempt = (): void =>
      ann.change((d) => {
        d.queue.move(0, 3);
        d.queue.set(0, "B");
        d.queue.delete(1);
        throw new RangeError("half-way");
      });
    assert.throws(attempt, /half-way/);
    assert.equal(read(), "abcd");
    ann.change((d) => d.queue.set(0, "A"));
    ann.undo();
    assert.equal(read(), "abcd");
  },

  "a move is undone beside its old place, among what others have put there": (subject) => {
    const { ann, bob, sync, read } = pair(subject);
    ann.change((d) => d.queue.move(1, 3));
    bob.change((d) => d.queue.insert(2, "x"));
    sync();
    assert.equal(read(), "axcdb");
    ann.undo();
    assert.equal(read(), "abxcd");
  },

  "a move is not undone if somebody else has moved the element since": (subject) => {
    const { ann, bob, sync, read } = pair(subject);
    ann.change((d) => d.queue.push("e"));
    ann.change((d) => d.queue.move(0, 3));
    sync();
    bob.change((d) => d.queue.move(3, 1));
    sync();
    assert.equal(read(), "bacde");
    ann.undo(); // The move is passed over, and the insertion before it undone.
    assert.equal(read(), "bacd");
  },

  "nor is a value set back, or deleted, that somebody else has set": (subject) => {
    const { ann, bob, sync, read } = pair(subject);
    ann.change((d) => d.queue.set(0, "A"));
    sync();
    bob.change((d) => d.queue.set(0, "B"));
    sync();
    ann.undo(); // The setting is passed over, and the insertion undone, but for what is bob's.
    assert.equal(read(), "B");
  },

  "an older step is undone through one that was undone": (subject) => {
    const { ann, read } = pair(subject);
    ann.change((d) => d.queue.set(0, "1"));
    ann.change((d) => d.queue.set(0, "2"));
    ann.change((d) => d.queue.set(0, "2"));
    ann.change((d) => d.queue.move(0, 1));
    ann.change((d) => d.queue.move(1, 3));
    for (const expected of ["b2cd", "2bcd", "1bcd", "abcd"]) {
      ann.undo();
      assert.equal(read(), expected);
    }
    for (const expected of ["1bcd", "2bcd", "b2cd", "bcd2"]) {
      ann.redo();
      assert.equal(read(), expected);
    }
  },

  "undoing a deletion brings the one element back, with what was done to it meanwhile": (it) => {
    const { ann, bob, sync, read } = pair(it);
    ann.change((d) => d.queue.delete(1));
    bob.change((d) => d.queue.move(1, 3));
    bob.change((d) => d.queue.set(3, "B"));
    sync();
    assert.equal(read(), "acd");
    ann.undo();
    sync();
    assert.equal(read(), "acdB");
  },

  "and does not when somebody else has deleted it too, whoever is first": (subject) => {
    const { ann, bob, sync, read } = pair(subject);
    ann.change((d) => d.queue.delete(1));
    bob.change((d) => d.queue.delete(1));
    ann.undo();
    assert.equal(read(), "abcd");
    sync();
    assert.equal(read(), "acd");
    bob.undo();
    sync();
    assert.equal(read(), "abcd"); // Once.
  },
};
