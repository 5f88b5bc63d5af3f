// Bytes that nobody sent: refused whole, with an error that has a code, and nothing changed.
import { describe, expect, test } from "vitest";
import * as subject from "../../src/index.ts";
import { CrdtError, List, MovableList, Text } from "../../src/index.ts";
import { byHand } from "./by-hand.ts";
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

describe("steps written by hand", () => {
  test.each(Object.entries(byHand))("%s", (_, check) => check(subject));
});

test("what is described is paid for by what was sent", () => {
  const many = new MovableList<null>("ann");
  many.push(...Array.from({ length: 50_000 }, () => null));
  for (let i = 0; i < 1_000; i++) many.move(0, 49_999);
  many.delete(0, 20_000);
  const bytes = many.encode();
  expect(MovableList.load("bob", bytes).digest()).toBe(many.digest());
});
