// What each type means by "at the same time", as the README's table says it.
import { describe, expect, test } from "vitest";
import {
  AddWinsMap,
  AddWinsSet,
  BoundedCounter,
  Counter,
  DisableWinsFlag,
  EnableWinsFlag,
  GrowCounter,
  HybridLogicalClock,
  LwwRegister,
  MvRegister,
  RemoveWinsMap,
  RemoveWinsSet,
  TwoPhaseSet,
} from "../../src/index.ts";

const pair = <T extends { join(told: never): boolean; encode(): Uint8Array }>(
  make: (replica: string) => T,
): { eu: T; us: T; meet: () => void } => {
  const [eu, us] = [make("eu"), make("us")];
  const meet = (): void => {
    const bytes = eu.encode();
    eu.join(us.encode() as never);
    us.join(bytes as never);
  };
  return { eu, us, meet };
};

const clock = (): HybridLogicalClock => new HybridLogicalClock({ wallMs: () => 1_000 });

describe("at the same time", () => {
  test("add-wins set: an addition stands against a deletion that has not seen it", () => {
    const { eu, us, meet } = pair((replica) => new AddWinsSet<string>(replica));
    eu.add("x");
    meet();
    us.delete("x");
    eu.add("x");
    meet();
    expect([eu.toJSON(), us.toJSON()]).toEqual([["x"], ["x"]]);
  });

  test("add-wins set: what was deleted leaves nothing behind but the version", () => {
    const set = new AddWinsSet<string>("eu");
    for (let i = 0; i < 1_000; i++) {
      set.add(`element ${i}`);
      set.delete(`element ${i}`);
    }
    expect(set.encode().length).toBeLessThan(24);
  });

  test("remove-wins set: a deletion stands, even of what was not there", () => {
    const { eu, us, meet } = pair((replica) => new RemoveWinsSet<string>(replica));
    us.delete("x");
    eu.add("x");
    meet();
    expect(eu.toJSON()).toEqual([]);
    eu.add("x");
    meet();
    expect(us.toJSON()).toEqual(["x"]);
  });

  test("two-phase set: what was deleted does not come back", () => {
    const set = new TwoPhaseSet<string>("eu");
    set.add("x");
    set.delete("x");
    set.add("x");
    expect(set.has("x")).toBe(false);
  });

  test("flags: enabling wins in one, disabling in the other", () => {
    const enable = pair((replica) => new EnableWinsFlag(replica));
    const disable = pair((replica) => new DisableWinsFlag(replica));
    for (const { eu, us, meet } of [enable, disable]) {
      eu.enable();
      meet();
      eu.enable();
      us.disable();
      meet();
    }
    expect([enable.us.enabled, disable.eu.enabled]).toEqual([true, false]);
  });

  test("multi-value register: both are read, until somebody who has seen both writes", () => {
    const { eu, us, meet } = pair((replica) => new MvRegister<string>(replica));
    eu.set("a");
    us.set("b");
    meet();
    expect(eu.values).toEqual(["a", "b"]);
    us.set("c");
    meet();
    expect([...eu]).toEqual(["c"]);
  });

  test("last-writer-wins register: of equal times, the replica with the greater name", () => {
    const { eu, us, meet } = pair((replica) => new LwwRegister({ replica, clock: clock() }));
    us.set("from us");
    eu.set("from eu");
    meet();
    expect([eu.value, us.value]).toEqual(["from us", "from us"]);
  });

  test("counter: a reset takes away what it has seen, exactly", () => {
    const { eu, us, meet } = pair((replica) => new Counter(replica));
    eu.increment(5);
    meet();
    eu.increment(2);
    us.reset();
    meet();
    expect([eu.value, us.value]).toEqual([2, 2]);
  });

  test("add-wins map: deleting a field keeps the updates that were not seen, and only those", () => {
    const { eu, us, meet } = pair((replica) => new AddWinsMap(replica));
    eu.map("notes").set("tags").add("old");
    eu.map("notes").counter("stars").increment(5);
    meet();
    us.delete("notes", "map");
    eu.map("notes").set("tags").add("new");
    eu.map("notes").counter("stars").increment();
    meet();
    expect(us.toJSON()).toEqual({ notes: { stars: 1, tags: ["new"] } });
    expect(eu.equals(us)).toBe(true);
  });

  test("remove-wins map: deleting a field hides the updates that have not seen it", () => {
    const { eu, us, meet } = pair((replica) => new RemoveWinsMap(replica));
    eu.set("tags").add("old");
    meet();
    us.delete("tags", "set");
    eu.set("tags").add("new");
    meet();
    expect([eu.toJSON(), eu.has("tags")]).toEqual([{}, false]);
    // An update that has seen the deletion begins anew.
    eu.set("tags").add("newest");
    meet();
    expect(us.toJSON()).toEqual({ tags: ["newest"] });
  });

  test("one name with two types is two fields", () => {
    const { eu, us, meet } = pair((replica) => new AddWinsMap(replica));
    eu.set("x").add("member");
    us.counter("x").increment(3);
    meet();
    expect(eu.toJSON()).toEqual({ "x (counter)": 3, "x (add-wins set)": ["member"] });
    expect([...eu].sort()).toEqual([
      ["x", "counter"],
      ["x", "set"],
    ]);
  });

  test("bounded counter: rights are handed on, and no decrement goes without", () => {
    const { eu, us, meet } = pair((replica) => new BoundedCounter({ replica, bound: 100 }));
    eu.increment(3);
    meet();
    expect(us.decrement()).toBeUndefined();
    eu.transfer(2, "us");
    meet();
    expect([us.rights, us.decrement(3), us.decrement(2) === undefined]).toEqual([
      2,
      undefined,
      false,
    ]);
    expect([us.value, us.rights]).toEqual([101, 0]);
  });
});

describe("misuse is refused", () => {
  test("values that cannot be the same everywhere", () => {
    const set = new AddWinsSet("eu");
    expect(() => set.add("\ud800")).toThrow(TypeError);
    expect(() => set.add({} as never)).toThrow(TypeError);
    expect(() => set.add("x".repeat(2 ** 20 + 1))).toThrow(RangeError);
    set.add(-0);
    expect(set.has(0)).toBe(true);
    expect(Object.is(set.toJSON()[0], 0)).toBe(true);
  });

  test("names and amounts", () => {
    for (const name of ["", "two words", "ü", "x".repeat(65)]) {
      expect(() => new GrowCounter(name)).toThrow(RangeError);
    }
    for (const amount of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
      expect(() => new GrowCounter("eu").increment(amount)).toThrow(RangeError);
    }
    const counter = new GrowCounter("eu");
    counter.increment(Number.MAX_SAFE_INTEGER);
    expect(() => counter.increment()).toThrow(RangeError);
    expect(() => new BoundedCounter({ replica: "eu", bound: 0.5 })).toThrow(RangeError);
    expect(() => new BoundedCounter("eu").transfer(1, "eu")).toThrow(RangeError);
  });

  test("a register without a clock, a field asked for the state of its map", () => {
    expect(() => new LwwRegister("eu").set("x")).toThrow(TypeError);
    const map = new AddWinsMap("eu");
    expect(() => (map.set("x") as AddWinsSet).encode()).toThrow(TypeError);
    expect(() => map.delete("x", "gset" as never)).toThrow(RangeError);
  });

  test("maps deeper than the decoder would follow", () => {
    let map = new AddWinsMap("eu");
    const dig = (): void => {
      for (let depth = 0; depth < 40; depth++) map = map.map("deeper") as AddWinsMap;
    };
    expect(dig).toThrow(RangeError);
  });
});
