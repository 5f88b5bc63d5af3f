// Every type on the one core: its name, its number in bytes, the shape of its store, and how that
// is read. The numbers are part of the format, and never change.
import { type Dots, each } from "./dot.ts";
import type { Kind } from "./kind.ts";
import { type RightsRow, rightsFormat } from "./kinds/bounded.ts";
import { type Elements, elementsKind, isUndisputed } from "./kinds/elements.ts";
import { type Fields, fieldsKind } from "./kinds/fields.ts";
import { lastWrite, leafKind, nothing, scalar, stamped, yesOrNo } from "./kinds/leaf.ts";
import { type Accounts, resettableKind } from "./kinds/resettable.ts";
import { type Row, type Rows, rowsKind, sumOf } from "./kinds/rows.ts";

/** A row that counts up. */
export interface UpRow extends Row {
  readonly up: number;
}

/** A row that counts both ways. */
export interface UpDownRow extends UpRow {
  readonly down: number;
}

export const growCounter: Kind<Rows<UpRow>> = rowsKind("grow-only counter", 1, {
  view: (rows) => sumOf(rows, ({ up }) => up),
  write: ({ up }, to) => to.number(up),
  read: (from, last) => ({ last, up: from.number() }),
});

export const pnCounter: Kind<Rows<UpDownRow>> = rowsKind("PN-counter", 2, {
  view: (rows) => sumOf(rows, ({ up, down }) => up - down),
  write: ({ up, down }, to) => {
    to.number(up);
    to.number(down);
  },
  read: (from, last) => ({ last, up: from.number(), down: from.number() }),
});

export const boundedCounter: Kind<Rows<RightsRow>> = rowsKind("bounded counter", 3, rightsFormat);

export const counter: Kind<Accounts> = resettableKind("counter", 4);

export const lwwRegister: Kind<Dots> = leafKind("last-writer-wins register", 5, stamped, (dots) => {
  return lastWrite(dots)?.value ?? null;
});

export const mvRegister: Kind<Dots> = leafKind("multi-value register", 6, scalar, (dots) =>
  [...each(dots)].map(({ value }) => value),
);

export const enableWinsFlag: Kind<Dots> = leafKind(
  "enable-wins flag",
  7,
  nothing,
  (dots) => dots !== undefined,
);

export const disableWinsFlag: Kind<Dots> = leafKind("disable-wins flag", 8, yesOrNo, isUndisputed);

const isThere = (dots: Dots): boolean => dots !== undefined;

export const growSet: Kind<Elements> = elementsKind("grow-only set", 9, nothing, isThere);

export const twoPhaseSet: Kind<Elements> = {
  ...elementsKind("two-phase set", 10, yesOrNo, isUndisputed),
  // Here no is for ever: a second life would need to know that everybody knows of the first one.
  compact: () => undefined,
};

export const addWinsSet: Kind<Elements> = elementsKind("add-wins set", 11, nothing, isThere);

export const removeWinsSet: Kind<Elements> = elementsKind(
  "remove-wins set",
  12,
  yesOrNo,
  isUndisputed,
);

export const addWinsMap: Kind<Fields> = fieldsKind("add-wins map", 13, (tag) => nested.get(tag));

export const removeWinsMap: Kind<Fields> = fieldsKind("remove-wins map", 14, (tag) =>
  nested.get(tag),
);

const all: readonly Kind<unknown>[] = [
  growCounter,
  pnCounter,
  boundedCounter,
  counter,
  lwwRegister,
  mvRegister,
  enableWinsFlag,
  disableWinsFlag,
  growSet,
  twoPhaseSet,
  addWinsSet,
  removeWinsSet,
  addWinsMap,
  removeWinsMap,
] as readonly Kind<unknown>[];

// What cannot be removed cannot be the value of a field that can.
const nested: ReadonlyMap<number, Kind<unknown>> = new Map(
  [
    counter,
    lwwRegister,
    mvRegister,
    enableWinsFlag,
    disableWinsFlag,
    addWinsSet,
    removeWinsSet,
    addWinsMap,
    removeWinsMap,
  ].map((kind) => [kind.tag, kind as Kind<unknown>]),
);

const byTag: ReadonlyMap<number, Kind<unknown>> = new Map(all.map((kind) => [kind.tag, kind]));

/** The kind with this number. */
export function kindOf(tag: number): Kind<unknown> | undefined {
  return byTag.get(tag);
}
