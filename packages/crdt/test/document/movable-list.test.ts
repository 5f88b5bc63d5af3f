// Movable lists in documents: what undoing does, and what it leaves to others.
import { expect, test } from "vitest";
import * as subject from "../../src/index.ts";
import { Document, movableList, text } from "../../src/index.ts";
import { undoing } from "../movable-list/undo.ts";

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

test.each(Object.entries(undoing))("%s", (_, check) => check(subject));

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

test("what was done apart is done again on a document that knows nothing of it", () => {
  const { ann, bob, sync } = pair();
  ann.change((d) => d.queue.push("e", "f"));
  sync();
  bob.change((d) => {
    d.queue.insert(1, "x", "y");
    d.queue.move(3, 6);
    d.queue.set(3, "C");
    d.queue.delete(4);
  });
  bob.change((d) => d.queue.delete(0));
  expect([...bob.view.queue].join("")).toBe("xyCebf");
  ann.change((d) => d.queue.move(5, 0));
  expect([...ann.view.queue].join("")).toBe("fabcde");
  const again = bob.rebaseOnto("bob-2", ann.encode());
  expect([...again.view.queue].join("")).toBe("fxyCeb");
  ann.merge(again.updates() ?? new Uint8Array(0));
  expect(ann.digest()).toBe(again.digest());
  again.undo();
  expect([...again.view.queue].join("")).toBe("fabcde");
});
