// Bytes that nobody sent: refused whole, with an error that has a code, and nothing changed.
import { expect, test } from "vitest";
import { ByteWriter } from "../../src/encoding/byte-writer.ts";
import { frame } from "../../src/encoding/frame.ts";
import * as subject from "../../src/index.ts";
import { CrdtError, List, MovableList, Text } from "../../src/index.ts";
import { checkBodies, checkDamage } from "./bytes.ts";

const codeOf = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof CrdtError) return error.code;
    throw error;
  }
  return "taken";
};

test("every flipped bit and every truncation", () => checkDamage(subject));

test("bodies that are wrong, in a frame that is right", () => checkBodies(subject, 20_000));

test("a text or a list is no movable list, and an update is none", () => {
  const [list, text, here] = [new List("ann"), new Text("ann"), new MovableList("bob")];
  list.insert(0, 1);
  text.insert(0, "x");
  here.push(1);
  for (const bytes of [list.encode(), text.encode(), list.flush()!, text.flush()!]) {
    expect(codeOf(() => here.merge(bytes))).toBe("CRDT_KIND");
  }
  expect(codeOf(() => MovableList.load("carl", here.flush()!))).toBe("CRDT_KIND");
  expect(codeOf(() => list.merge(here.encode()))).toBe("CRDT_KIND");
});

// One agent, one run of steps that know nothing: agents | runs | rows | agents | targets | values.
function update(
  steps: number,
  rows: readonly number[],
  rest: readonly number[],
  agent = "ann",
): Uint8Array {
  const writer = new ByteWriter();
  writer.number(1);
  writer.ascii(agent);
  for (const value of [1, 0, 0, steps, 0, ...rows, ...rest]) writer.number(value);
  return frame(0xe4, writer);
}

const [INSERT, MOVE, SET, DELETE, RESTORE] = [0, 1, 2, 3, 4];
const NONE = 0;

test("the door for what follows: steps written by hand are taken if they are right", () => {
  const list = new MovableList("bob");
  list.merge(update(1, [1, INSERT, 0], [NONE, /* null */ 0]));
  expect(list.toArray()).toEqual([null]);
  const both = update(2, [2, INSERT, MOVE, 0, 0], [NONE, 0, 0, 0]);
  const other = new MovableList("bob");
  other.merge(both);
  expect(other.toArray()).toEqual([null]);
});

test.each([
  ["a place outside of all places", update(1, [1, INSERT, 2], [NONE, 0])],
  ["a move of itself", update(1, [1, MOVE, 0], [NONE, 0, 0])],
  ["a move of what is made later", update(2, [2, MOVE, INSERT, 0, 0], [NONE, 0, 2, 0])],
  ["setting a deletion", update(3, [3, INSERT, DELETE, SET, 0], [NONE, 0, 0, 0, 0, 0, 0])],
  ["deleting a move", update(3, [3, INSERT, MOVE, DELETE, 0, 0], [NONE, 0, 0, 0, 0, 0])],
  ["taking back an insertion", update(2, [2, INSERT, RESTORE, 0], [NONE, 0, 0, 0])],
  ["fewer steps than there are operations", update(3, [1, INSERT, 0], [NONE, 0])],
  ["more steps than there are operations", update(1, [1, INSERT + 5, 0], [NONE, 0, 0])],
  ["an agent that is not named", update(2, [2, INSERT, DELETE, 0], [NONE, 1, 0, 0])],
  ["a value that is none", update(1, [1, INSERT, 0], [NONE, 9])],
  ["many steps and no bytes for them", update(2 ** 29, [1, (2 ** 29 - 1) * 5, 0], [NONE])],
])("%s is refused", (_, bytes) => {
  const list = new MovableList("bob");
  list.push("mine");
  const digest = list.digest();
  expect(codeOf(() => list.merge(bytes))).toBe("CRDT_CORRUPT");
  expect([list.digest(), list.stats.pending, list.stats.places]).toEqual([digest, 0, 1]);
});

test("nobody takes back what another has deleted", () => {
  const ann = new MovableList("ann");
  ann.push("a");
  ann.delete(0);
  // bob's first step is to restore ann's second: 1 is ann, and 2 in zigzag is 1.
  const bytes = update(1, [1, RESTORE], [1, 3, ...Buffer.from("ann"), 1, 2], "bob");
  expect(codeOf(() => ann.merge(bytes))).toBe("CRDT_CORRUPT");
  expect(ann.toArray()).toEqual([]);
});

test("a step about what is not known waits for it, whoever names it", () => {
  const ann = new MovableList("ann");
  ann.push("a");
  const here = new MovableList("carl");
  const bytes = update(1, [1, DELETE], [1, 3, ...Buffer.from("ann"), 1, 0], "bob");
  expect(here.merge(bytes)).toEqual({ applied: 0, pending: 1 });
  expect(here.merge(ann.flush()!)).toEqual({ applied: 2, pending: 0 });
  ann.merge(bytes);
  expect(ann.toArray()).toEqual([]);
  expect(here.digest()).toBe(ann.digest());
});

test("what is described is paid for by what was sent", () => {
  const many = new MovableList<null>("ann");
  many.push(...Array.from({ length: 50_000 }, () => null));
  for (let i = 0; i < 1_000; i++) many.move(0, 49_999);
  many.delete(0, 20_000);
  const bytes = many.encode();
  expect(MovableList.load("bob", bytes).digest()).toBe(many.digest());
});
