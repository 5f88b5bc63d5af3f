// What is done to a replica is found by its node, without being told.
import { AddWinsSet, Document, List, MovableList, Text, text } from "@compendium/crdt";
import { type Replicated, replicated, SyncNode } from "@compendium/crdt-sync";
import { expect, test } from "vitest";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

// A replica that counts how often it is asked for its version.
function counted(replica: Replicated): {
  readonly replica: Replicated;
  readonly asked: () => number;
} {
  let asked = 0;
  const version = replica.version.bind(replica);
  replica.version = () => {
    asked++;
    return version();
  };
  return { replica, asked: () => asked };
}

test.each([
  ["text", new Text("eu"), (it: Text, i: number) => it.insert(i, "x")],
  ["list", new List("eu"), (it: List, i: number) => it.insert(i, i)],
  ["movable list", new MovableList("eu"), (it: MovableList, i: number) => it.insert(i, i)],
  ["set", new AddWinsSet<number>("eu"), (it: AddWinsSet<number>, i: number) => it.add(i)],
  [
    "document",
    new Document("eu", { title: text() }),
    (it: Document<{ title: ReturnType<typeof text> }>, i: number) =>
      it.change((d) => d.title.insert(i, "x")),
  ],
] as const)("a thousand edits of a %s in one turn are looked at once", async (_, value, edit) => {
  await using node = new SyncNode({ name: "eu" });
  const { replica, asked } = counted(replicated(value));
  const handle = await node.open("notes", replica);
  const before = asked();
  for (let i = 0; i < 1_000; i++) (edit as (it: unknown, i: number) => void)(value, i);
  expect(asked()).toBe(before);
  await turn();
  expect(asked() - before).toBe(1);
  expect(handle.stats().operations).toBe(1_000);
  await handle.close();
  const closed = asked();
  (edit as (it: unknown, i: number) => void)(value, 1_000);
  await turn();
  expect(asked()).toBe(closed);
});
