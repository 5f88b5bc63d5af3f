// What schedules meet too seldom, each in a few lines. A trap throws when the package falls into
// it.
import assert from "node:assert/strict";
import type * as crdt from "../../src/index.ts";
import type { Package } from "./world.ts";

function pair(it: Package) {
  const schema = { title: it.text(), tags: it.addWinsSet<string>(), stars: it.pnCounter() };
  const make = (agent: string) => new it.Document(agent, schema);
  const [a, b] = [make("a"), make("b")];
  const sync = (): void => {
    a.merge(b.updates(a.version));
    b.merge(a.updates(b.version));
  };
  return { a, b, c: make("c"), sync };
}

/** By what they show. */
export const traps: Readonly<Record<string, (it: Package) => void>> = {
  "what waits is applied when it can be": (it) => {
    const { a, b } = pair(it);
    a.change((d) => d.title.insert(0, "x"));
    const first = a.updates()!;
    a.change((d) => d.tags.add("t"));
    assert.equal(b.merge(a.updates()!).pending, 1);
    assert.equal(b.merge(first).applied, 2);
  },
  "undoing a deletion leaves out what another deleted too": (it) => {
    const { a, b, sync } = pair(it);
    a.change((d) => d.title.insert(0, "abc"));
    sync();
    a.change((d) => d.title.delete(0, 2));
    b.change((d) => d.title.delete(1, 2));
    sync();
    a.undo();
    assert.equal(`${a.view.title}`, "a");
  },
  "undoing a removal leaves out what another removed too": (it) => {
    const { a, b, sync } = pair(it);
    a.change((d) => d.tags.add("x"));
    sync();
    a.change((d) => d.tags.delete("x"));
    b.change((d) => d.tags.delete("x"));
    sync();
    a.undo();
    assert.equal(a.view.tags.has("x"), false);
  },
  "undoing an addition leaves what another added": (it) => {
    const { a, b, sync } = pair(it);
    a.change((d) => d.tags.add("x"));
    b.change((d) => d.tags.add("x"));
    sync();
    a.undo();
    assert.equal(a.view.tags.has("x"), true);
  },
  "undoing twice takes back what was written anew": (it) => {
    const { a } = pair(it);
    a.change((d) => d.tags.add("x"));
    a.change((d) => d.tags.delete("x"));
    a.undo();
    assert.equal(a.view.tags.has("x"), true);
    a.undo();
    assert.equal(a.view.tags.has("x"), false);
  },
  "all that a change wrote to one container is sent": (it) => {
    const { a, b } = pair(it);
    a.change((d) => {
      d.tags.add("x");
      d.tags.add("y");
    });
    b.merge(a.updates()!);
    assert.deepEqual(b.view.tags.toJSON(), ["x", "y"]);
  },
  "what is let go is let go everywhere, and what is left goes on": (it) => {
    const { a, b, c, sync } = pair(it);
    a.change((d) => d.title.insert(0, "abc"));
    sync();
    b.change((d) => d.title.insert(3, "d"));
    b.change((d) => d.stars.increment());
    sync();
    assert.equal(a.compact(b.version), 3);
    assert.equal((a.view.title as crdt.Text).base.size, 2);
    assert.equal(a.undo(), false);
    a.change((d) => d.title.insert(0, "-"));
    c.merge(a.encode());
    c.change((d) => d.title.delete(0, 2));
    b.merge(a.updates()!);
    b.merge(c.updates()!);
    a.merge(c.updates(a.version));
    assert.equal(`${a.view.title}`, "bcd");
    assert.deepEqual([b.digest(), c.digest()], [a.digest(), a.digest()]);
    assert.equal(it.Document.load("d", a.schema, a.encode()).digest(), a.digest());
  },
};
