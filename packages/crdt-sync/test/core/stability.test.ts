// What is called stable will never meet an edit that was made without it.
import { MovableTree, Text } from "@compendium/crdt";
import { expect, test } from "vitest";
import { exchange, Side } from "./lab.ts";

test.each([
  ["text", () => [new Text("a"), new Text("b")]],
  ["tree", () => [new MovableTree("a"), new MovableTree("b")]],
] as const)("an acknowledgement while an edit is held back makes no %s stable", (_, make) => {
  const [a, b] = [new Side("a", { unackedMax: 1 }), new Side("b", { unackedMax: 1 })];
  const [here, there] = make() as [Text | MovableTree, Text | MovableTree];
  const atA = a.open("notes", here, { members: ["b"] });
  const atB = b.open("notes", there, { members: ["a"] });
  const edit = (it: Text | MovableTree) => void (it instanceof Text ? it.insert(0, "x") : it.add());
  exchange(a, b, () => true);
  edit(there);
  const first = b.say();
  // Held back, for the first is not acknowledged; and made without what a does now.
  edit(there);
  expect(b.say()).toEqual([]);
  edit(here);
  b.hear(a.say());
  a.hear([...first, ...b.say()]);
  expect(atA.stable().next("a")).toBe(1);
  atA.compact();
  exchange(a, b, () => true);
  expect(here.digest()).toBe(there.digest());
  expect([atA.stats().stableLag, atB.stats().stableLag]).toEqual([0, 0]);
  const refusals = [a, b].flatMap(({ events }) => events.filter(({ type }) => type === "refused"));
  expect(refusals).toEqual([]);
});
