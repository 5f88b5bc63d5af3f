// The budget of a decoder is for hostile bytes. Whatever an honest replica writes can be read,
// whatever its shape: each thing in a frame has bytes enough to pay for itself.
import { expect, test } from "vitest";
import {
  Document,
  List,
  list,
  MovableList,
  pnCounter,
  type Scalar,
  Text,
} from "../../src/index.ts";

const LENGTH = 30_000;

/** The nth name: as short as names can be. */
function nameOf(number: number): string {
  const character = String.fromCharCode(33 + (number % 94));
  return number < 94 ? character : character + nameOf(Math.floor(number / 94) - 1);
}

test("lists of the shortest values, whole, deleted and compacted", () => {
  for (const value of [null, true, 0, -1, "", "a"] as Scalar[]) {
    const all = new List("a");
    for (let i = 0; i < LENGTH; i++) all.insert(i, value);
    const gone = all.fork("b");
    gone.delete(0, LENGTH - 1);
    const compacted = all.fork("c");
    compacted.compact(compacted.version);
    for (const each of [all, gone, compacted]) {
      for (const deleted of ["keep", "drop"] as const) {
        const read = List.load("d", each.encode({ deleted }));
        read.insert(0, value); // unpacks the history
        expect(read.length).toBe(each.length + 1);
      }
    }
    const elements = new MovableList("a");
    for (let i = 0; i < LENGTH; i++) elements.push(value);
    expect(MovableList.load("b", elements.encode()).length).toBe(LENGTH);
  }
});

test("a compacted text of many sessions with short names, whether something is left or not", () => {
  let text = new Text("first");
  for (let i = 0; i < 3_000; i++) {
    text.insert(0, "x");
    if (i % 100 === 99) text.compact(text.version);
    text = text.fork(nameOf(i));
  }
  text.compact(text.version);
  const read = Text.load("last", text.encode());
  expect(read.anchorAt(0)).toEqual(text.anchorAt(0));
  text.delete(0, text.length);
  text.compact(text.version);
  const empty = Text.load("last", text.encode());
  empty.insert(0, "y");
  expect([empty.toString(), empty.base.size]).toEqual(["y", text.base.size]);
});

test("a text whose base has many heads", () => {
  const text = new Text("all");
  for (let i = 0; i < 2_000; i++) {
    const other = new Text(nameOf(i));
    other.insert(0, "x");
    text.merge(other.flush()!);
  }
  text.compact(text.version);
  const read = Text.load("last", text.encode());
  read.insert(0, "y");
  expect(read.length).toBe(2_001);
});

test("a compacted document of many containers and many sessions", () => {
  const schema = Object.fromEntries(
    Array.from({ length: 150 }, (_, i) => [`c${i}`, i % 2 === 0 ? pnCounter() : list<null>()]),
  );
  let document = new Document("first", schema);
  for (let i = 0; i < 60; i++) {
    document.change((d) => {
      for (const each of Object.values(d)) {
        if ("increment" in each) each.increment();
        else (each as unknown as List<null>).insert(0, null);
      }
    });
    document = document.fork(nameOf(i));
  }
  document.compact(document.version);
  expect(Document.load("last", schema, document.encode()).digest()).toBe(document.digest());
});
