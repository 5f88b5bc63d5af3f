// One name for two histories: found by both sides, whichever way it came about, and nothing merged.
import { AddWinsSet, Text } from "@compendium/crdt";
import { expect, test } from "vitest";
import { exchange, Side } from "./lab.ts";

function refusals(...sides: Side[]): unknown[] {
  return sides.map(({ events }) => {
    const refused = events.find(({ type }) => type === "refused");
    return refused?.type === "refused" ? refused.error.code : undefined;
  });
}

test("two replicas of one name that meet", () => {
  const [a, b] = [new Side("a"), new Side("b")];
  const [here, there] = [new Text("same"), new Text("same")];
  here.insert(0, "here");
  there.insert(0, "there");
  a.open("text", here);
  b.open("text", there);
  exchange(a, b, () => false);
  expect(refusals(a, b)).toEqual(["SYNC_ID_REUSED", "SYNC_ID_REUSED"]);
  expect([here.toString(), there.toString()]).toEqual(["here", "there"]);
});

test("a replica that has forgotten what it had sent", () => {
  const [a, b] = [new Side("a"), new Side("b")];
  const [here, there] = [new Text("a"), new Text("b")];
  here.insert(0, "one");
  a.open("text", here);
  b.open("text", there);
  exchange(a, b, () => false);
  const reborn = new Text("a");
  reborn.insert(0, "two");
  a.open("text", reborn, { nonce: "00000000000000aa" });
  a.connect();
  b.connect();
  exchange(a, b, () => false);
  expect(refusals(a, b)).toEqual(["SYNC_ID_REUSED", "SYNC_ID_REUSED"]);
  expect([reborn.toString(), there.toString()]).toEqual(["two", "one"]);
});

test("one that has forgotten and says nothing yet", () => {
  const [a, b] = [new Side("a"), new Side("b")];
  const [here, there] = [new AddWinsSet("a"), new AddWinsSet("b")];
  here.add("x");
  a.open("set", here);
  b.open("set", there);
  exchange(a, b, () => false);
  const reborn = new AddWinsSet("a");
  a.open("set", reborn);
  a.connect();
  b.connect();
  exchange(a, b, () => false);
  expect(refusals(a, b)).toEqual(["SYNC_ID_REUSED", "SYNC_ID_REUSED"]);
  expect(reborn.size).toBe(0);
});

test("two copies of one disk that never meet, at a third", () => {
  const hub = new Side("hub");
  hub.open("text", new Text("hub"));
  const original = new Text("copied");
  original.insert(0, "common ");
  const first = new Side("first");
  const before = first.open("text", original, { nonce: "0000000000000001" });
  exchange(first, hub, () => false);
  const copied = original.encode();
  original.insert(0, "mine ");
  exchange(first, hub, () => false);
  // The copy is loaded: what is there belongs to an earlier life.
  const copy = new Text("copied");
  const second = new Side("second");
  const after = second.open("text", copy, { nonce: "0000000000000002" });
  after.writers.join(before.writers);
  copy.merge(copied);
  after.restored();
  copy.insert(0, "yours, and longer than mine ");
  after.changed();
  hub.connect();
  exchange(second, hub, () => false);
  expect(refusals(second, hub)).toEqual(["SYNC_ID_REUSED", "SYNC_ID_REUSED"]);
});

test("it is found while both are linked, before the second history is merged", () => {
  const [a, b, hub] = [new Side("a"), new Side("b"), new Side("hub")];
  const [one, two, middle] = [new Text("same"), new Text("same"), new Text("hub")];
  const first = a.open("text", one, { nonce: "0000000000000001" });
  const second = b.open("text", two, { nonce: "0000000000000002" });
  const hubDocument = hub.open("text", middle);
  // Two links of one hub.
  const other = new Side("hub");
  other.documents.set("text", hubDocument);
  exchange(a, hub, () => false);
  exchange(b, other, () => false);
  one.insert(0, "one");
  first.changed();
  two.insert(0, "two");
  second.changed();
  exchange(a, hub, () => false);
  exchange(b, other, () => false);
  expect(middle.toString()).toBe("one");
  expect(two.toString()).toBe("two");
  expect(refusals(b, other)).toEqual(["SYNC_ID_REUSED", "SYNC_ID_REUSED"]);
});

test("a life that follows another is no conflict", () => {
  const hub = new Side("hub");
  const seen = new Text("hub");
  hub.open("text", seen);
  let saved: Uint8Array = new Text("a").encode();
  let lives: Side["documents"] extends Map<string, infer D> ? D | undefined : never;
  for (let life = 1; life <= 20; life++) {
    const side = new Side("a");
    const text = new Text("a");
    const nonce = String(life).padStart(16, "0");
    const document = side.open("text", text, { nonce });
    text.merge(saved);
    if (lives !== undefined) document.writers.join(lives.writers);
    document.restored();
    hub.connect();
    exchange(side, hub, () => false);
    text.insert(text.length, "x");
    document.changed();
    exchange(side, hub, () => false);
    saved = text.encode();
    lives = document;
  }
  expect(refusals(hub)).toEqual([undefined]);
  expect(seen.toString()).toBe("x".repeat(20));
});
