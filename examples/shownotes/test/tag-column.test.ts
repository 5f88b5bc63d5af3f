import { AddWinsSet, HybridLogicalClock } from "@compendium/crdt";
import { expect, test } from "vitest";
import { TagColumn } from "../src/tag-column.ts";

const column = (replica: string, wallMs: () => number) =>
  new TagColumn({ replica, clock: new HybridLogicalClock({ wallMs }) });

test("a column is a set to whoever is alone with it", () => {
  const tags = column("eu", () => 1_000);
  expect(tags.tags).toEqual([]);
  expect(tags.updatedAt).toBe(null);
  for (const tag of ["raft", "crdt", "raft"]) tags.add(tag);
  expect(tags.tags).toEqual(["crdt", "raft"]);
  tags.delete("raft");
  tags.delete("nothing");
  expect(tags.tags).toEqual(["crdt"]);
  tags.delete("crdt");
  expect(tags.tags).toEqual([]);
  expect(tags.updatedAt).toBe("1970-01-01T00:00:01.000Z");
});

test("of two writes apart the later one stands, with all that it knew; a set keeps both", () => {
  const [eu, us] = [column("eu", () => 1_000), column("us", () => 2_000)];
  const [here, there] = [new AddWinsSet("eu"), new AddWinsSet("us")];
  for (const it of [eu, here]) it.add("from-eu");
  for (const it of [us, there]) it.add("from-us");
  eu.register.join(us.register.encode());
  here.join(there.encode());
  expect(eu.tags).toEqual(["from-us"]);
  expect(here.toJSON()).toEqual(["from-eu", "from-us"]);
});

test("who has seen a write writes after it, however late the own clock is", () => {
  const [eu, us] = [column("eu", () => 9_000), column("us", () => 2_000)];
  eu.add("from-eu");
  us.register.join(eu.register.encode());
  us.add("from-us");
  eu.register.join(us.register.encode());
  expect(eu.tags).toEqual(["from-eu", "from-us"]);
});
