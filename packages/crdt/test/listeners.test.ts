// What listeners may do while they are told: edit, throw, and go.
import { expect, test } from "vitest";
import {
  AddWinsSet,
  Document,
  MovableList,
  type SequenceSplice,
  Text,
  text,
} from "../src/index.ts";
import { Listeners } from "../src/listeners.ts";

test("events are heard in the order in which they happened, also by those who cause some", () => {
  const listeners = new Listeners<number>();
  const heard: string[] = [];
  listeners.add((it) => {
    heard.push(`first ${it}`);
    if (it < 3) listeners.tell(it + 1);
  });
  listeners.add((it) => heard.push(`second ${it}`));
  listeners.tell(1);
  expect(heard).toEqual(["first 1", "second 1", "first 2", "second 2", "first 3", "second 3"]);
});

test("a function that is added twice hears twice, and each has its own end", () => {
  const listeners = new Listeners<number>();
  const heard: number[] = [];
  const hear = (it: number): void => void heard.push(it);
  const listening = listeners.add(hear);
  listeners.add(hear);
  listeners.tell(1);
  listening[Symbol.dispose]();
  listeners.tell(2);
  expect([heard, listeners.size]).toEqual([[1, 1, 2], 1]);
});

test("what a listener writes while it is told of a merge is sent", () => {
  const [ann, bob] = [new Document("ann", { it: text() }), new Document("bob", { it: text() })];
  const subscription = bob.subscribe(() => {
    subscription[Symbol.dispose]();
    bob.change((d) => d.it.insert(d.it.length, "!"));
  });
  ann.change((d) => d.it.insert(0, "hi"));
  expect(bob.merge(ann.updates()!)).toMatchObject({ applied: 1 });
  ann.merge(bob.updates()!);
  expect(`${ann.view.it}`).toBe("hi!");
});

test("a copy is kept up with events while another listener edits", () => {
  const [ann, bob] = [new Document("ann", { it: text() }), new Document("bob", { it: text() })];
  let copy = "";
  bob.subscribe(() => {
    if (bob.view.it.length < 4) bob.change((d) => d.it.insert(0, "x"));
  });
  bob.subscribe(({ changes }) => {
    for (const { change } of changes) {
      const { position, removed, inserted } = change as SequenceSplice;
      copy = copy.slice(0, position) + inserted + copy.slice(position + removed);
    }
  });
  ann.change((d) => d.it.insert(0, "ab"));
  bob.merge(ann.updates()!);
  expect([`${bob.view.it}`, copy]).toEqual(["xxab", "xxab"]);
});

test("what a listener throws is nobody else's affair, and is an uncaught exception", async () => {
  const uncaught: unknown[] = [];
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => uncaught.push(error.message));
  const throwing = (name: string) => () => {
    throw new Error(name);
  };
  let told = 0;
  const document = new Document("ann", { it: text() });
  document.subscribe(throwing("document"));
  document.onChange(() => told++);
  document.change((d) => d.it.insert(0, "hi"));
  const [one, other] = [new Text("ann"), new Text("bob")];
  one.subscribe(throwing("text"));
  one.onChange(() => told++);
  other.insert(0, "hi");
  expect(one.merge(other.flush()!)).toEqual({ applied: 2, pending: 0 });
  const list = new MovableList<string>("ann");
  list.subscribe(throwing("list"));
  list.onChange(() => told++);
  list.push("hi");
  const tags = new AddWinsSet<string>("ann");
  tags.subscribe(throwing("set"));
  tags.subscribe(() => told++);
  tags.add("hi");
  await new Promise(setImmediate);
  process.removeAllListeners("uncaughtException");
  for (const each of before) process.on("uncaughtException", each);
  expect(uncaught).toEqual(["document", "text", "list", "set"]);
  expect([told, `${document.view.it}`, `${one}`, list.get(0)]).toEqual([4, "hi", "hi", "hi"]);
});
