// Messages: objects whose fields are known. Each field is taken, ignored (it only observes, so that
// leaving it out changes no answer) or refused with the next step; a field that stands in none of
// these lists is refused, too, because nobody has thought about what it would change. The table of
// the subset is made from the very same lists.
//
// proto3 writes a name in JSON as `connectTimeout` and reads `connect_timeout` as well; both are
// the same field here, and both at once are refused.
import { attempt, giveUp, type Node, shown } from "./node.ts";
import { objectOf, type Reader } from "./reader.ts";

/** What becomes of a field. */
export type Field<T> =
  | {
      readonly use: "taken";
      readonly reader: Reader<unknown>;
      /** For the table: what holds without it. */
      readonly otherwise: string;
      make(node: Node | undefined, owner: Node, name: string): T;
    }
  | { readonly use: "ignored"; readonly why: string; readonly isLabel?: true }
  | { readonly use: "refused"; readonly next: string };

/** A field that is taken. */
export type Taken<T> = Extract<Field<T>, { use: "taken" }>;
type Ignored = Extract<Field<never>, { use: "ignored" }>;
type Refused = Extract<Field<never>, { use: "refused" }>;

/** A field that may be left out. */
export function optional<T>(reader: Reader<T>): Taken<T | undefined> {
  return {
    use: "taken",
    reader,
    otherwise: "",
    make: (node) => (node === undefined ? undefined : reader.read(node)),
  };
}

/** A field with a default. */
export function defaulted<T>(reader: Reader<T>, otherwise: T): Taken<T> {
  return {
    use: "taken",
    reader,
    otherwise: describe(otherwise),
    make: (node) => (node === undefined ? otherwise : reader.read(node)),
  };
}

/** A field that must be there. */
export function required<T>(reader: Reader<T>): Taken<T> {
  return {
    use: "taken",
    reader,
    otherwise: "required",
    make: (node, owner, name) => {
      if (node !== undefined) return reader.read(node);
      return owner.fail(`has no ${name}`, `add ${name}, ${article(reader.type)}`);
    },
  };
}

/** A field whose one value says what the proxy does anyway. */
export function only(value: string | number | boolean, next: string): Taken<undefined> {
  return {
    use: "taken",
    reader: { type: `only ${String(value)}`, read: () => undefined },
    otherwise: "",
    make: (node) => {
      if (node === undefined || node.value === value) return undefined;
      return node.fail(`must be ${String(value)}, got ${shown(node.value)}`, next);
    },
  };
}

/** A field without a say in what is answered. */
export function ignored(why: string): Ignored {
  return { use: "ignored", why };
}

/** A field that is there for who reads the document: ignored without a word. */
export function label(why: string): Ignored {
  return { use: "ignored", why, isLabel: true };
}

/** A field that would change what the proxy does, in a way that it cannot. */
export function refused(next: string): Refused {
  return { use: "refused", next };
}

type Shape = Readonly<Record<string, Taken<unknown> | Ignored | Refused>>;

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;

/** What a message's taken fields become, under their names in camel case. */
export type Values<S extends Shape> = {
  readonly [K in keyof S as S[K] extends { use: "taken" }
    ? Camel<K & string>
    : never]: S[K] extends Taken<infer T> ? T : never;
};

/** What must hold between fields. */
export interface Rules {
  /** Of each group exactly one field must be there. */
  readonly oneOf?: readonly (readonly string[])[];
  /** Of each group at most one. */
  readonly atMostOneOf?: readonly (readonly string[])[];
}

/** A reader of a message, with its fields for the table. */
export interface Message<T> extends Reader<T> {
  readonly shape: Shape;
}

/**
 * A message and what it becomes.
 *
 * @param type the full name in Envoy's API
 * @param make gets all values once each field could be read
 */
export function message<S extends Shape, T>(
  type: string,
  shape: S,
  make: (values: Values<S>, node: Node) => T,
  rules: Rules = {},
): Message<T> {
  const known = new Map<string, string>();
  for (const snake of Object.keys(shape)) known.set(snake, snake).set(camelOf(snake), snake);
  return {
    type,
    shape,
    parts: () => Object.values(shape).flatMap((f) => (f.use === "taken" ? [f.reader] : [])),
    read: (node) => {
      const present = collect(node, type, known);
      let isWhole = !present.faulty;
      const values: Record<string, unknown> = {};
      for (const [snake, field] of Object.entries(shape)) {
        const at = present.fields.get(snake);
        if (field.use === "taken") {
          const one = attempt(() => field.make(at, node, snake));
          if (one === undefined) isWhole = false;
          else values[camelOf(snake)] = one.value;
        } else if (at !== undefined && field.use === "refused") {
          at.refuse(`${shown(at.value)} is not taken`, field.next);
          isWhole = false;
        } else if (at !== undefined && field.use === "ignored" && field.isLabel !== true) {
          at.note(`is ignored: ${field.why}`);
        }
      }
      if (!checkRules(node, present.fields, rules)) isWhole = false;
      return isWhole ? make(values as Values<S>, node) : giveUp();
    },
  };
}

function collect(
  node: Node,
  type: string,
  known: ReadonlyMap<string, string>,
): { readonly fields: ReadonlyMap<string, Node>; readonly faulty: boolean } {
  const fields = new Map<string, Node>();
  let faulty = false;
  for (const [key, value] of Object.entries(objectOf(node))) {
    const snake = known.get(key);
    const at = node.field(snake ?? key.slice(0, 100), value);
    if (snake === undefined) {
      if (key === "@type") continue;
      const near = nearest(key, known);
      const next = near === undefined ? "take it out" : `take it out, or write ${near}`;
      at.refuse(`is no field that is taken of ${type}`, next);
      faulty = true;
    } else if (fields.has(snake)) {
      at.refuse(`is there twice, as ${snake} and ${camelOf(snake)}`, "keep one of them");
      faulty = true;
    } else if (value !== null && value !== undefined) {
      fields.set(snake, at);
    }
  }
  return { fields, faulty };
}

function checkRules(node: Node, fields: ReadonlyMap<string, Node>, rules: Rules): boolean {
  let holds = true;
  const check = (group: readonly string[], needed: boolean): void => {
    const there = group.filter((field) => fields.has(field));
    if (there.length > 1) {
      node.refuse(`has ${there.join(" and ")}, which exclude each other`, "keep one of them");
      holds = false;
    } else if (needed && there.length === 0) {
      node.refuse(`has none of ${group.join(", ")}`, "add one of them");
      holds = false;
    }
  };
  for (const group of rules.oneOf ?? []) check(group, true);
  for (const group of rules.atMostOneOf ?? []) check(group, false);
  return holds;
}

/** A message packed as an Any: its `@type` says which of these it is. */
export function anyOf<T>(...messages: readonly Message<T>[]): Reader<T> {
  return {
    type: "Any",
    parts: () => messages,
    read: (node) => {
      const url = objectOf(node)["@type"];
      if (typeof url !== "string") {
        return node.fail("has no @type", `add one, such as ${urlOf(messages[0]!.type)}`);
      }
      const type = url.slice(url.lastIndexOf("/") + 1);
      const found = messages.find((one) => one.type === type);
      if (found !== undefined) return found.read(node);
      const taken = messages.map((one) => one.type).join(", ");
      return node.field("@type", url).fail(`${shown(url)} is not taken`, `use one of ${taken}`);
    },
  };
}

const urlOf = (type: string): string => `type.googleapis.com/${type}`;

/** `connectTimeout` for `connect_timeout`. */
export function camelOf(snake: string): string {
  return snake.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

// A slip of the pen: the same letters in another case or with other strokes, or one letter too many
// or too few. Anything cleverer guesses wrong more often than right.
function nearest(key: string, known: ReadonlyMap<string, string>): string | undefined {
  if (key.length > 100) return undefined;
  const plain = (name: string): string => name.replace(/[_-]/g, "").toLowerCase();
  const wanted = plain(key);
  for (const snake of new Set(known.values())) {
    const have = plain(snake);
    if (have === wanted || lacksOne(have, wanted) || lacksOne(wanted, have)) return snake;
  }
  return undefined;
}

/** Whether the shorter text is the longer one without one of its letters. */
function lacksOne(shorter: string, longer: string): boolean {
  if (shorter.length + 1 !== longer.length) return false;
  let i = 0;
  while (i < shorter.length && shorter[i] === longer[i]) i++;
  return shorter.slice(i) === longer.slice(i + 1);
}

function article(type: string): string {
  return /^[aeiou]/i.test(type) ? `an ${type}` : `a ${type}`;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "" : value.join(", ");
  if (value instanceof Map || value instanceof Set) return "";
  if (typeof value === "object" && value !== null) return "";
  return value === "" || value === undefined ? "" : String(value);
}
