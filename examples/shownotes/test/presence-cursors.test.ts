import { Text } from "@compendium/crdt";
import { ManualClock } from "@compendium/runtime";
import { expect, test } from "vitest";
import { CURSORS_MAX, RegionCursors, readCursors } from "../src/presence-cursors.ts";

const START = { end: "start" } as const;

function make() {
  const clock = new ManualClock();
  const told: unknown[] = [];
  const tell = (state: unknown) => void told.push(state);
  return {
    clock,
    told,
    cursors: new RegionCursors({ region: "eu", clock, cursorMs: 1_000, tell }),
  };
}

test("a cursor lives for its time, and longer where it is renewed", () => {
  const { clock, told, cursors } = make();
  cursors.put("ada", START);
  clock.advance(600);
  cursors.put("bob", START);
  clock.advance(300);
  cursors.put("ada", START);
  clock.advance(699);
  expect(told.at(-1)).toMatchObject({ cursors: { ada: START, bob: START } });
  clock.advance(1);
  expect(told.at(-1)).toEqual({ region: "eu", cursors: { ada: START } });
  clock.advance(300);
  expect(told.at(-1)).toBe(undefined);
  expect(cursors.size).toBe(0);
  expect(clock.pendingTimers).toBe(0);
});

test("who leaves is gone at once, and the others are not", () => {
  const { clock, told, cursors } = make();
  cursors.put("ada", START);
  cursors.put("bob", START);
  cursors.remove("ada");
  cursors.remove("nobody");
  expect(told).toHaveLength(3);
  expect(told.at(-1)).toEqual({ region: "eu", cursors: { bob: START } });
  cursors[Symbol.dispose]();
  expect(clock.pendingTimers).toBe(0);
});

test("there are no more than fit into one presence; those who are there may move", () => {
  const { cursors } = make();
  for (let n = 0; n < CURSORS_MAX; n++) expect(cursors.put(`p${n}`, START)).toBe(true);
  expect(cursors.put("one-more", START)).toBe(false);
  expect(cursors.put("p0", { end: "end" })).toBe(true);
});

test("as many as there may be, with the longest names there are, are few enough bytes", async () => {
  const { told, cursors } = make();
  const notes = new Text("r".repeat(64));
  notes.insert(0, "x".repeat(50_000));
  for (let n = 0; n < CURSORS_MAX; n++) {
    cursors.put(`${n}`.padStart(64, "p"), notes.anchorAt(49_999));
  }
  const { PRESENCE_BYTES_MAX } = await import("../src/presence-cursors.ts");
  expect(JSON.stringify(told.at(-1)).length).toBeLessThan(PRESENCE_BYTES_MAX);
});

test("cursors stay where they are while others write before them", () => {
  const notes = new Text("eu");
  notes.insert(0, "hello");
  const state = { region: "us", cursors: { bob: notes.anchorAt(5), ada: notes.anchorAt(1) } };
  notes.insert(0, "oh, ");
  expect(readCursors([{ session: "s", state }], notes)).toEqual([
    { person: "ada", region: "us", at: 5 },
    { person: "bob", region: "us", at: 9 },
  ]);
});

test("what another region tells need not be cursors", () => {
  const notes = new Text("eu");
  notes.insert(0, "hello");
  const states = [
    ...[undefined, null, 5, "eu", [], {}, { region: "eu" }, { region: "eu", cursors: null }],
    { region: "e u", cursors: { ada: START } },
    { region: { length: 2 }, cursors: { ada: START } },
    { region: "us", cursors: { "a b": START, __proto__: null } },
    { region: "us", cursors: { ada: null, bob: 5, cy: {}, di: { end: "middle" } } },
    { region: "us", cursors: { ada: { agent: "eu", seq: -1, side: "before" } } },
    { region: "us", cursors: { ada: { agent: "eu", seq: 0.5, side: "before" } } },
    { region: "us", cursors: { ada: { agent: "eu", seq: 0, side: "within" } } },
    { region: "us", cursors: { ada: { agent: "nobody", seq: 0, side: "before" } } },
    { region: "us", cursors: { ada: { agent: "eu", seq: 2 ** 53 - 1, side: "after" } } },
  ];
  const presences = states.map((state) => ({ session: "s", state }));
  expect(readCursors(presences, notes)).toEqual([]);
  expect(
    readCursors([{ session: "s", state: { region: "us", cursors: { ada: START } } }], notes),
  ).toEqual([{ person: "ada", region: "us", at: 0 }]);
});
