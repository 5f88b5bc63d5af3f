import { AddWinsSet, Text } from "@compendium/crdt";
import { type Journal, type Store, SyncNode } from "@compendium/crdt-sync";
import { expect, test } from "vitest";

// A disk whose syncs end when the test says so.
class SlowStore implements Store {
  readonly syncs: PromiseWithResolvers<void>[] = [];

  async open(): Promise<Journal> {
    const write = () => {
      const sync = Promise.withResolvers<void>();
      this.syncs.push(sync);
      return sync.promise;
    };
    const close = async () => {};
    return {
      found: [],
      bytes: 0,
      append: write,
      replace: write,
      close,
      [Symbol.asyncDispose]: close,
    };
  }
}

const settled = async (promise: Promise<void>): Promise<boolean> => {
  const later = new Promise<false>((resolve) => setImmediate(() => resolve(false)));
  return Promise.race([promise.then(() => true as const), later]);
};

test("durable settles when what was known when it was asked is on disk, not before", async () => {
  const store = new SlowStore();
  const node = new SyncNode({ name: "eu", store });
  const text = new Text("eu");
  const notes = await node.open("notes", text);
  notes.change(() => text.insert(0, "a"));
  const first = notes.durable();
  notes.change(() => text.insert(1, "b"));
  const second = notes.durable();
  expect(await settled(first)).toBe(false);
  store.syncs[0]?.resolve();
  expect(await settled(first)).toBe(true);
  expect(await settled(second)).toBe(false);
  store.syncs[1]?.resolve();
  expect(await settled(second)).toBe(true);
  expect(await settled(notes.durable())).toBe(true);
  await node.close();
});

test("durable rejects when the disk fails, and from then on", async () => {
  const store = new SlowStore();
  const node = new SyncNode({ name: "eu", store });
  const tags = new AddWinsSet("eu");
  const handle = await node.open("tags", tags);
  tags.add("crdt");
  const durable = handle.durable();
  store.syncs[0]?.reject(new Error("no space left"));
  await expect(durable).rejects.toMatchObject({ code: "SYNC_STORE" });
  await expect(handle.durable()).rejects.toMatchObject({ code: "SYNC_STORE" });
});

test("without a store there is nothing to wait for", async () => {
  await using node = new SyncNode({ name: "eu" });
  const tags = new AddWinsSet("eu");
  const handle = await node.open("tags", tags);
  tags.add("crdt");
  expect(await settled(handle.durable())).toBe(true);
});
