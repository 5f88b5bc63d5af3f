// Of what was done here: what is sent, and who is told.
import { expect, test } from "vitest";
import { List, Text } from "../../src/index.ts";
import { generator } from "../generator.ts";

test("flush gives what was edited here since the last call, whatever came in between", () => {
  for (let seed = 0; seed < 200; seed++) {
    const below = generator(seed);
    const texts = ["ann", "bob", "carol"].map((name) => new Text(name));
    const sent: Uint8Array[] = [];
    const heard = texts.map(() => 0);
    const flush = (text: Text): void => void sent.push(...[text.flush() ?? []].flat());
    for (let step = 0; step < 60; step++) {
      const one = below(3);
      const text = texts[one]!;
      const at = below(text.length + 1);
      if (below(3) > 0) text.insert(at, "abc".slice(below(3)));
      else text.delete(at, Math.min(2, text.length - at));
      if (below(3) === 0) flush(text);
      // Between two flushes as well: own operations are no longer in one run then.
      if (below(2) === 0 && heard[one]! < sent.length) text.merge(sent[heard[one]!++]!);
    }
    for (const text of texts) {
      flush(text);
      expect(text.flush()).toBe(undefined);
    }
    for (const text of texts) for (const update of sent) text.merge(update);
    const digests = new Set(texts.map((text) => text.digest()));
    expect([digests.size, ...texts.map(({ stats }) => stats.pending)]).toEqual([1, 0, 0, 0]);
  }
});

test("what comes back under the own name, from an earlier life, is not sent again", () => {
  const ann = new Text("ann");
  ann.insert(0, "one");
  const reborn = new Text("ann");
  reborn.merge(ann.encode());
  expect(reborn.flush()).toBe(undefined);
  reborn.insert(3, "!");
  expect(ann.merge(reborn.flush()!)).toEqual({ applied: 1, pending: 0 });
});

test.each([
  ["text", () => new Text("ann"), (it: Text | List) => (it as Text).insert(0, "ab")],
  ["list", () => new List("ann"), (it: Text | List) => (it as List).insert(0, 1, 2)],
] as const)("a %s tells of each edit and each merge that brought something", (_, make, insert) => {
  const [here, there] = [make(), make().fork("bob")];
  let [told, toldAlso] = [0, 0];
  const subscription = here.onChange(() => {
    told++;
    // What it tells of has been done.
    expect(here.length).toBe([0, 2, 1, 3][told]);
  });
  const another = here.onChange(() => toldAlso++);
  insert(here);
  here.delete(0, 1);
  here.delete(0, 0);
  expect(told).toBe(2);
  insert(there);
  const update = there.flush()!;
  here.merge(update);
  here.merge(update);
  expect([told, toldAlso]).toEqual([3, 3]);
  subscription[Symbol.dispose]();
  insert(here);
  expect([told, toldAlso]).toEqual([3, 4]);
  another[Symbol.dispose]();
  insert(here);
  expect(toldAlso).toBe(4);
});
