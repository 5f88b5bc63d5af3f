// Documents on the wire: changes that arrive whole, schemas that must agree, and what it costs.
import {
  addWinsSet,
  Document,
  type DocumentEvent,
  list,
  mvRegister,
  pnCounter,
  text,
  tree,
} from "@compendium/crdt";
import { expect, test } from "vitest";
import { exchange, Side } from "./lab.ts";

const schema = {
  title: text(),
  lines: list<number>(),
  tags: addWinsSet<string>(),
  stars: pnCounter(),
  state: mvRegister<string>(),
  outline: tree(),
};

function pair() {
  const [a, b] = [new Side("a"), new Side("b")];
  const [here, there] = [new Document("a", schema), new Document("b", schema)];
  const isSame = () => here.digest() === there.digest();
  return { a, b, here, there, isSame };
}

function write(document: Document<typeof schema>, changes: number): void {
  for (let i = 0; i < changes; i++) {
    document.change((d) => {
      d.title.insert((i * 7_919) % (d.title.length + 1), "abc");
      d.tags.add(`tag ${i % 50}`);
      if (i % 3 === 0) d.tags.delete(`tag ${i % 20}`);
      if (i % 5 === 0) d.outline.add();
      d.lines.insert(0, i);
      d.stars.increment();
    });
  }
}

test.each([0, 1, 1_000])("%i changes each are everywhere after one round trip", (changes) => {
  const { a, b, here, there, isSame } = pair();
  write(here, changes);
  write(there, changes);
  a.open("notes", here);
  b.open("notes", there);
  expect(exchange(a, b, isSame).halfTrips).toBe(changes === 0 ? 0 : 2);
  expect(exchange(a, b, isSame).messages).toBe(0);
  // Undoing is a change like any other, and a removal as well.
  if (changes === 0) return;
  here.undo();
  there.change((d) => d.tags.clear());
  expect(exchange(a, b, isSame).halfTrips).toBe(1);
  expect([a, b].map(({ events }) => events.filter(({ type }) => type === "diverged"))).toEqual([
    [],
    [],
  ]);
});

test("what is new after a reconnect costs what is new, not what is there", () => {
  const { a, b, here, there, isSame } = pair();
  write(here, 2_000);
  a.open("notes", here);
  b.open("notes", there);
  expect(exchange(a, b, isSame).bytes).toBeGreaterThan(5_000);
  for (const changes of [0, 1, 10]) {
    a.connect();
    b.connect();
    for (let i = 0; i < changes; i++) there.change((d) => d.title.insert(i, "x"));
    expect(exchange(a, b, isSame).bytes).toBeLessThan(450 + 30 * changes);
  }
});

test("a listener hears what others have changed, all of it at once, and the conflicts", () => {
  const { a, b, here, there, isSame } = pair();
  const events: DocumentEvent[] = [];
  there.subscribe((event) => events.push(event));
  a.open("notes", here);
  b.open("notes", there);
  here.change((d) => {
    d.title.insert(0, "hi");
    d.state.set("draft");
  });
  there.change((d) => d.state.set("final"));
  exchange(a, b, isSame);
  expect(events.map(({ origin }) => origin)).toEqual(["here", "elsewhere"]);
  expect(events[1]?.changes.map(({ container }) => container)).toEqual(["title", "state"]);
  expect(events[1]?.conflicts).toEqual([{ container: "state", path: [], kind: "several-values" }]);
});

test("two documents of one name and two schemas are refused; others on the link are not", () => {
  const { a, b, here, there, isSame } = pair();
  const other = new Document("b", { ...schema, more: text() });
  a.open("notes", here);
  b.open("notes", other);
  a.open("others", here);
  b.open("others", there);
  here.change((d) => d.tags.add("x"));
  exchange(a, b, isSame);
  for (const { events } of [a, b]) {
    const refused = events.filter(({ type }) => type === "refused");
    expect(refused).toMatchObject([{ document: "notes", error: { code: "SYNC_KIND" } }]);
  }
  expect([isSame(), other.version.size]).toEqual([true, 0]);
});
