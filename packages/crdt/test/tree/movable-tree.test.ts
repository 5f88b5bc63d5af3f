import { SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as subject from "../../src/index.ts";
import { fullPosition, positionBetween } from "../../src/tree/position.ts";
import { checkManyMoves } from "./many-moves.ts";

const { MovableTree } = subject;

describe("Kleppmann et al. 2021", () => {
  test("§2.1: of two moves of one node to different places the later one stands, at both", () => {
    const [eu, us] = [new MovableTree("eu"), new MovableTree("us")];
    const [a, b, c] = [eu.add(), eu.add(), eu.add()].map(({ node }) => node) as [
      string,
      string,
      string,
    ];
    us.join(eu.state());
    eu.move(a, b);
    us.move(a, c);
    eu.join(us.state());
    us.join(eu.state());
    expect([eu.parent(a), us.parent(a)]).toEqual([c, c]);
  });

  test("§2.2: of two moves that would make a cycle the later one has no effect", () => {
    const [eu, us] = [new MovableTree("eu"), new MovableTree("us")];
    const [a, b] = [eu.add(), eu.add()].map(({ node }) => node) as [string, string];
    us.join(eu.state());
    eu.move(a, b);
    us.move(b, a);
    eu.join(us.state());
    us.join(eu.state());
    expect([eu.parent(a), eu.parent(b)]).toEqual([b, "root"]);
    expect(us.equals(eu)).toBe(true);
  });

  test("theorem: 20,000 moves apart, no cycle, no lost node, and the tree of the paper", () => {
    checkManyMoves(subject, 1, 20_000);
  });
});

describe("order", () => {
  test("a node is put where it is asked for", () => {
    const random = new SeededRandom(3);
    const tree = new MovableTree("eu");
    const model: string[] = [];
    for (let i = 0; i < 2_000; i++) {
      const at = random.below(model.length + 1);
      if (i % 3 > 0 || model.length === 0) {
        model.splice(at, 0, tree.add("root", at).node as string);
      } else {
        const [node] = model.splice(random.below(model.length), 1) as [string];
        const to = Math.min(at, model.length);
        tree.move(node, "root", to);
        model.splice(to, 0, node);
      }
    }
    expect(tree.children()).toEqual(model);
  });

  test("there is always room: before, after and between any two", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 80 }), (choices) => {
        const list: string[] = [];
        for (const [i, choice] of choices.entries()) {
          const at = choice % (list.length + 1);
          const position = positionBetween(list[at - 1], list[at]);
          const replica = ["a", "ab", "b"][i % 3] as string;
          const made = fullPosition(position, replica, 1 + i);
          expect(at === 0 || (list[at - 1] as string) < made).toBe(true);
          expect(at === list.length || made < (list[at] as string)).toBe(true);
          list.splice(at, 0, made);
        }
      }),
    );
  });

  test("two nodes that came to the same gap still have room between them", () => {
    const [eu, us] = [new MovableTree("eu"), new MovableTree("us")];
    eu.add();
    us.add();
    eu.join(us.state());
    const [first, second] = eu.children() as [string, string];
    const { node } = eu.add("root", 1);
    expect(eu.children()).toEqual([first, node, second]);
  });

  test("100,000 children at the end cost four digits each", () => {
    let position = fullPosition(positionBetween(undefined, undefined), "eu", 1);
    let longest = 0;
    for (let i = 0; i < 100_000; i++) {
      const next = positionBetween(position, undefined);
      longest = Math.max(longest, next.length);
      position = fullPosition(next, "eu", i + 2);
    }
    expect(longest).toBeLessThanOrEqual(4);
  });
});

describe("compaction", () => {
  const grown = (): { eu: subject.MovableTree; us: subject.MovableTree } => {
    const [eu, us] = [new MovableTree("eu"), new MovableTree("us")];
    for (let i = 0; i < 50; i++) {
      const { node } = eu.add();
      eu.move(node as string, "root", 0);
      eu.move(node as string);
    }
    us.join(eu.state());
    return { eu, us };
  };

  test("keeps the tree and its digest, and what it needs of the log", () => {
    const { eu, us } = grown();
    const before = eu.digest();
    eu.compact(us.version);
    expect([eu.digest(), eu.logLength]).toEqual([before, 50]);
    const copy = new MovableTree("ap");
    copy.join(eu.encode());
    expect([copy.digest(), copy.toJSON()]).toEqual([before, eu.toJSON()]);
    expect(eu.encode().length).toBeLessThan(us.encode().length / 2);
  });

  test("a move that belongs below is refused with a typed error, and the whole state helps", () => {
    const { eu, us } = grown();
    const late = new MovableTree("late");
    const told = late.add();
    eu.compact(us.version);
    const digest = eu.digest();
    const refused = expect.objectContaining({ code: "CRDT_COMPACTED" });
    expect(() => eu.join(told)).toThrow(refused);
    expect(eu.digest()).toBe(digest);
    // Nor can the late one take the base: its own move belongs below it.
    expect(() => late.join(eu.state())).toThrow(refused);
    expect(late.children()).toHaveLength(1);
    const fresh = new MovableTree("fresh");
    fresh.join(eu.since(fresh.version));
    expect(fresh.equals(eu)).toBe(true);
  });

  test("moves on top of what another has compacted are kept", () => {
    const { eu, us } = grown();
    const [behind, other] = [new MovableTree("behind"), new MovableTree("other")];
    behind.join(eu.state());
    // It lacks one move of what is compacted; its own is later than all of that.
    eu.compact(us.version);
    const early = eu.add();
    us.join(early);
    behind.join(eu.state());
    other.join(eu.state());
    const own = behind.add().node as string;
    eu.compact(us.version);
    other.join(eu.state());
    other.join(behind.state());
    expect(other.has(own)).toBe(true);
    eu.join(behind.state());
    expect(other.equals(eu)).toBe(true);
  });

  test("a base that covers more takes the place of the log, and own later moves stay", () => {
    const [eu, us] = [new MovableTree("eu"), new MovableTree("us")];
    const first = eu.add();
    us.join(first);
    const second = eu.add();
    eu.compact(eu.version);
    for (let i = 0; i < 3; i++) us.add();
    const heard: subject.TreeChange[] = [];
    us.subscribe((changes) => heard.push(...changes));
    // The own moves of times 2 to 4 are later than the base, which ends at time 2 with eu's.
    us.join(eu.state());
    expect(us.children()).toHaveLength(5);
    expect(heard).toEqual([{ node: second.node, before: undefined, after: "root" }]);
  });
});

describe("use", () => {
  test("a deleted node takes what is below it along; moved out, it is back", () => {
    const tree = new MovableTree("eu");
    const top = tree.add().node as string;
    const below = tree.add(top).node as string;
    tree.delete(top);
    expect([tree.has(top), tree.has(below), tree.toJSON()]).toEqual([false, false, []]);
    expect(() => tree.move(below)).toThrow(RangeError);
    expect(() => tree.delete(top)).toThrow(RangeError);
    expect(() => tree.add(top)).toThrow(RangeError);
    expect(() => tree.add("root", 1)).toThrow(RangeError);
  });

  test("a node is not moved below itself", () => {
    const tree = new MovableTree("eu");
    const top = tree.add().node as string;
    const below = tree.add(top).node as string;
    expect(() => tree.move(top, below)).toThrow(RangeError);
    expect(tree.toJSON()).toEqual([{ node: top, children: [{ node: below, children: [] }] }]);
    expect([...tree]).toEqual([top, below]);
  });

  test("a listener hears where a node was, and is", () => {
    const [eu, us] = [new MovableTree("eu"), new MovableTree("us")];
    const heard: subject.TreeChange[] = [];
    const listening = us.subscribe((changes) => heard.push(...changes));
    const node = eu.add().node as string;
    us.join(eu.state());
    us.delete(node);
    listening[Symbol.dispose]();
    us.add();
    expect(heard).toEqual([
      { node, before: undefined, after: "root" },
      { node, before: "root", after: "trash" },
    ]);
  });
});
