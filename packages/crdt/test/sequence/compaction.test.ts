// History that is let go: what stays as it was, what is refused, and how edits are recovered.
// Schedules (schedule.ts) compact all the time; here is what one can read.
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../src/encoding/byte-writer.ts";
import { frame } from "../../src/encoding/frame.ts";
import { CrdtError, List, Text } from "../../src/index.ts";
import { generator } from "../generator.ts";

const codeOf = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof CrdtError) return error.code;
    throw error;
  }
  return "taken";
};

/** Two that know the same: "Hello, world", with a history of two and a deletion. */
function pair(): { ann: Text; bob: Text } {
  const ann = new Text("ann");
  ann.insert(0, "Hello world!");
  const bob = ann.fork("bob");
  bob.insert(5, ",");
  ann.delete(11, 1);
  ann.merge(bob.encodeSince(ann.version));
  bob.merge(ann.encodeSince(bob.version));
  return { ann, bob };
}

describe("what is let go", () => {
  test("everything, once every replica has everything", () => {
    const { ann, bob } = pair();
    const digest = ann.digest();
    expect(ann.compact(bob.version)).toBe(14);
    expect(ann.compact(bob.version)).toBe(0);
    expect([ann.toString(), ann.digest(), ann.version]).toEqual([
      "Hello, world",
      digest,
      bob.version,
    ]);
    expect(ann.base).toEqual(bob.version);
    expect(bob.base.size).toBe(0);
  });

  test("nothing of which something that is known here and not stable was made without", () => {
    const { ann, bob } = pair();
    const stable = ann.version;
    // Carl has all that is stable but what Ann does next, and she does not descend from him.
    const carl = ann.fork("carl");
    carl.insert(0, "1");
    ann.insert(0, "2");
    const both = new Map([...ann.version, ["carl", 1]]);
    ann.merge(carl.encodeSince(ann.version));
    ann.insert(0, "3");
    expect(ann.compact(new Map([...stable, ["carl", 1]]))).toBe(14);
    expect(ann.base).toEqual(stable);
    expect(ann.compact(both)).toBe(2);
    expect(ann.base).toEqual(both);
    bob.merge(ann.encode());
    expect(bob.digest()).toBe(ann.digest());
  });

  test("not what one replica lacks", () => {
    const { ann } = pair();
    expect(ann.compact(new Map())).toBe(0);
    expect(ann.compact(new Map([["ann", 5]]))).toBe(5);
    expect(ann.at(new Map([["ann", 8]])).toString()).toBe("Hello wo");
    expect(codeOf(() => ann.at(new Map([["ann", 4]])))).toBe("CRDT_COMPACTED");
    expect(ann.at(new Map([["ann", 5]])).toString()).toBe("Hello");
  });

  test("memory: a long history leaves the text and the names of its units", () => {
    const text = new Text("ann");
    const below = generator(1);
    for (let i = 0; i < 20_000; i++) {
      if (text.length > 1_000) text.delete(below(text.length - 10), 5);
      else text.insert(below(text.length + 1), "abcdef");
    }
    const before = text.stats.bytes;
    text.compact(text.version);
    expect(text.stats.bytes).toBeLessThan(before / 5);
  });
});

describe("after it", () => {
  test("editing, merging and looking back go on as before", () => {
    const { ann, bob } = pair();
    ann.compact(bob.version);
    bob.insert(0, "> ");
    ann.delete(5, 1);
    const then = ann.version;
    ann.insert(5, "😀");
    ann.merge(bob.flush()!);
    bob.merge(ann.encodeSince(bob.version));
    expect([ann.toString(), bob.digest()]).toEqual(["> Hello😀 world", ann.digest()]);
    expect(ann.at(then).toString()).toBe("Hello world");
  });

  test("edits that were not sent yet are sent, if they were not let go", () => {
    const { ann, bob } = pair();
    const stable = bob.version;
    ann.flush();
    ann.insert(0, "¡");
    ann.compact(stable);
    bob.merge(ann.flush()!);
    expect(bob.toString()).toBe("¡Hello, world");
    ann.insert(0, "!");
    ann.compact(ann.version);
    expect(ann.flush()).toBeUndefined();
  });

  test("anchors to what is there hold; to what was gone, they are unknown", () => {
    const { ann, bob } = pair();
    const comma = ann.anchorAt(5);
    const bang = new Text("carl");
    bang.merge(bob.encodeSince(new Map()));
    const gone = { agent: "ann", seq: 11, side: "before" } as const;
    expect(ann.positionOf(gone)).toBe(12);
    ann.compact(bob.version);
    expect([ann.positionOf(comma), ann.positionOf(gone)]).toEqual([5, undefined]);
    expect(ann.anchorAt(5)).toEqual(comma);
    ann.insert(0, "> ");
    expect(ann.positionOf(comma)).toBe(7);
    ann.delete(7, 1);
    expect(ann.positionOf(comma)).toBe(7);
    const again = Text.load("dora", ann.encode({ deleted: "drop" }));
    expect(again.positionOf(comma)).toBe(7);
    again.compact(again.version);
    expect(again.positionOf(comma)).toBeUndefined();
  });

  test("a document is saved and opened with its base; without one it is written as ever", () => {
    const { ann, bob } = pair();
    expect(ann.encode()[1]).toBe(1);
    ann.compact(bob.version);
    ann.delete(0, 5);
    ann.insert(0, "Bye");
    expect(ann.encode()[1]).toBe(2);
    const opened = Text.load("carl", ann.encode());
    expect([opened.digest(), opened.base]).toEqual([ann.digest(), ann.base]);
    expect(opened.encode()).toEqual(ann.encode());
    expect(opened.at(bob.version).toString()).toBe("Hello, world");
    expect(Text.load("dora", ann.encode({ deleted: "drop" })).digest()).toBe(ann.digest());
  });

  test("updates from before are passed over, and mixed ones taken as far as they are new", () => {
    const { ann, bob } = pair();
    ann.compact(bob.version);
    bob.insert(0, "> ");
    expect(ann.merge(bob.encodeSince(new Map())).applied).toBe(2);
    expect(ann.merge(bob.encodeSince(new Map([["ann", 3]]))).applied).toBe(0);
    expect(ann.merge(bob.encode()).applied).toBe(0);
    expect(ann.digest()).toBe(bob.digest());
  });
});

describe("one who lacks a part of the base", () => {
  test("is told so, and takes the whole document if it has nothing else", () => {
    const { ann, bob } = pair();
    ann.compact(bob.version);
    const late = new Text("carl");
    late.merge(bob.encodeSince(new Map()).slice());
    const newcomer = new Text("dora");
    expect(codeOf(() => ann.encodeSince(newcomer.version))).toBe("CRDT_COMPACTED");
    const heard: unknown[] = [];
    newcomer.subscribe((splices) => heard.push(...splices));
    expect(newcomer.merge(ann.encode())).toEqual({ applied: 14, pending: 0 });
    expect(heard).toEqual([{ position: 0, removed: 0, inserted: "Hello, world" }]);
    expect(newcomer.digest()).toBe(ann.digest());
    newcomer.insert(0, "> ");
    ann.merge(newcomer.flush()!);
    expect(ann.toString()).toBe("> Hello, world");
  });

  test("takes it too if it has a part of what that has, its own unsent edits included", () => {
    const { ann, bob } = pair();
    const carl = ann.fork("carl");
    carl.insert(5, "o");
    ann.merge(carl.encodeSince(ann.version));
    bob.merge(ann.encodeSince(bob.version));
    bob.insert(0, ">");
    ann.merge(bob.encodeSince(ann.version));
    const stable = new Map(ann.version);
    stable.delete("carl");
    ann.compact(bob.version);
    const heard: unknown[] = [];
    carl.subscribe((splices) => heard.push(...splices));
    expect(carl.merge(ann.encode()).applied).toBe(1);
    expect(heard).toEqual([{ position: 0, removed: 0, inserted: ">" }]);
    expect([carl.digest(), carl.flush()]).toEqual([ann.digest(), undefined]);
  });

  test("is refused with what it made, both ways, and nothing changes", () => {
    const { ann, bob } = pair();
    const carl = ann.fork("carl");
    carl.insert(5, " there");
    ann.insert(0, "> ");
    bob.merge(ann.encodeSince(bob.version));
    ann.compact(bob.version);
    const [before, own] = [ann.digest(), carl.digest()];
    const update = carl.flush()!;
    expect(codeOf(() => ann.merge(update))).toBe("CRDT_COMPACTED");
    expect(() => ann.merge(update)).toThrow(/carl:0 was made without all of ann:14/);
    expect(codeOf(() => ann.merge(carl.encode()))).toBe("CRDT_COMPACTED");
    expect(codeOf(() => carl.merge(ann.encode()))).toBe("CRDT_COMPACTED");
    expect([ann.digest(), carl.digest(), ann.stats.pending]).toEqual([before, own, 0]);
  });

  test("recovers what it wrote, under a new name", () => {
    const { ann, bob } = pair();
    const carl = ann.fork("carl");
    carl.insert(5, " there");
    carl.delete(13, 5);
    carl.insert(13, "Carl 😀");
    ann.insert(0, "> ");
    ann.delete(7, 1);
    bob.merge(ann.encodeSince(bob.version));
    ann.compact(bob.version);
    expect(carl.toString()).toBe("Hello there, Carl 😀");
    const again = carl.rebaseOnto("carl-2", ann.encode());
    expect(again.toString()).toBe("> Hello there Carl 😀");
    for (const each of [ann, bob]) each.merge(again.encodeSince(each.version));
    expect([ann.digest(), bob.digest()]).toEqual([again.digest(), again.digest()]);
    expect(() => carl.rebaseOnto("ann", ann.encode())).toThrow(RangeError);
  });

  test("does not bring back what others will bring back themselves", () => {
    const { ann, bob } = pair();
    const [carl, dora] = [ann.fork("carl"), ann.fork("dora")];
    carl.insert(0, "C");
    dora.insert(0, "D");
    carl.merge(dora.encodeSince(carl.version));
    ann.insert(12, ".");
    ann.compact(ann.version);
    const [first, second] = [
      carl.rebaseOnto("c2", ann.encode()),
      dora.rebaseOnto("d2", ann.encode()),
    ];
    expect([first.toString(), second.toString()]).toEqual(["CHello, world.", "DHello, world."]);
    expect(carl.rebaseOnto("c3", ann.encode(), ["carl", "dora"]).toString()).toHaveLength(15);
    expect(bob.toString()).toBe("Hello, world");
  });
});

test("a list is compacted and recovered alike", () => {
  const ann = new List<number>("ann");
  ann.insert(0, 1, 2, 3, 4);
  const bob = ann.fork("bob");
  bob.delete(0);
  bob.insert(3, 5);
  ann.delete(1);
  ann.compact(ann.version);
  expect(codeOf(() => bob.merge(ann.encode()))).toBe("CRDT_COMPACTED");
  const again = bob.rebaseOnto("bob-2", ann.encode());
  expect(again.toArray()).toEqual([3, 4, 5]);
  ann.merge(again.encodeSince(ann.version));
  expect(ann.digest()).toBe(again.digest());
  expect(
    List.load("carl", ann.encode())
      .at(new Map([["ann", 5]]))
      .toArray(),
  ).toEqual([1, 3, 4]);
});

test("recovery: what the author wrote and saw is there afterwards, and nothing comes twice", () => {
  for (let seed = 0; seed < 300; seed++) {
    const below = generator(seed);
    let unit = 0x4e00;
    const edit = (text: Text): void => {
      for (let left = 1 + below(12); left > 0; left--) {
        if (text.length > 2 && below(3) === 0) text.delete(below(text.length - 1), 1 + below(2));
        else text.insert(below(text.length + 1), String.fromCharCode(unit++, unit++));
      }
    };
    const ann = new Text("ann");
    edit(ann);
    const late = ann.fork("late");
    const common = new Set(ann.toString());
    edit(late);
    edit(ann);
    ann.compact(ann.version);
    edit(ann);
    const again = late.rebaseOnto("late-2", ann.encode());
    const [mine, theirs, both] = [late, ann, again].map((text) => [...text.toString()]);
    const known = (units: readonly string[], other: readonly string[]): string[] =>
      units.filter((each) => !common.has(each) || other.includes(each));
    expect(new Set(both)).toEqual(new Set([...known(mine!, theirs!), ...known(theirs!, mine!)]));
    expect(new Set(both).size).toBe(both!.length);
    expect(both!.filter((each) => theirs!.includes(each))).toEqual(known(theirs!, mine!));
    ann.merge(again.encodeSince(ann.version));
    expect(ann.digest()).toBe(again.digest());
  }
});

test("a base that says nothing, or names what is not there, is refused", () => {
  const write = (fields: readonly number[]): Uint8Array => {
    const writer = new ByteWriter();
    for (const field of fields) writer.byte(field);
    return frame(0xe1, writer, 2);
  };
  const [empty, state] = [
    [0, 0],
    [1, 1, 120],
  ];
  const rest = [0, 0, 0, 0, 0, 0, 0];
  const named = [1, 1, 97, 2];
  const bases: readonly (readonly number[])[] = [
    [...empty, 0, 0, 0, ...rest],
    [...empty, ...named, 0, 0, ...rest],
    [...empty, ...named, 1, 0, 2, 0, ...rest],
    [...empty, 1, 1, 97, 0, 1, 0, 0, 0, ...rest],
    [...state, ...named, 1, 0, 0, 1, 0, 4, 1, ...rest],
    [...state, ...named, 1, 0, 0, 2, 0, 0, 0, 0, 1, 1, ...rest],
    [...state, ...named, 1, 0, 0, 1, 0, 0, 0, ...rest],
  ];
  for (const fields of bases) {
    expect(codeOf(() => Text.load("bob", write(fields)).version)).toBe("CRDT_CORRUPT");
  }
  const right = [...state, ...named, 1, 0, 0, 1, 0, 0, 1, ...rest];
  expect(Text.load("bob", write(right)).version).toEqual(new Map([["a", 2]]));
});
