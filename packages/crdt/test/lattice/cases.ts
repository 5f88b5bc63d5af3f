// Every type but the maps: its updates and its specification.
import { pick as pickOne, type Random } from "@compendium/runtime";
import type * as lattice from "../../src/index.ts";
import type { Action, Case, Subject, Update, Value } from "./case.ts";

const ELEMENTS = ["a", "b", "c", "__proto__"];

const sum = (updates: readonly Update[], amount: (action: Action) => number): number =>
  updates.reduce((total, { action }) => total + amount(action), 0);

const keysOf = (updates: readonly Update[]): string[] =>
  [...new Set(updates.map(({ action }) => action.key ?? ""))].sort();

const amountOf = ({ verb, amount = 0 }: Action): number =>
  verb === "increment" ? amount : -amount;

const latest = (live: readonly Update[]): Action | undefined =>
  live.toSorted((a, b) => a.stamp - b.stamp || (a.replica < b.replica ? -1 : 1)).at(-1)?.action;

const drawKeyed =
  (...verbs: string[]) =>
  (random: Random): Action => ({ verb: pickOne(random, verbs), key: pickOne(random, ELEMENTS) });

const drawAmount =
  (...verbs: string[]) =>
  (random: Random): Action => ({ verb: pickOne(random, verbs), amount: 1 + random.below(5) });

const drawVerb =
  (...verbs: string[]) =>
  (random: Random): Action => ({ verb: pickOne(random, verbs) });

const sameKey = (action: Action, other: Update): boolean => action.key === other.action.key;
const everything = (): boolean => true;
const nothing = (): boolean => false;

/** Calls the verb of that name. */
export function perform(value: object, { verb, key, amount }: Action): lattice.Delta | undefined {
  const method = (value as Record<string, (argument?: unknown) => lattice.Delta | undefined>)[verb];
  return method?.call(value, key ?? amount);
}

type Build = Pick<Case, "draw" | "replaces" | "expected"> & Partial<Case>;

function define(
  name: string,
  of: (subject: Subject) => new (at: lattice.ReplicaOptions) => unknown,
  build: Build,
): Case {
  return {
    name,
    make: (subject, replica, clock) => new (of(subject))({ replica, clock }) as Value,
    act: perform,
    isExact: true,
    ...build,
  };
}

const elementIsMember = (live: readonly Update[], key: string): boolean => {
  const own = live.filter(({ action }) => action.key === key);
  return own.length > 0 && own.every(({ action }) => action.verb === "add");
};

const undisputed = (live: readonly Update[]): string[] =>
  keysOf(live).filter((key) => elementIsMember(live, key));

/** Flags: one with a live enabling and nothing against it. */
const flagIsUp = (live: readonly Update[]): boolean =>
  live.length > 0 && live.every(({ action }) => action.verb === "enable");

/** By name. */
export const cases: readonly Case[] = [
  define("grow-counter", (it) => it.GrowCounter, {
    draw: drawAmount("increment"),
    replaces: nothing,
    expected: (live) => sum(live, amountOf),
    isCumulative: everything,
  }),
  define("pn-counter", (it) => it.PnCounter, {
    draw: drawAmount("increment", "decrement"),
    replaces: nothing,
    expected: (live) => sum(live, amountOf),
    isCumulative: everything,
  }),
  define("bounded-counter", (it) => it.BoundedCounter, {
    draw: (random) => ({ ...drawAmount("increment", "decrement", "transfer")(random) }),
    act: (value, action, replicas) => {
      const counter = value as unknown as lattice.BoundedCounter;
      const { verb, amount = 1 } = action;
      if (verb === "transfer") {
        const to = replicas[(replicas.indexOf(counter.replica) + amount) % replicas.length];
        return to === counter.replica ? undefined : counter.transfer(amount, to as string);
      }
      return perform(counter, action);
    },
    replaces: nothing,
    expected: (live) => sum(live, (it) => (it.verb === "transfer" ? 0 : amountOf(it))),
    isClosed: true,
    invariant: (value) => {
      const counter = value as unknown as lattice.BoundedCounter;
      if (counter.value < counter.bound) throw new Error(`${counter.value} is below the bound`);
    },
  }),
  define("counter", (it) => it.Counter, {
    draw: (random) => {
      return random.below(4) === 0
        ? { verb: "reset" }
        : drawAmount("increment", "decrement")(random);
    },
    replaces: ({ verb }) => verb === "reset",
    expected: (live) => sum(live, amountOf),
    isCumulative: (_, { verb }) => verb !== "reset",
    isExact: false,
  }),
  define("lww-register", (it) => it.LwwRegister, {
    draw: drawKeyed("set"),
    replaces: everything,
    expected: (live) => latest(live)?.key ?? null,
  }),
  define("mv-register", (it) => it.MvRegister, {
    draw: drawKeyed("set"),
    replaces: everything,
    expected: (live) =>
      live
        .toSorted((a, b) =>
          a.replica === b.replica ? a.bit - b.bit : a.replica < b.replica ? -1 : 1,
        )
        .map(({ action }) => action.key),
  }),
  define("enable-wins-flag", (it) => it.EnableWinsFlag, {
    draw: drawVerb("enable", "disable"),
    replaces: everything,
    expected: (live) => live.some(({ action }) => action.verb === "enable"),
  }),
  define("disable-wins-flag", (it) => it.DisableWinsFlag, {
    draw: drawVerb("enable", "disable"),
    replaces: everything,
    expected: flagIsUp,
  }),
  define("grow-set", (it) => it.GrowSet, {
    draw: drawKeyed("add"),
    isEffective: (action, live) => !live.some((it) => sameKey(action, it)),
    replaces: nothing,
    expected: keysOf,
  }),
  define("two-phase-set", (it) => it.TwoPhaseSet, {
    draw: drawKeyed("add", "delete"),
    isEffective: (action, live) =>
      action.verb === "add"
        ? !live.some((it) => sameKey(action, it))
        : elementIsMember(live, action.key ?? ""),
    replaces: (action, other) => action.verb === "delete" && sameKey(action, other),
    expected: undisputed,
  }),
  define("add-wins-set", (it) => it.AddWinsSet, {
    draw: (random) =>
      random.below(12) === 0 ? { verb: "clear" } : drawKeyed("add", "add", "delete")(random),
    replaces: (action, other) => action.verb === "clear" || sameKey(action, other),
    expected: (live) => keysOf(live.filter(({ action }) => action.verb === "add")),
  }),
  define("remove-wins-set", (it) => it.RemoveWinsSet, {
    draw: drawKeyed("add", "add", "delete"),
    replaces: sameKey,
    expected: undisputed,
  }),
];
