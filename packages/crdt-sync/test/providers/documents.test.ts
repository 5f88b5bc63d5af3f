// A document for two lives on a real disk, over each way there is.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { addWinsSet, Document, pnCounter, text, tree } from "@compendium/crdt";
import { type SyncEvent, SyncNode } from "@compendium/crdt-sync";
import { MemoryNetwork } from "@compendium/crdt-sync/memory";
import { FileStore } from "@compendium/crdt-sync/store";
import { WsTransport } from "@compendium/crdt-sync/ws";
import { NodeFiles } from "@compendium/runtime/node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "./contract.ts";

const schema = { title: text(), tags: addWinsSet<string>(), stars: pnCounter(), outline: tree() };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "crdt-sync-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ["memory", () => new MemoryNetwork(), "eu"],
  ["WebSocket", () => new WsTransport(), "127.0.0.1:0"],
] as const)("a document lives twice under one name, over %s", async (_, make, address) => {
  const transport = make();
  const events: SyncEvent[] = [];
  const onEvent = (event: SyncEvent): void => void events.push(event);
  const there = new Document("us", schema);
  await using us = new SyncNode({ name: "us", retryMs: 5, retryMsMax: 20, onEvent });
  await us.open("notes", there);
  for (const life of [1, 2, 3]) {
    const store = new FileStore(new NodeFiles(folder));
    await using eu = new SyncNode({ name: "eu", store, rewriteBytes: 500, onEvent });
    const here = new Document("eu", schema);
    await eu.open("notes", here);
    expect(here.view.stars.value).toBe(20 * (life - 1));
    const listener = await eu.listen(transport, address);
    await using _peering = us.connect(transport, listener.address);
    for (let i = 0; i < 20; i++) {
      here.change((d) => {
        d.title.insert(d.title.length, `${life}.${i} `);
        d.tags.add(`life ${life}`);
        if (i === 10) d.tags.delete(`life ${life - 1}`);
        d.stars.increment();
        if (i % 5 === 0) d.outline.add();
      });
      if (i % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    there.change((d) => d.title.insert(0, "!"));
    await until(() => here.digest() === there.digest());
    expect([...there.view.tags]).toEqual([`life ${life}`]);
    await listener.close();
  }
  expect(there.view.title.toString().replaceAll("!", "").trim().split(" ").length).toBe(60);
  expect(events.filter(({ type }) => type === "refused" || type === "diverged")).toEqual([]);
});
