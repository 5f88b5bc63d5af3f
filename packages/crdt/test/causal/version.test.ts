// Versions come from others, and from storage: what is no version is not taken for one.
import { expect, test } from "vitest";
import { Document, MovableList, Text, text } from "../../src/index.ts";

test("half an operation, or what is no number, is no version", () => {
  const notes = new Text("ann");
  notes.insert(0, "abc");
  const list = new MovableList("ann");
  list.push(1, 2, 3);
  const document = new Document("ann", { notes: text() });
  for (const units of ["a", "b"]) document.change((d) => d.notes.insert(0, units));
  for (const count of [0.5, 1.5, Number.NaN, "1" as unknown as number]) {
    const version = new Map([["ann", count]]);
    const asked = [
      () => notes.encodeSince(version),
      () => notes.at(version),
      () => notes.compact(version),
      () => list.encodeSince(version),
      () => list.at(version),
      () => document.updates(version),
      () => document.at(version),
      () => document.compact(version),
    ];
    for (const ask of asked) expect(ask, `${count}`).toThrow(RangeError);
  }
  expect([notes.base.size, document.base.size]).toEqual([0, 0]);
});
