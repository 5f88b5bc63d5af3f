// Undoing, and what comes too early: the cases by name. Schedules of them are in simulation/.
import { expect, test } from "vitest";
import * as subject from "../../src/index.ts";
import { traps } from "./traps.ts";

test.each(Object.entries(traps))("%s", (_, trap) => {
  expect(() => trap(subject)).not.toThrow();
});

test("a deletion of more values than a call takes arguments is undone", () => {
  const document = new subject.Document("a", { notes: subject.list<number>() });
  const some = Array.from({ length: 10_000 }, (_, i) => i);
  const add = (): void => document.change((d) => d.notes.insert(d.notes.length, ...some));
  for (let i = 0; i < 20; i++) add();
  const before = document.view.notes.toArray();
  document.change((d) => d.notes.delete(0, before.length));
  expect(document.undo()).toBe(true);
  expect(document.view.notes.toArray()).toEqual(before);
});
