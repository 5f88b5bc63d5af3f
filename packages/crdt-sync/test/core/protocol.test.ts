import { AddWinsSet, List, MovableList, MovableTree, PnCounter, Text } from "@compendium/crdt";
import { expect, test } from "vitest";
import { exchange, Side, type } from "./lab.ts";

function pair() {
  const [a, b] = [new Side("a"), new Side("b")];
  const [here, there] = [new Text("a"), new Text("b")];
  return { a, b, here, there };
}

test.each([0, 1, 100, 20_000])(
  "both have all after one round trip, whatever diverged: %i units each",
  (units) => {
    const { a, b, here, there } = pair();
    type(here, units);
    type(there, units);
    a.open("text", here);
    b.open("text", there);
    const { halfTrips } = exchange(a, b, () => here.digest() === there.digest());
    expect(halfTrips).toBe(units === 0 ? 0 : 2);
  },
);

test.each([1, 20_000])(
  "when one side speaks first, after one and a half: %i units each",
  (units) => {
    const { a, b, here, there } = pair();
    type(here, units);
    type(there, units);
    a.open("text", here);
    b.open("text", there);
    const { halfTrips } = exchange(a, b, () => here.digest() === there.digest(), "first");
    expect(halfTrips).toBe(3);
  },
);

test("every type, in one link: sets with removals, counters, lists, trees", () => {
  const [a, b] = [new Side("a"), new Side("b")];
  const make = (agent: string) => ({
    set: new AddWinsSet<string>(agent),
    stars: new PnCounter(agent),
    list: new List<number>(agent),
    queue: new MovableList<number>(agent),
    tree: new MovableTree(agent),
  });
  const [here, there] = [make("a"), make("b")];
  for (const [side, values] of [
    [a, here],
    [b, there],
  ] as const) {
    for (const tag of ["x", "y", side.name]) values.set.add(tag);
    values.set.delete("x");
    values.stars.increment(3);
    values.list.insert(0, 1, 2, 3);
    values.queue.push(1, 2, 3);
    values.queue.move(0, 2);
    values.tree.add();
    for (const [name, value] of Object.entries(values)) side.open(name, value);
  }
  const isSame = () =>
    Object.entries(here).every(([name, value]) => {
      return value.digest() === there[name as keyof typeof there].digest();
    });
  expect(exchange(a, b, isSame).halfTrips).toBe(2);
  // A removal makes no operation of its own, and travels all the same, once.
  here.set.delete("y");
  const { halfTrips, bytes } = exchange(a, b, isSame);
  expect([halfTrips, there.set.has("y")]).toEqual([1, false]);
  expect(bytes).toBeLessThan(250);
  expect(exchange(a, b, isSame).messages).toBe(0);
});

test("what is new after a reconnect costs what is new, not what is there", () => {
  const { a, b, here, there } = pair();
  type(here, 50_000);
  a.open("text", here);
  b.open("text", there);
  const isSame = () => here.digest() === there.digest();
  const first = exchange(a, b, isSame);
  expect(first.bytes).toBeGreaterThan(50_000);
  for (const units of [0, 10, 1_000]) {
    a.connect();
    b.connect();
    type(there, units);
    expect(exchange(a, b, isSame).bytes).toBeLessThan(350 + 3 * units);
  }
});

test("edits of one turn are one update, and each is sent once", () => {
  const { a, b, here, there } = pair();
  const document = a.open("text", here);
  b.open("text", there);
  exchange(a, b, () => true);
  for (let i = 0; i < 100; i++) here.insert(i, "x");
  document.changed();
  const said = a.say();
  expect(said.length).toBe(1);
  b.hear(said);
  expect(there.toString()).toBe("x".repeat(100));
  a.hear(b.say());
  // An acknowledgement; and then the digest of what both have.
  b.hear(a.say());
  expect([a.say(), b.say()]).toEqual([[], []]);
});

test("an update larger than a message goes in pieces, and a cut link loses nothing", () => {
  const limits = { batchBytes: 64, messageBytesMax: 256 };
  const [a, b] = [new Side("a", limits), new Side("b", limits)];
  const [here, there] = [new Text("a"), new Text("b")];
  type(here, 5_000);
  a.open("text", here);
  b.open("text", there);
  b.hear(a.say());
  a.hear(b.say());
  const pieces = a.say();
  expect(pieces.length).toBeGreaterThan(50);
  for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(256);
  b.hear(pieces.slice(0, -1));
  expect(there.length).toBe(0);
  a.connect();
  b.connect();
  expect(exchange(a, b, () => here.digest() === there.digest()).halfTrips).toBe(2);
});

test("a document that only one side has is said to be wanted, and syncs when it is opened", () => {
  const { a, b, here, there } = pair();
  here.insert(0, "hello");
  a.open("text", here);
  exchange(a, b, () => false);
  expect(b.events).toEqual([{ type: "wanted", document: "text", kind: "text" }]);
  b.open("text", there);
  exchange(a, b, () => false);
  expect(there.toString()).toBe("hello");
});

test("a member's acknowledgement makes stable what it has, for others as well", () => {
  const sides = ["a", "b", "c"].map((name) => new Side(name));
  const [a, b, c] = sides as [Side, Side, Side];
  const texts = sides.map(({ name }) => new Text(name));
  const documents = sides.map((side, i) => {
    const members = ["a", "b", "c"].filter((name) => name !== side.name);
    return side.open("text", texts[i] as Text, { members });
  });
  texts[0]?.insert(0, "abc");
  exchange(a, b, () => true);
  expect(documents.map((it) => it.stats().stableLag)).toEqual([3, 3, 0]);
  // b tells c of a's text, over a link of their own.
  const [again, bc] = [new Side("b"), b.documents.get("text")];
  again.documents.set("text", bc as NonNullable<typeof bc>);
  exchange(again, c, () => true);
  expect(documents.map((it) => it.stats().stableLag)).toEqual([3, 0, 3]);
  // And a hears from b that c has it: rows, when it is time.
  for (const side of [b, again]) side.connection.recheck();
  exchange(again, c, () => true);
  exchange(a, b, () => true);
  expect(documents.map((it) => it.stats().stableLag)).toEqual([0, 0, 0]);
});

test("unacknowledged updates are bounded; what is held back goes as one", () => {
  const [a, b] = [new Side("a", { unackedMax: 3 }), new Side("b")];
  const [here, there] = [new Text("a"), new Text("b")];
  a.open("text", here);
  b.open("text", there);
  exchange(a, b, () => true);
  const said: Uint8Array[] = [];
  for (let i = 0; i < 50; i++) {
    here.insert(here.length, "x");
    said.push(...a.say());
  }
  expect(said.length).toBe(3);
  b.hear(said);
  a.hear(b.say());
  const rest = a.say();
  expect(rest.length).toBe(1);
  b.hear(rest);
  expect(there.length).toBe(50);
});
