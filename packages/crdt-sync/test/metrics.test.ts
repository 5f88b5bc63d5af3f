// What a scrape shows, and that it changes nothing.
import { addWinsSet, Document, Text, text } from "@compendium/crdt";
import { SyncNode } from "@compendium/crdt-sync";
import { MemoryNetwork } from "@compendium/crdt-sync/memory";
import { registerSyncNodes } from "@compendium/crdt-sync/metrics";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { until } from "./providers/contract.ts";

async function scrape(registry: Registry): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).split("\n");
  const samples = lines.flatMap((line) => {
    const [, name, value] = /^crdt_sync_(\w+\{.*\}) (\S+)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name.replaceAll('"', ""), Number(value)] as const];
  });
  return Object.fromEntries(samples);
}

test("two regions show one digest when they have the same, and how far stability is", async () => {
  const network = new MemoryNetwork();
  await using eu = new SyncNode({ name: "eu", members: ["us", "ap"], checkMs: 5 });
  await using us = new SyncNode({ name: "us", members: ["eu", "ap"], checkMs: 5 });
  const registry = new Registry();
  registerSyncNodes(registry, [eu, us]);
  const schema = { title: text(), tags: addWinsSet<string>() };
  const [here, there] = [new Document("eu", schema), new Document("us", schema)];
  const [notes, theirs] = [new Text("eu"), new Text("us")];
  await eu.open("document", here);
  await us.open("document", there);
  await eu.open("text", notes);
  await us.open("text", theirs);
  const empty = await scrape(registry);
  expect(empty["digest{name=eu}"]).toBe(empty["digest{name=us}"]);
  here.change((d) => d.tags.add("crdt"));
  notes.insert(0, "x".repeat(1_000));
  const before = await scrape(registry);
  expect(before["digest{name=eu}"]).not.toBe(before["digest{name=us}"]);
  expect(before).toEqual(await scrape(registry));
  expect(before).toMatchObject({
    "members{name=eu}": 2,
    "members_linked{name=eu}": 0,
    "operations{name=eu}": 1_001,
    "stable_operations{name=eu}": 0,
    "stable_lag_operations{name=eu}": 1_001,
    "pending_updates{name=eu}": 0,
    "failed{name=eu}": 0,
  });
  expect(before["history_bytes{name=eu}"]).toBeGreaterThan(1_000);
  await us.listen(network, "us");
  eu.connect(network, "us");
  await until(() => eu.digest() === us.digest() && us.isCaughtUp("eu"));
  const after = await scrape(registry);
  expect(after["digest{name=eu}"]).toBe(after["digest{name=us}"]);
  expect(after["members_linked{name=us}"]).toBe(1);
  // The third member has nothing yet.
  expect(after["stable_lag_operations{name=us}"]).toBe(1_001);
});

test("the same documents under other names make another digest", async () => {
  await using one = new SyncNode({ name: "one" });
  await using other = new SyncNode({ name: "other" });
  for (const [node, name] of [
    [one, "a"],
    [other, "b"],
  ] as const) {
    const text = new Text("writer");
    text.insert(0, "same");
    await node.open(name, text);
  }
  expect(one.digest()).not.toBe(other.digest());
});
