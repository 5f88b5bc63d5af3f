// What a scrape shows of replicas, and that it changes nothing.
import { ManualClock } from "@compendium/runtime";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { addWinsSet, CrdtError, Document, MovableList, Text, text } from "../src/index.ts";
import { MeasuredReplica, registerReplicas } from "../src/metrics.ts";

async function scrape(registry: Registry): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).split("\n");
  const samples = lines.flatMap((line) => {
    const [, name, value] = /^crdt_(\w+\{.*\}) (\S+)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name.replaceAll('"', ""), Number(value)] as const];
  });
  return Object.fromEntries(samples);
}

test("pending updates, merges and their time, bytes, the lag of stability, the digest", async () => {
  const clock = new ManualClock();
  const [here, there] = [new Text("eu"), new Text("us")];
  const stable = new Map([["us", 2]]);
  const notes = new MeasuredReplica("notes", here, { clock, stable: () => stable });
  const registry = new Registry();
  registerReplicas(registry, [notes, new MeasuredReplica("copy", there)]);
  there.insert(0, "abc");
  const first = there.flush()!;
  there.insert(3, "d");
  const second = there.flush()!;
  notes.merge(second);
  expect(await scrape(registry)).toMatchObject({
    "pending_updates{name=notes}": 1,
    "operations{name=notes}": 0,
    "merges_total{name=notes,outcome=known}": 1,
  });
  notes.merge(first);
  expect(() => notes.merge(new Uint8Array(9))).toThrow(CrdtError);
  const shown = await scrape(registry);
  expect(shown).toMatchObject({
    "pending_updates{name=notes}": 0,
    "operations{name=notes}": 4,
    "stable_lag_operations{name=notes}": 2,
    "merges_total{name=notes,outcome=applied}": 1,
    "merges_total{name=notes,outcome=refused}": 1,
    "merge_seconds_count{name=notes}": 3,
  });
  expect(shown["digest{name=notes}"]).toBe(shown["digest{name=copy}"]);
  expect(shown["history_bytes{name=notes}"]).toBeGreaterThan(0);
  expect(shown["stable_lag_operations{name=copy}"]).toBe(undefined);
  expect(await scrape(registry)).toEqual(shown);
});

test("documents and movable lists can be measured as well; of one name there is one", async () => {
  const registry = new Registry();
  const document = new Document("eu", { title: text(), tags: addWinsSet<string>() });
  const replicas = [
    new MeasuredReplica("document", document),
    new MeasuredReplica("queue", new MovableList<number>("eu")),
  ];
  const shown = registerReplicas(registry, replicas);
  document.change((d) => d.tags.add("crdt"));
  const samples = await scrape(registry);
  expect([samples["operations{name=document}"], samples["operations{name=queue}"]]).toEqual([1, 0]);
  expect(() => registerReplicas(registry, [replicas[0]!])).toThrow(TypeError);
  expect(() => registerReplicas(new Registry(), [replicas[0]!, replicas[0]!])).toThrow(TypeError);
  shown[Symbol.dispose]();
  expect(await scrape(registry)).toEqual({});
});
