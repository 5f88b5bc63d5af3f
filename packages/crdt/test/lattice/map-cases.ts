// The maps: their fields hold some of the other types, and a map within the map.
import { pick as pickOne, type Random } from "@compendium/runtime";
import type * as lattice from "../../src/index.ts";
import type { Action, Case, Update, Value } from "./case.ts";
import { cases, perform } from "./cases.ts";

interface FieldType {
  readonly opens: lattice.FieldKind;
  readonly of: string;
  readonly name: string;
  readonly shown: string;
}

// Two types share a name: that is two fields.
const types: readonly FieldType[] = [
  { opens: "counter", of: "counter", name: "stars", shown: "counter" },
  { opens: "set", of: "add-wins-set", name: "tags", shown: "add-wins set" },
  { opens: "removeWinsSet", of: "remove-wins-set", name: "tags", shown: "remove-wins set" },
  { opens: "values", of: "mv-register", name: "__proto__", shown: "multi-value register" },
  { opens: "register", of: "lww-register", name: "title", shown: "last-writer-wins register" },
  { opens: "flag", of: "enable-wins-flag", name: "done", shown: "enable-wins flag" },
];

const typeOf = (key: string | undefined): FieldType =>
  types.find(({ opens }) => opens === key) as FieldType;
const caseOf = (key: string | undefined): Case =>
  cases.find(({ name }) => name === typeOf(key).of) as Case;

const sameField = (a: Action, b: Action): boolean => a.key === b.key;

// An update of a field, as the type of the field knows it.
function innerOf(updates: readonly Update[], key: string | undefined): Update[] {
  return updates
    .filter(({ action }) => action.key === key && action.inner !== undefined)
    .map((it) => ({ ...it, action: it.action.inner as Action }));
}

const isMarked = (live: readonly Update[], action: Action): boolean =>
  live.some((it) => sameField(it.action, action) && it.action.verb === "delete");

const drawField = (random: Random): Action => drawOf(random, types);

function drawOf(random: Random, from: readonly FieldType[]): Action {
  const { opens } = pickOne(random, from);
  if (random.below(4) === 0) return { verb: "delete", key: opens };
  return { verb: "update", key: opens, inner: caseOf(opens).draw(random) };
}

// Called without an update of the inside to compare with, a field's own type is asked.
function replacesInside(action: Action, other: Update, live: readonly Update[]): boolean {
  const [inner] = innerOf([other], action.key);
  const own = action.inner as Action;
  return inner !== undefined && caseOf(action.key).replaces(own, inner, innerOf(live, action.key));
}

function view(live: readonly Update[]): unknown {
  const fields = types.flatMap((type) => {
    const inner = innerOf(live, type.opens);
    if (isMarked(live, { verb: "", key: type.opens }) || !isPresent(type, inner)) return [];
    return [{ type, value: caseOf(type.opens).expected(inner) }];
  });
  return Object.fromEntries(
    fields.map(({ type, value }) => {
      const isShared = fields.some((it) => it.type !== type && it.type.name === type.name);
      return [isShared ? `${type.name} (${type.shown})` : type.name, value];
    }),
  );
}

function isPresent(type: FieldType, inner: readonly Update[]): boolean {
  const value = caseOf(type.opens).expected(inner);
  if (type.opens === "counter") return inner.some(({ action }) => action.verb !== "reset");
  return Array.isArray(value) ? value.length > 0 : value !== null && value !== false;
}

function actOn(map: lattice.ReplicatedMap, action: Action): lattice.Delta | undefined {
  const { opens, name } = typeOf(action.key);
  if (action.verb === "delete") return map.delete(name, opens);
  return perform(map[opens](name), action.inner as Action);
}

/** How a map within the map is reached. */
const INNER = "inner";

const isCumulative = (earlier: Action, action: Action): boolean =>
  sameField(earlier, action) &&
  action.key === "counter" &&
  action.inner !== undefined &&
  action.inner.verb !== "reset";

const addWins: Case = {
  name: "add-wins-map",
  make: (subject, replica, clock) => new subject.AddWinsMap({ replica, clock }) as unknown as Value,
  draw: drawField,
  act: (value, action) => actOn(value as unknown as lattice.ReplicatedMap, action),
  replaces: (action, other, live) =>
    sameField(action, other.action) &&
    (action.verb === "delete" || replacesInside(action, other, live)),
  // A deletion leaves nothing behind.
  expected: (live) => view(live.filter(({ action }) => action.verb !== "delete")),
  isCumulative,
  isExact: false,
};

const removeWins: Case = {
  ...addWins,
  name: "remove-wins-map",
  make: (subject, replica, clock) =>
    new subject.RemoveWinsMap({ replica, clock }) as unknown as Value,
  replaces: (action, other, live) =>
    sameField(action, other.action) &&
    (action.verb === "delete" || isMarked(live, action) || replacesInside(action, other, live)),
  isHidden: (other, live) => isMarked(live, other.action),
  expected: view,
  // An account tells of all earlier increments, but not of a mark that one of them took away.
  isCausal: true,
};

/** In any order, the other types are still right. */
const removeWinsUnordered: Case = {
  ...removeWins,
  name: "remove-wins-map-unordered",
  draw: (random) =>
    drawOf(
      random,
      types.filter(({ opens }) => opens !== "counter"),
    ),
  isCausal: false,
  compacts: false,
};

/** A map in a map: the outer one's field is deleted as a whole, now and then. */
const nested: Case = {
  ...addWins,
  name: "nested-map",
  draw: (random) =>
    random.below(8) === 0
      ? { verb: "drop", key: INNER }
      : { verb: "within", key: INNER, inner: drawField(random) },
  act: (value, action) => {
    const map = value as unknown as lattice.AddWinsMap;
    if (action.verb === "drop") return map.delete(INNER, "map");
    return actOn(map.map(INNER) as lattice.ReplicatedMap, action.inner as Action);
  },
  replaces: (action, other, live) => {
    const [inner] = innerOf([other], INNER);
    if (action.verb === "drop" || inner === undefined) return true;
    return addWins.replaces(action.inner as Action, inner, innerOf(live, INNER));
  },
  expected: (live) => {
    const inner = addWins.expected(innerOf(live, INNER)) as object;
    return Object.keys(inner).length === 0 ? {} : { [INNER]: inner };
  },
  isCumulative: (earlier, action) =>
    earlier.inner !== undefined &&
    action.inner !== undefined &&
    isCumulative(earlier.inner, action.inner),
};

/** The maps. */
export const mapCases: readonly Case[] = [addWins, removeWins, removeWinsUnordered, nested];
