// How a map is used, whoever wins in it. Its values are asked for by type and name, and exist when
// they have been written to; what is read of one that does not exist is its beginning.
import { AddWinsSet } from "./add-wins-set.ts";
import { Counter } from "./counter.ts";
import type { Delta } from "./delta.ts";
import { DisableWinsFlag } from "./disable-wins-flag.ts";
import { EnableWinsFlag } from "./enable-wins-flag.ts";
import type { Kind } from "./kind.ts";
import { type Fields, isVisible, keyOf, removeField, viewFields } from "./kinds/fields.ts";
import * as kinds from "./kinds.ts";
import { LwwRegister } from "./lww-register.ts";
import { MvRegister } from "./mv-register.ts";
import { RemoveWinsSet } from "./remove-wins-set.ts";
import { type FieldOf, Replicated } from "./replicated.ts";
import { checkString, type Scalar } from "./scalar.ts";
import { FieldSite, type ReplicaOptions, type Site } from "./site.ts";

/** What a field can hold, by the name of the method that opens it. */
export type FieldKind =
  | "counter"
  | "register"
  | "values"
  | "flag"
  | "disableWinsFlag"
  | "set"
  | "removeWinsSet"
  | "map"
  | "removeWinsMap";

const kindsByName: ReadonlyMap<FieldKind, Kind<unknown>> = new Map<FieldKind, unknown>([
  ["counter", kinds.counter],
  ["register", kinds.lwwRegister],
  ["values", kinds.mvRegister],
  ["flag", kinds.enableWinsFlag],
  ["disableWinsFlag", kinds.disableWinsFlag],
  ["set", kinds.addWinsSet],
  ["removeWinsSet", kinds.removeWinsSet],
  ["map", kinds.addWinsMap],
  ["removeWinsMap", kinds.removeWinsMap],
]) as ReadonlyMap<FieldKind, Kind<unknown>>;

const namesOfKinds: ReadonlyMap<Kind<unknown>, FieldKind> = new Map(
  [...kindsByName].map(([name, kind]) => [kind, name]),
);

function kindNamed(name: FieldKind): Kind<unknown> {
  const kind = kindsByName.get(name);
  if (kind === undefined) throw new RangeError(`no type of fields is called ${String(name)}`);
  return kind;
}

/** A replicated map whose values are replicated values. */
export abstract class ReplicatedMap extends Replicated<Fields> {
  readonly #removeWins: boolean;

  constructor(kind: Kind<Fields>, at: string | ReplicaOptions | Site<Fields>, removeWins: boolean) {
    super(kind, at);
    this.#removeWins = removeWins;
  }

  /** The counter of that name. */
  counter(name: string): FieldOf<Counter> {
    return new Counter(this.#at(kinds.counter, name));
  }

  /** The last-writer-wins register of that name. */
  register<T extends Scalar = Scalar>(name: string): FieldOf<LwwRegister<T>> {
    return new LwwRegister<T>(this.#at(kinds.lwwRegister, name));
  }

  /** The multi-value register of that name. */
  values<T extends Scalar = Scalar>(name: string): FieldOf<MvRegister<T>> {
    return new MvRegister<T>(this.#at(kinds.mvRegister, name));
  }

  /** The enable-wins flag of that name. */
  flag(name: string): FieldOf<EnableWinsFlag> {
    return new EnableWinsFlag(this.#at(kinds.enableWinsFlag, name));
  }

  /** The disable-wins flag of that name. */
  disableWinsFlag(name: string): FieldOf<DisableWinsFlag> {
    return new DisableWinsFlag(this.#at(kinds.disableWinsFlag, name));
  }

  /** The add-wins set of that name. */
  set<T extends Scalar = Scalar>(name: string): FieldOf<AddWinsSet<T>> {
    return new AddWinsSet<T>(this.#at(kinds.addWinsSet, name));
  }

  /** The remove-wins set of that name. */
  removeWinsSet<T extends Scalar = Scalar>(name: string): FieldOf<RemoveWinsSet<T>> {
    return new RemoveWinsSet<T>(this.#at(kinds.removeWinsSet, name));
  }

  /** The add-wins map of that name. */
  map(name: string): FieldOf<AddWinsMap> {
    return new AddWinsMap(this.#at(kinds.addWinsMap, name));
  }

  /** The remove-wins map of that name. */
  removeWinsMap(name: string): FieldOf<RemoveWinsMap> {
    return new RemoveWinsMap(this.#at(kinds.removeWinsMap, name));
  }

  /** How many fields there are. Takes time in their number. */
  get size(): number {
    return [...this.keys()].length;
  }

  /** Whether there is such a field, of that type or of any. */
  has(name: string, kind?: FieldKind): boolean {
    const asked = kind === undefined ? [...kindsByName.values()] : [kindNamed(kind)];
    return asked.some((it) => {
      const field = this.store.entries.get(keyOf(it, name));
      return field !== undefined && isVisible(field);
    });
  }

  /** Deletes the field of that type and name. What that means to others is the type of the map. */
  delete(name: string, kind: FieldKind): Delta {
    checkString(name);
    const of = kindNamed(kind);
    return this.mutate((mutation) => {
      const field = this.store.entries.get(keyOf(of, name));
      const absent = { kind: of, name, marks: undefined, store: of.empty(true) };
      return removeField(field ?? absent, mutation, this.#removeWins);
    });
  }

  /** The names of the fields with their types. */
  *keys(): Generator<[name: string, kind: FieldKind]> {
    for (const field of this.store.entries.values()) {
      if (isVisible(field)) yield [field.name, namesOfKinds.get(field.kind)!];
    }
  }

  [Symbol.iterator](): Iterator<[name: string, kind: FieldKind]> {
    return this.keys();
  }

  /** Names to values; a name with several types is followed by the type. */
  toJSON(): unknown {
    return viewFields(this.store);
  }

  #at<S>(kind: Kind<S>, name: string): Site<S> {
    return new FieldSite(this.site, kind, checkString(name));
  }
}

/**
 * A map; of concurrent updates and deletions of a field, updates win: a deletion takes away what it
 * has seen of the field, and the rest stays.
 */
export class AddWinsMap extends ReplicatedMap {
  constructor(at: string | ReplicaOptions | Site<Fields>) {
    super(kinds.addWinsMap, at, false);
  }
}

/**
 * A map; of concurrent updates and deletions of a field, deletions win: an update that has not seen
 * the deletion is hidden with the field, and an update that has begins it anew.
 */
export class RemoveWinsMap extends ReplicatedMap {
  constructor(at: string | ReplicaOptions | Site<Fields>) {
    super(kinds.removeWinsMap, at, true);
  }
}
