// Documents that let go of history: what stays, what is refused, what can still be undone, and how
// changes are recovered. Schedules (world.ts) compact all the time; here is what one can read.
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../src/encoding/byte-writer.ts";
import { frame } from "../../src/encoding/frame.ts";
import {
  addWinsSet,
  CrdtError,
  Document,
  list,
  movableList,
  pnCounter,
  text,
  tree,
} from "../../src/index.ts";

const schema = {
  title: text(),
  notes: list<number>(),
  order: movableList<string>(),
  tags: addWinsSet<string>(),
  stars: pnCounter(),
  outline: tree(),
};
type Doc = Document<typeof schema>;

const codeOf = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof CrdtError) return error.code;
    throw error;
  }
  return "taken";
};

const read = ({ view }: Doc): unknown => [
  `${view.title}`,
  view.notes.toArray(),
  view.order.toArray(),
  view.tags.toJSON(),
  view.stars.value,
  [...view.outline],
];

const sync = (a: Doc, b: Doc): void => {
  a.merge(b.updates(a.version));
  b.merge(a.updates(b.version));
};

/** Two that know the same five changes. */
function pair(): { a: Doc; b: Doc } {
  const a = new Document("a", schema);
  a.change((d) => {
    d.title.insert(0, "Hello world");
    d.notes.insert(0, 1, 2, 3);
    d.order.insert(0, "x", "y");
    d.outline.add();
  });
  a.change((d) => d.tags.add("t"));
  const b = a.fork("b");
  a.change((d) => d.title.insert(5, ","));
  b.change((d) => d.notes.delete(1));
  b.change((d) => d.stars.increment(2));
  sync(a, b);
  return { a, b };
}

describe("a document that was compacted", () => {
  test("reads as before, has the same digest, and goes on", () => {
    const { a, b } = pair();
    const [digest, before] = [a.digest(), read(a)];
    expect([a.compact(b.version), a.compact(b.version)]).toEqual([5, 0]);
    expect([a.digest(), read(a), a.base]).toEqual([digest, before, b.version]);
    expect(a.stats.changes).toBe(0);
    b.change((d) => {
      d.title.delete(0, 1);
      d.title.insert(0, "J");
      d.outline.add([...d.outline][0]);
    });
    a.change((d) => {
      d.title.insert(12, "!");
      d.order.move(0, 1);
      d.outline.delete([...d.outline][0]!);
    });
    b.merge(a.updates()!);
    a.merge(b.updates(a.version));
    expect([a.digest(), `${a.view.title}`]).toEqual([b.digest(), "Jello, world!"]);
  });

  test("keeps what was made concurrently with something that is not stable", () => {
    const { a, b } = pair();
    const stable = b.version;
    b.change((d) => d.title.insert(0, "1"));
    a.change((d) => d.title.insert(0, "2"));
    sync(a, b);
    expect(a.compact(new Map([...a.version, ["b", 2]]))).toBe(5);
    expect(a.base).toEqual(stable);
    expect(a.compact(a.version)).toBe(2);
  });

  test("can be stored, opened, forked and taken whole; without a base it is written as ever", () => {
    const { a, b } = pair();
    expect(a.encode()[1]).toBe(1);
    a.compact(b.version);
    a.change((d) => d.title.delete(0, 7));
    const opened = Document.load("c", schema, a.encode());
    expect([opened.digest(), opened.base]).toEqual([a.digest(), a.base]);
    const events: unknown[] = [];
    const empty = new Document("d", schema);
    empty.subscribe(({ changes }) => events.push(...changes.map((it) => it.container)));
    expect(empty.merge(a.encode()).applied).toBe(6);
    expect([empty.digest(), read(empty)]).toEqual([a.digest(), read(a)]);
    expect(new Set(events)).toEqual(
      new Set(["title", "notes", "order", "tags", "stars", "outline"]),
    );
    empty.change((d) => d.notes.insert(0, 7));
    b.merge(a.updates(b.version));
    for (const each of [a, b, opened]) each.merge(empty.updates(each.version));
    expect([a.digest(), b.digest(), opened.digest()]).toEqual(Array(3).fill(empty.digest()));
  });

  test("shows its past from the base on", () => {
    const { a, b } = pair();
    const middle = new Map(a.version);
    a.compact(b.version);
    a.change((d) => d.title.delete(0, 7));
    expect(`${a.at(middle).title}`).toBe("Hello, world");
    expect(a.diff(middle).get("title")).toMatchObject({ splice: { position: 0, removed: 7 } });
    expect(codeOf(() => a.at(new Map([["a", 1]])))).toBe("CRDT_COMPACTED");
    expect(codeOf(() => a.diff(new Map()))).toBe("CRDT_COMPACTED");
    expect(codeOf(() => a.updates(new Map()))).toBe("CRDT_COMPACTED");
  });

  test("goes back to what is agreed when a change throws", () => {
    const { a, b } = pair();
    a.compact(b.version);
    const digest = a.digest();
    const change = (): void =>
      a.change((d) => {
        d.title.delete(0, 5);
        d.notes.insert(0, 9);
        d.outline.add();
        throw new RangeError("no");
      });
    expect(change).toThrow("no");
    expect(a.digest()).toBe(digest);
  });

  test("undoes what was done above the base, to units of the base too, and nothing below", () => {
    const { a, b } = pair();
    const before = read(a);
    a.compact(b.version);
    expect(a.undo()).toBe(false);
    a.change((d) => {
      d.title.delete(2, 6);
      d.title.insert(2, "y");
      d.notes.delete(0);
      d.outline.delete([...d.outline][0]!);
    });
    b.merge(a.updates()!);
    b.change((d) => d.title.insert(0, "> "));
    a.merge(b.updates()!);
    expect(`${a.view.title}`).toBe("> Heyorld");
    expect([a.undo(), a.redo(), a.undo()]).toEqual([true, true, true]);
    b.merge(a.updates()!);
    expect(`${a.view.title}`).toBe("> Hello, world");
    expect((read(a) as unknown[]).slice(1)).toEqual((before as unknown[]).slice(1));
    expect(b.digest()).toBe(a.digest());
  });

  test("does not send what everybody has", () => {
    const { a, b } = pair();
    a.updates();
    a.change((d) => d.title.insert(0, "1"));
    b.merge(a.updates(b.version));
    a.compact(b.version);
    expect(a.updates()).toBeUndefined();
    a.change((d) => d.title.insert(0, "2"));
    expect(b.merge(a.updates()!)).toMatchObject({ applied: 1, pending: 0 });
    expect(b.digest()).toBe(a.digest());
  });
});

describe("one who lacks a part of the base", () => {
  function parted(): { a: Doc; late: Doc } {
    const { a, b } = pair();
    const late = a.fork("late");
    late.change((d) => {
      d.title.insert(5, " there");
      d.notes.delete(0);
      d.tags.add("mine");
    });
    a.change((d) => d.title.insert(0, "> "));
    b.merge(a.updates(b.version));
    a.compact(b.version);
    return { a, late };
  }

  test("is refused both ways, and nothing changes", () => {
    const { a, late } = parted();
    const digests = [a.digest(), late.digest()];
    expect(codeOf(() => a.merge(late.updates()!))).toBe("CRDT_COMPACTED");
    expect(codeOf(() => a.merge(late.encode()))).toBe("CRDT_COMPACTED");
    expect(codeOf(() => late.merge(a.encode()))).toBe("CRDT_COMPACTED");
    expect([a.digest(), late.digest(), a.pending]).toEqual([...digests, 0]);
  });

  test("recovers its changes under a new name", () => {
    const { a, late } = parted();
    const again = late.rebaseOnto("late-2", a.encode(), (d, mine) => {
      for (const tag of mine.tags.toJSON()) d.tags.add(tag as string);
    });
    expect(`${again.view.title}`).toBe("> Hello there, world");
    expect([again.view.notes.toArray(), again.view.tags.toJSON()]).toEqual([[3], ["mine", "t"]]);
    a.merge(again.updates()!);
    expect(a.digest()).toBe(again.digest());
    again.undo();
    expect(`${again.view.title}`).toBe("> Hello, world");
    expect(() => late.rebaseOnto("a", a.encode())).toThrow(RangeError);
  });
});

test("an update with whole containers in it, which might take the place of others, is refused", () => {
  const { a, b } = pair();
  const whole = a.encode();
  let from = 3;
  while (whole[from]! >= 128) from++;
  const writer = new ByteWriter();
  writer.bytes(whole.subarray(from + 1, -4));
  const forged = frame(0xd0, writer);
  const empty = new Document("c", schema);
  const digest = empty.digest();
  expect(codeOf(() => empty.merge(forged))).toBe("CRDT_CORRUPT");
  expect(empty.digest()).toBe(digest);
  expect(b.merge(forged).applied).toBe(0);
});

test("every flipped bit and every truncation of it, and of updates to it, is refused", () => {
  const { a, b } = pair();
  const c = a.fork("c");
  const late = new Document("d", schema);
  late.change((d) => d.title.insert(0, "mine"));
  b.change((d) => d.title.insert(0, "!"));
  a.compact(c.version);
  a.change((d) => d.notes.delete(0));
  const refused = (replica: Doc, bytes: Uint8Array): void => {
    const digest = replica.digest();
    expect(codeOf(() => replica.merge(bytes))).not.toBe("taken");
    expect(replica.digest()).toBe(digest);
  };
  for (const bytes of [a.encode(), b.updates(a.version)]) {
    for (let length = 0; length < bytes.length; length++) refused(a, bytes.slice(0, length));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      refused(bit % 2 === 0 ? a : late, flipped);
      expect(codeOf(() => Document.load("e", schema, flipped))).not.toBe("taken");
    }
  }
});
