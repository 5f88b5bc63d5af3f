// What a movable list promises: Kleppmann, "Moving Elements in List CRDTs" (PaPoC 2020).
import { describe, expect, test } from "vitest";
import { MovableList } from "../../src/index.ts";
import { PlaceTree } from "../../src/movable-list/place-tree.ts";
import { generator } from "../generator.ts";
import { scenarios } from "./scenarios.ts";

test.each(Object.entries(scenarios))("%s", (_, scenario) => scenario({ MovableList }));

describe("misuse is refused, and changes nothing", () => {
  const list = new MovableList<number>("ann");
  list.push(1, 2, 3);
  const digest = list.digest();

  test.each([
    ["insert", () => list.insert(4, 0)],
    ["insert in between", () => list.insert(0.5, 0)],
    ["move from", () => list.move(3, 0)],
    ["move to", () => list.move(0, 3)],
    ["move to before the first", () => list.move(0, -1)],
    ["set", () => list.set(3, 0)],
    ["delete", () => list.delete(2, 2)],
    ["delete less than nothing", () => list.delete(2, -1)],
    ["anchor", () => list.anchorAt(4)],
    ["a version that is not known", () => list.at(new Map([["ann", 9]]))],
  ])("%s outside of the list", (_, misuse) => {
    expect(misuse).toThrow(RangeError);
    expect(list.digest()).toBe(digest);
  });

  test("what is no scalar", () => {
    expect(() => list.push({} as never)).toThrow(TypeError);
    expect(() => list.set(0, undefined as never)).toThrow(TypeError);
    expect(() => (list as MovableList).set(0, "\ud83d")).toThrow(TypeError);
    expect(list.digest()).toBe(digest);
  });

  test("a name that is none", () => expect(() => new MovableList("")).toThrow(RangeError));

  test("what does nothing makes no operation", () => {
    list.insert(0);
    list.move(1, 1);
    list.delete(1, 0);
    expect(list.digest()).toBe(digest);
    expect(list.get(3)).toBeUndefined();
    expect(list.get(-1)).toBeUndefined();
    expect(list.get(0.5)).toBeUndefined();
  });
});

test("who only wants to know that something has changed is told once for each call", () => {
  const [ann, bob] = [new MovableList<number>("ann"), new MovableList<number>("bob")];
  let told = 0;
  const watching = ann.onChange(() => told++);
  ann.push(1, 2, 3);
  ann.delete(0, 2);
  expect(told).toBe(2);
  bob.merge(ann.encodeSince(new Map()));
  bob.push(4);
  ann.merge(bob.encodeSince(new Map()));
  ann.merge(bob.encodeSince(new Map()));
  expect(told).toBe(3);
  watching[Symbol.dispose]();
  ann.push(5);
  expect(told).toBe(3);
});

test("changes are told together, and no longer than somebody listens", () => {
  const list = new MovableList<number>("ann");
  const heard: unknown[] = [];
  const listening = list.subscribe((changes) => heard.push(changes));
  list.push(1, 2, 3);
  list.delete(0, 2);
  list.set(0, 3); // It reads the same.
  list.set(0, 4);
  listening[Symbol.dispose]();
  list.push(5);
  expect(heard).toEqual([
    [{ type: "insert", index: 0, values: [1, 2, 3] }],
    [{ type: "delete", index: 0, count: 2 }],
    [{ type: "set", index: 0, value: 4 }],
  ]);
});

test("the tree of places is an array with some of them shown", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const below = generator(seed);
    const tree = new PlaceTree();
    const all: number[] = [];
    const shown = new Set<number>();
    for (let i = 0; i < 400; i++) {
      const count = 1 + (below(8) === 0 ? below(100) : 0);
      // Mostly somewhere, and sometimes at the end, where nodes are filled.
      const index = below(4) === 0 ? all.length : below(all.length + 1);
      const places = Array.from({ length: count }, (_, k) => all.length + k);
      tree.insert(index, count);
      all.splice(index, 0, ...places);
      for (const place of places) {
        if (below(3) > 0) shown.add(place);
        tree.show(place, shown.has(place));
      }
      const other = below(all.length);
      if (shown.has(other)) shown.delete(other);
      else shown.add(other);
      tree.show(other, shown.has(other));
    }
    const seen = all.filter((place) => shown.has(place));
    expect([...tree]).toEqual(seen);
    expect([tree.length, tree.shown]).toEqual([all.length, seen.length]);
    for (const [i, place] of seen.entries()) {
      if (tree.atShown(i) !== place || tree.shownBefore(place) !== i) expect.fail(`${place}`);
    }
    for (const [i, place] of all.entries()) if (tree.indexOf(place) !== i) expect.fail(`${place}`);
  }
});
