// Movable lists in documents: what undoing does, and what it leaves to others.
import { expect, test } from "vitest";
import { Document, movableList, text } from "../../src/index.ts";

const schema = { queue: movableList<string>(), title: text() };

function pair() {
  const [ann, bob] = [new Document("ann", schema), new Document("bob", schema)];
  const sync = (): void => {
    ann.merge(bob.updates(ann.version));
    bob.merge(ann.updates(bob.version));
    expect(ann.digest()).toBe(bob.digest());
  };
  ann.change((d) => d.queue.push("a", "b", "c", "d"));
  sync();
  const read = (): string => [...ann.view.queue].join("");
  return { ann, bob, sync, read };
}

test("it is written to inside of a change only", () => {
  const { ann } = pair();
  const queue = ann.view.queue as unknown as { move(from: number, to: number): void };
  expect(() => queue.move(0, 1)).toThrow(TypeError);
  expect(() => ann.change(() => queue.move(0, 1))).not.toThrow();
});

test("a change that fails half-way has moved nothing, and can be made again", () => {
  const { ann, read } = pair();
  const attempt = (): void =>
    ann.change((d) => {
      d.queue.move(0, 3);
      d.queue.set(0, "B");
      d.queue.delete(1);
      throw new RangeError("half-way");
    });
  expect(attempt).toThrow("half-way");
  expect(read()).toBe("abcd");
  ann.change((d) => d.queue.set(0, "A"));
  ann.undo();
  expect(read()).toBe("abcd");
});

test("a change is undone and done again, whatever it was made of", () => {
  const { ann, read } = pair();
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
  expect(read()).toBe("abcd");
  ann.redo();
  expect(read()).toBe(after);
  ann.undo();
  ann.undo();
  expect(read()).toBe("");
  ann.redo();
  ann.redo();
  expect(read()).toBe(after);
});

test("a move is undone beside its old place, among what others have put there", () => {
  const { ann, bob, sync, read } = pair();
  ann.change((d) => d.queue.move(1, 3));
  bob.change((d) => d.queue.insert(2, "x"));
  sync();
  expect(read()).toBe("axcdb");
  ann.undo();
  expect(read()).toBe("abxcd");
});

test("a move is not undone if somebody else has moved the element since", () => {
  const { ann, bob, sync, read } = pair();
  ann.change((d) => d.queue.move(0, 3));
  sync();
  bob.change((d) => d.queue.move(3, 1));
  sync();
  expect(ann.undo()).toBe(true); // What was passed over is the move; the insertion is undone.
  expect(read()).toBe("");
});

test("nor is a value set back that somebody else has set", () => {
  const { ann, bob, sync, read } = pair();
  ann.change((d) => d.queue.set(0, "A"));
  sync();
  bob.change((d) => d.queue.set(0, "B"));
  sync();
  ann.undo();
  expect(read()).toBe("B"); // The insertion is undone, and leaves what is another's.
});

test("an older step is undone through one that was undone", () => {
  const { ann, read } = pair();
  ann.change((d) => d.queue.set(0, "1"));
  ann.change((d) => d.queue.set(0, "2"));
  ann.change((d) => d.queue.set(0, "2"));
  ann.change((d) => d.queue.move(0, 1));
  ann.change((d) => d.queue.move(1, 3));
  for (const expected of ["b2cd", "2bcd", "1bcd", "abcd"]) {
    ann.undo();
    expect(read()).toBe(expected);
  }
  for (const expected of ["1bcd", "2bcd", "b2cd", "bcd2"]) {
    ann.redo();
    expect(read()).toBe(expected);
  }
});

test("undoing a deletion brings the one element back, with what happened to it meanwhile", () => {
  const { ann, bob, sync, read } = pair();
  ann.change((d) => d.queue.delete(1));
  bob.change((d) => d.queue.move(1, 3));
  bob.change((d) => d.queue.set(3, "B"));
  sync();
  expect(read()).toBe("acd");
  ann.undo();
  sync();
  expect(read()).toBe("acdB");
});

test("and does not when somebody else has deleted it too, before or after", () => {
  const { ann, bob, sync, read } = pair();
  ann.change((d) => d.queue.delete(1));
  bob.change((d) => d.queue.delete(1));
  ann.undo();
  expect(read()).toBe("abcd");
  sync();
  expect(read()).toBe("acd");
  bob.undo();
  sync();
  expect(read()).toBe("abcd"); // Once.
});

test("events tell what a change, a merge and an undo have done", () => {
  const { ann, bob } = pair();
  const heard: unknown[] = [];
  ann.subscribe(({ changes }) => heard.push(...changes.map(({ change }) => change)));
  ann.change((d) => d.queue.move(0, 3));
  ann.undo();
  bob.change((d) => d.queue.delete(1, 2));
  ann.merge(bob.updates(ann.version));
  expect(heard).toEqual([
    { type: "move", from: 0, to: 3 },
    { type: "move", from: 3, to: 0 },
    { type: "delete", index: 1, count: 2 },
  ]);
});

test("it has a past, and a difference to it", () => {
  const { ann } = pair();
  const { version } = ann;
  const before = new Map(version);
  ann.change((d) => d.queue.move(0, 1));
  expect([...ann.at(before).queue]).toEqual(["a", "b", "c", "d"]);
  expect(ann.diff(before).get("queue")).toEqual({
    type: "splice",
    splice: { position: 0, removed: 2, inserted: ["b", "a"] },
  });
});

test("it is stored and loaded with the document", () => {
  const { ann, read } = pair();
  ann.change((d) => d.queue.move(0, 3));
  const copy = Document.load("carl", schema, ann.encode());
  expect([...copy.view.queue].join("")).toBe(read());
  expect(copy.digest()).toBe(ann.digest());
});
