// History that all members have can go. Who comes anew gets everything, in one round trip.
import { addWinsSet, Document, List, Text, text, tree } from "@compendium/crdt";
import { expect, test } from "vitest";
import { exchange, Side, type } from "./lab.ts";

const members = (name: string) => ["a", "b"].filter((other) => other !== name);

function pair<T extends Text | List>(make: (agent: string) => T, limits = {}) {
  const [a, b] = [new Side("a", limits), new Side("b", limits)];
  const [here, there] = [make("a"), make("b")];
  const atA = a.open("notes", here, { members: members("a") });
  const atB = b.open("notes", there, { members: members("b") });
  const isSame = () => here.digest() === there.digest();
  return { a, b, here, there, atA, atB, isSame };
}

const write = {
  text: (it: Text | List) => type(it as Text, 500),
  list: (it: Text | List) => (it as List).insert(0, ...Array(500).keys()),
};

test.each([
  ["text", (agent: string) => new Text(agent), write.text],
  ["list", (agent: string) => new List(agent), write.list],
] as const)("a new member gets the whole of a %s that was compacted", (_, make, edit) => {
  const { a, b, here, there, atA, isSame } = pair<Text | List>(make);
  edit(here);
  here.delete(10, 300);
  edit(there);
  exchange(a, b, isSame);
  const digest = here.digest();
  expect(atA.compact()).toBe(true);
  expect([here.digest(), atA.compact(), here.encodeSince(here.version).length < 64]).toEqual([
    digest,
    false,
    true,
  ]);
  expect(() => here.encodeSince(new Map())).toThrow("compacted");
  // Who has not compacted goes on as before, and so does who has; also after a new link.
  const isNew = new Side("new");
  const third = make("new");
  isNew.open("notes", third);
  a.connect();
  expect(exchange(isNew, a, () => third.digest() === digest).halfTrips).toBe(2);
  edit(third);
  here.delete(0, 5);
  exchange(isNew, a, () => third.digest() === here.digest());
  a.connect();
  b.connect();
  there.delete(5, 1);
  expect(exchange(a, b, isSame).halfTrips).toBe(2);
  for (const { events } of [a, b, isNew]) {
    expect(events.filter(({ type }) => type === "refused" || type === "diverged")).toEqual([]);
  }
});

test("a new member that has written before it ever met anybody is refused, with the cause", () => {
  const { a, b, here, atA, isSame } = pair((agent) => new Text(agent));
  type(here, 100);
  exchange(a, b, isSame);
  atA.compact();
  const isNew = new Side("new");
  const text = new Text("new");
  text.insert(0, "mine");
  isNew.open("notes", text);
  a.connect();
  exchange(isNew, a, () => false);
  const refused = isNew.events.find(({ type }) => type === "refused");
  expect(refused).toMatchObject({ error: { code: "SYNC_REFUSED" } });
  expect(a.events.filter(({ type }) => type === "refused").length).toBe(1);
  expect([text.toString(), here.length]).toEqual(["mine", 100]);
});

test("a new member gets the whole of a document that was compacted, and goes on from there", () => {
  const schema = { title: text(), tags: addWinsSet<string>(), outline: tree() };
  const sides = ["a", "b", "new"].map((name) => new Side(name)) as [Side, Side, Side];
  const [a, b, isNew] = sides;
  const [here, there, third] = sides.map(({ name }) => new Document(name, schema)) as [
    Document<typeof schema>,
    Document<typeof schema>,
    Document<typeof schema>,
  ];
  const atA = a.open("notes", here, { members: ["b"] });
  b.open("notes", there, { members: ["a"] });
  const isSame = (one: typeof here, other: typeof here) => one.digest() === other.digest();
  for (let i = 0; i < 50; i++) {
    here.change((d) => {
      d.title.insert(0, "words ");
      d.tags.add(`tag ${i % 7}`);
      if (i % 5 === 0) d.outline.add();
    });
    there.change((d) => d.tags.delete(`tag ${i % 7}`));
  }
  exchange(a, b, () => false);
  const [digest, before] = [here.digest(), here.stats.changes];
  expect(atA.compact()).toBe(true);
  expect(here.digest()).toBe(digest);
  expect(here.stats.changes).toBeLessThan(before);
  isNew.open("notes", third);
  a.connect();
  expect(exchange(isNew, a, () => isSame(here, third)).halfTrips).toBe(2);
  third.change((d) => d.title.insert(0, "from the third "));
  there.change((d) => d.outline.add());
  exchange(isNew, a, () => false);
  a.connect();
  b.connect();
  exchange(a, b, () => false);
  expect([isSame(here, there), isSame(here, third)]).toEqual([true, false]);
  // And over a link to one that has compacted nothing.
  b.connect();
  isNew.connect();
  there.undo();
  exchange(isNew, b, () => false);
  expect(isSame(there, third)).toBe(true);
  const events = sides.flatMap((side) => side.events.map(({ type }) => type));
  expect(events.filter((type) => type === "refused" || type === "diverged")).toEqual([]);
});
