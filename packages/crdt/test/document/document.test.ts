// What a document promises, one sentence at a time.
import { describe, expect, test } from "vitest";
import {
  addWinsMap,
  addWinsSet,
  CrdtError,
  Document,
  enableWinsFlag,
  HybridLogicalClock,
  list,
  lwwRegister,
  mvRegister,
  pnCounter,
  schemaDigest,
  text,
  tree,
} from "../../src/index.ts";

const schema = {
  title: text(),
  tags: addWinsSet<string>(),
  stars: pnCounter(),
  notes: list<string>(),
  outline: tree(),
  meta: addWinsMap(),
  status: mvRegister<string>(),
  owner: lwwRegister<string>(),
  open: enableWinsFlag(),
};

function documentOf(agent: string): Document<typeof schema> {
  return new Document(agent, schema, { clock: new HybridLogicalClock({ wallMs: () => 1_000 }) });
}

function sync(...all: readonly Document<typeof schema>[]): void {
  for (let round = 0; round < 2; round++) {
    for (const from of all) for (const to of all) to.merge(from.updates(to.version));
  }
}

const codeOf = (call: () => unknown): string | undefined => {
  try {
    call();
  } catch (error) {
    if (error instanceof CrdtError) return error.code;
    throw error;
  }
  return undefined;
};

describe("a change", () => {
  test("is one dot, whatever it writes, and its update is read elsewhere as one", () => {
    const [a, b] = [documentOf("a"), documentOf("b")];
    a.change((d) => {
      d.title.insert(0, "hi");
      d.tags.add("raft");
      d.stars.increment(3);
      d.notes.insert(0, "x", "y");
      d.outline.add();
      d.meta.register("author").set("ada");
    });
    expect(a.version).toEqual(new Map([["a", 1]]));
    const bytes = a.updates()!;
    expect(a.updates()).toBeUndefined();
    expect(b.merge(bytes)).toEqual({ applied: 1, pending: 0, conflicts: [] });
    expect(b.merge(bytes)).toEqual({ applied: 0, pending: 0, conflicts: [] });
    expect(b.digest()).toBe(a.digest());
    expect(`${b.view.title}`).toBe("hi");
    expect(b.view.notes.toArray()).toEqual(["x", "y"]);
    expect(b.view.meta.toJSON()).toEqual({ author: "ada" });
  });

  test("that throws half-way leaves nothing behind, in any container", () => {
    const a = documentOf("a");
    const write = (d: Parameters<Parameters<typeof a.change>[0]>[0]): void => {
      d.title.insert(0, "one");
      d.tags.add("kept");
      d.tags.delete("gone");
      d.notes.insert(0, "n");
      d.outline.add();
      d.stars.increment();
      d.meta.counter("c").increment();
    };
    a.change((d) => d.tags.add("gone"));
    a.change(write);
    const [digest, version] = [a.digest(), a.version];
    const events: unknown[] = [];
    using _ = a.subscribe((event) => events.push(event));
    expect(() =>
      a.change((d) => {
        write(d);
        d.tags.delete("kept");
        d.outline.delete(d.outline.children()[0]!);
        throw new Error("no");
      }),
    ).toThrow("no");
    expect([a.digest(), a.version]).toEqual([digest, version]);
    expect(events).toEqual([]);
    a.change((d) => d.title.insert(0, "!"));
    expect(`${a.view.title}`).toBe("!one");
    const b = documentOf("b");
    b.merge(a.updates()!);
    expect(b.digest()).toBe(a.digest());
  });

  test("is the only place to write, and cannot wait", () => {
    const a = documentOf("a");
    let door: { insert(position: number, value: string): void } | undefined;
    a.change((d) => {
      door = d.title;
    });
    expect(() => door!.insert(0, "late")).toThrow(TypeError);
    expect(() => a.change((async () => {}) as never)).toThrow(TypeError);
    expect(() => a.change(() => a.change(() => {}))).toThrow(TypeError);
    expect(() => a.change(() => a.merge(new Uint8Array()))).toThrow(TypeError);
    expect(a.version.size).toBe(0);
  });

  test("waits with everything in it for what it depends on", () => {
    const [a, b, c] = [documentOf("a"), documentOf("b"), documentOf("c")];
    a.change((d) => d.title.insert(0, "question"));
    const question = a.updates()!;
    b.merge(question);
    b.change((d) => {
      d.tags.add("answered");
      d.stars.increment();
    });
    const answer = b.updates()!;
    expect(c.merge(answer)).toEqual({ applied: 0, pending: 1, conflicts: [] });
    expect([c.view.tags.size, c.view.stars.value]).toEqual([0, 0]);
    expect(c.merge(question)).toEqual({ applied: 2, pending: 0, conflicts: [] });
    expect(c.digest()).toBe(b.digest());
  });
});

describe("what merges report", () => {
  test("several values, lost writes, and what was kept though it was removed", () => {
    const [a, b] = [documentOf("a"), documentOf("b")];
    a.change((d) => {
      d.tags.add("x");
      d.meta.register("k").set("old");
    });
    sync(a, b);
    a.updates();
    a.change((d) => {
      d.status.set("draft");
      d.owner.set("ada");
      d.tags.delete("x");
      d.meta.delete("k", "register");
    });
    b.change((d) => {
      d.status.set("final");
      d.owner.set("bob");
      d.tags.add("x");
      d.meta.register("k").set("new");
    });
    const { conflicts } = b.merge(a.updates()!);
    expect(conflicts).toEqual([
      { container: "meta", path: ["k"], kind: "kept" },
      { container: "owner", path: [], kind: "overwritten" },
      { container: "status", path: [], kind: "several-values" },
      { container: "tags", path: ["x"], kind: "kept" },
    ]);
    expect(b.view.tags.has("x")).toBe(true);
    // Resolved by whoever has seen both.
    b.change((d) => d.status.set("final"));
    expect(a.merge(b.updates(a.version)).conflicts).toEqual([
      { container: "owner", path: [], kind: "overwritten" },
    ]);
  });

  test("nothing, when nobody was concurrent", () => {
    const [a, b] = [documentOf("a"), documentOf("b")];
    for (const word of ["one", "two", "three"]) {
      a.change((d) => {
        d.tags.add("x");
        d.tags.delete("x");
        d.tags.add("x");
        d.status.set(word);
        d.owner.set(word);
        d.meta.register("k").set(word);
        d.meta.delete("k", "register");
      });
      expect(b.merge(a.updates(b.version)).conflicts).toEqual([]);
      expect(b.digest()).toBe(a.digest());
      b.change((d) => d.status.set(`${word}!`));
      expect(a.merge(b.updates(a.version)).conflicts).toEqual([]);
    }
  });
});

describe("the past", () => {
  test("is there for texts, lists and trees, and for no other", () => {
    const a = documentOf("a");
    a.change((d) => {
      d.title.insert(0, "one 🙂");
      d.notes.insert(0, "x");
      d.tags.add("t");
    });
    const then = a.version;
    a.change((d) => {
      d.title.delete(4, 2);
      d.title.insert(4, "🙃");
      d.notes.insert(1, "y");
      d.outline.add();
    });
    const past = a.at(then);
    expect(Object.keys(past)).toEqual(["notes", "outline", "title"]);
    expect([`${past.title}`, past.notes.toArray()]).toEqual(["one 🙂", ["x"]]);
    expect(() => a.at(new Map([["a", 3]]))).toThrow(RangeError);
    const splice = (position: number, removed: number, inserted: unknown): unknown => {
      return { type: "splice", splice: { position, removed, inserted } };
    };
    const diff = a.diff(then);
    expect(diff.get("title")).toEqual(splice(4, 2, "🙃"));
    expect(diff.get("notes")).toEqual(splice(1, 0, ["y"]));
    expect(diff.get("outline")).toEqual({
      type: "moves",
      moves: [{ node: "1@a", before: undefined, after: "root" }],
    });
    expect(a.diff(a.version, then).get("notes")).toEqual(splice(1, 1, []));
    expect(a.diff(then, then).size).toBe(0);
  });

  test("goes on in a fork and in a document that was stored", () => {
    const a = documentOf("a");
    a.change((d) => d.title.insert(0, "hi"));
    a.change((d) => d.tags.add("t"));
    const b = a.fork("b");
    expect(b.digest()).toBe(a.digest());
    expect(b.updates()).toBeUndefined();
    const c = Document.load("c", schema, a.encode());
    c.change((d) => d.title.insert(2, "!"));
    b.change((d) => d.title.insert(0, "> "));
    sync(a, b);
    b.merge(c.encode());
    a.merge(c.updates()!);
    expect(`${a.view.title}`).toBe("> hi!");
    expect(b.digest()).toBe(a.digest());
    expect(`${a.at(new Map([["a", 1]])).title}`).toBe("hi");
  });
});

test("anchors name a place in a text at every replica", () => {
  const [a, b] = [documentOf("a"), documentOf("b")];
  a.change((d) => d.title.insert(0, "hello"));
  const anchor = a.view.title.anchorAt(4);
  sync(a, b);
  b.change((d) => d.title.insert(0, "> "));
  expect(b.view.title.positionOf(anchor)).toBe(6);
});

test("events come once for each change or merge, and tell all of it", () => {
  const [a, b] = [documentOf("a"), documentOf("b")];
  const events: unknown[] = [];
  const subscription = b.subscribe((event) => events.push(event));
  a.change((d) => {
    d.title.insert(0, "hi");
    d.notes.insert(0, "n");
    d.tags.add("t");
    d.outline.add();
  });
  const expected = [
    { container: "notes", change: { position: 0, removed: 0, inserted: ["n"] } },
    { container: "title", change: { position: 0, removed: 0, inserted: "hi" } },
    { container: "outline", change: { node: "1@a", before: undefined, after: "root" } },
    { container: "tags", change: { path: ["t"], before: false, after: true } },
  ];
  b.merge(a.updates()!);
  expect(events).toEqual([{ origin: "elsewhere", changes: expected, conflicts: [] }]);
  b.change((d) => d.title.delete(0, 1));
  expect(events[1]).toEqual({
    origin: "here",
    changes: [{ container: "title", change: { position: 0, removed: 1, inserted: "" } }],
    conflicts: [],
  });
  subscription[Symbol.dispose]();
  b.change((d) => d.tags.delete("t"));
  expect(events.length).toBe(2);
});

test("the digest of a schema tells names and types apart, and not their order", () => {
  const one = schemaDigest({ title: text(), tags: addWinsSet() });
  expect(schemaDigest({ tags: addWinsSet(), title: text() })).toBe(one);
  expect(schemaDigest({ title: text(), tags: list() })).not.toBe(one);
  expect(schemaDigest({ title: text(), tag: addWinsSet() })).not.toBe(one);
});

test("onChange tells of each change and merge that did something, and describes nothing", () => {
  const [a, b] = [documentOf("a"), documentOf("b")];
  let told = 0;
  const subscription = b.onChange(() => told++);
  a.change((d) => d.title.insert(0, "hi"));
  const update = a.updates()!;
  b.merge(update);
  b.merge(update);
  expect(told).toBe(1);
  b.change((d) => d.title.insert(0, "hi"));
  b.change(() => {});
  b.undo();
  expect(told).toBe(3);
  subscription[Symbol.dispose]();
  b.change((d) => d.title.insert(0, "hi"));
  expect(told).toBe(3);
});

test("stats: what waits, how many changes there are, and the bytes of what keeps a history", () => {
  const [a, b] = [documentOf("a"), documentOf("b")];
  const empty = a.stats;
  expect(empty).toMatchObject({ pending: 0, changes: 0 });
  a.change((d) => d.title.insert(0, "x".repeat(10_000)));
  a.updates();
  a.change((d) => d.tags.add("later"));
  expect(a.stats).toMatchObject({ pending: 0, changes: 2 });
  expect(a.stats.bytes - empty.bytes).toBeGreaterThan(10_000);
  b.merge(a.updates()!);
  expect(b.stats).toMatchObject({ pending: 1, changes: 0 });
});

test("what comes back under the own name, from an earlier life, is not sent again", () => {
  const [a, b] = [documentOf("a"), documentOf("b")];
  a.change((d) => d.title.insert(0, "hi"));
  b.merge(a.updates()!);
  const reborn = documentOf("a");
  reborn.merge(b.encode());
  expect(reborn.updates()).toBe(undefined);
  reborn.change((d) => d.title.insert(2, "!"));
  expect(b.merge(reborn.updates()!)).toMatchObject({ applied: 1, pending: 0 });
  expect(`${b.view.title}`).toBe("hi!");
});

test("a container that the schema lacks, or has as another type, is refused by its name", () => {
  const a = documentOf("a");
  a.change((d) => d.title.insert(0, "hi"));
  const bytes = a.updates()!;
  const without = new Document("b", { tags: addWinsSet() });
  expect(codeOf(() => without.merge(bytes))).toBe("CRDT_KIND");
  expect(() => without.merge(bytes)).toThrow('"title"');
  const other = new Document("c", { title: list() });
  expect(() => other.merge(bytes)).toThrow('"title"');
  expect(codeOf(() => Document.load("d", { tags: addWinsSet() }, a.encode()))).toBe("CRDT_KIND");
  // What both have in common is shared.
  a.change((d) => d.tags.add("t"));
  const part = new Document("e", { tags: addWinsSet(), title: text() });
  expect(part.merge(a.updates(new Map())).applied).toBe(2);
});
