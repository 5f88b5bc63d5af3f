// A log is opened once at a time, and into what is empty: anything else would give one number to
// two operations.
import { Text } from "@compendium/crdt";
import { type Journal, type Store, SyncNode } from "@compendium/crdt-sync";
import { expect, test } from "vitest";

// A store in memory, whose journals take a turn to open and to close, and complain of a second.
class TurnStore implements Store {
  readonly opened: Set<string> = new Set();
  readonly records: Map<string, Uint8Array[]> = new Map();

  async open(document: string): Promise<Journal> {
    if (this.opened.has(document)) throw new Error(`${document} is open twice`);
    this.opened.add(document);
    await new Promise(setImmediate);
    const records = this.records.get(document) ?? [];
    this.records.set(document, records);
    const close = async () => {
      await new Promise(setImmediate);
      if (!this.opened.delete(document)) throw new Error(`${document} is closed twice`);
    };
    return {
      found: [...records],
      bytes: 0,
      append: async (record) => void records.push(record),
      replace: async (record) => void records.splice(0, records.length, record),
      close,
      [Symbol.asyncDispose]: close,
    };
  }
}

test("a document that is being closed is opened again when its log is closed", async () => {
  const store = new TurnStore();
  await using node = new SyncNode({ name: "eu", store });
  const text = new Text("eu");
  const handle = await node.open("notes", text);
  handle.change(() => text.insert(0, "a"));
  const closing = handle.close();
  const again = new Text("eu");
  const reopened = await node.open("notes", again);
  await closing;
  reopened.change(() => again.insert(1, "b"));
  await reopened.durable();
  expect([again.toString(), store.records.get("notes")?.length]).toEqual(["ab", 2]);
  void reopened.close(); // the node waits for it
});

test("what is edited while its log is being opened is refused, and the log is closed", async () => {
  const store = new TurnStore();
  await using node = new SyncNode({ name: "eu", store });
  const text = new Text("eu");
  const opening = node.open("notes", text);
  text.insert(0, "too early");
  await expect(opening).rejects.toThrow("must be empty");
  await node.open("notes", new Text("eu"));
});

test("a node that is closed meanwhile opens nothing, and leaves no log open", async () => {
  const store = new TurnStore();
  const node = new SyncNode({ name: "eu", store });
  const opening = node.open("notes", new Text("eu"));
  await node.close();
  await expect(opening).rejects.toThrow("closed");
  expect(store.opened.size).toBe(0);
});

test("a log that cannot be merged is closed", async () => {
  const store = new TurnStore();
  store.records.set("notes", [new Uint8Array(3)]);
  await using node = new SyncNode({ name: "eu", store });
  await expect(node.open("notes", new Text("eu"))).rejects.toThrow("cannot be merged");
  expect(store.opened.size).toBe(0);
});

test("one list of members may serve all nodes, of which there are 65 at most", async () => {
  await using node = new SyncNode({ name: "eu", members: ["eu", "us", "us"] });
  expect(node.stats().members).toBe(1);
  const members = Array.from({ length: 65 }, (_, i) => `node-${i}`);
  expect(() => new SyncNode({ name: "eu", members })).toThrow("at most 64");
});
