// Readers of values as proto3 writes them in JSON: wrappers are plain values, null is nothing at
// all, a duration is "0.25s", an enumeration is a name or its number, bytes are base64. A string is
// a string: `name: 8080` in YAML is a number, and is not made into a name in passing.
//
// https://protobuf.dev/programming-guides/json/
import { attempt, giveUp, type Node, shown } from "./node.ts";

/** Reads one kind of value. */
export interface Reader<T> {
  /** What the table of the subset calls it. */
  readonly type: string;
  /** @throws Abandoned when the value is refused, which is then written down */
  read(node: Node): T;
  /** The readers inside, for the table. */
  readonly parts?: () => readonly Reader<unknown>[];
}

/** A reader made of another: the value is looked at again. */
export function refine<A, B>(reader: Reader<A>, make: (value: A, node: Node) => B): Reader<B> {
  return { ...reader, read: (node) => make(reader.read(node), node) };
}

/** A reader that is made later, for messages that contain themselves. */
export function lazy<T>(type: string, make: () => Reader<T>): Reader<T> {
  return { type, read: (node) => make().read(node), parts: () => [make()] };
}

export const bool: Reader<boolean> = {
  type: "bool",
  read: (node) => {
    if (typeof node.value === "boolean") return node.value;
    return node.fail(`must be true or false, got ${shown(node.value)}`, "write one of the two");
  },
};

/** Long enough for any name, pattern or header; a body has its own limit. */
const TEXT_MAX = 16_384;

export const text: Reader<string> = textUpTo(TEXT_MAX);

/** A string that may be longer, or must be shorter. */
export function textUpTo(lengthMax: number): Reader<string> {
  return {
    type: "string",
    read: (node) => {
      const { value } = node;
      if (typeof value !== "string") {
        return node.fail(`must be a string, got ${shown(value)}`, "put it in quotes");
      }
      if (value.length > lengthMax) {
        return node.fail(
          `is ${value.length} characters long, at most ${lengthMax} are taken`,
          "shorten it",
        );
      }
      return value;
    },
  };
}

/** A string with something in it. */
export const name: Reader<string> = refine(text, (value, node) => {
  return value === "" ? node.fail('must not be ""', "write a name, or leave the field out") : value;
});

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A header's name, in lower case (RFC 9110 §5.1). */
export const headerName: Reader<string> = refine(name, (value, node) => {
  const bare = value.startsWith(":") ? value.slice(1) : value;
  if (!TOKEN.test(bare)) {
    return node.fail(`${shown(value)} is no header's name`, "use letters, digits and hyphens");
  }
  return value.toLowerCase();
});

/** A header's value (RFC 9110 §5.5): without what could end the line. */
export const headerValue: Reader<string> = refine(text, (value, node) => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) {
    return node.fail(`${shown(value)} has control characters`, "take them out");
  }
  return value;
});

/** A header's value with something in it. */
export const someHeaderValue: Reader<string> = refine(headerValue, (value, node) => {
  return value === "" ? node.fail('must not be ""', "write a value, or take it out") : value;
});

/** A whole number; in JSON it may stand in quotes, which is how proto3 writes 64 bits. */
export function integer(min: number, max: number, type = "uint32"): Reader<number> {
  return {
    type,
    read: (node) => {
      const { value } = node;
      const isQuoted = typeof value === "string" && /^-?\d{1,15}$/.test(value);
      const number = isQuoted ? Number(value) : value;
      if (typeof number === "number" && Number.isInteger(number) && number >= min && number <= max)
        return number;
      const range = `a whole number in [${min}, ${max}]`;
      return node.fail(`must be ${range}, got ${shown(value)}`, "choose one in that range");
    },
  };
}

export const uint32: Reader<number> = integer(0, 2 ** 32 - 1);
/** A number that has to be counted to. */
export const positive: Reader<number> = integer(1, 2 ** 32 - 1);
export const port: Reader<number> = integer(1, 65_535);
/** In whole percent. */
export const percentInteger: Reader<number> = integer(0, 100);

/** A number with a fraction. */
export function decimal(min: number, max: number): Reader<number> {
  return {
    type: "double",
    read: (node) => {
      const { value } = node;
      if (typeof value === "number" && value >= min && value <= max) return value;
      const range = `a number in [${min}, ${max}]`;
      return node.fail(`must be ${range}, got ${shown(value)}`, "choose one in that range");
    },
  };
}

/** What a timer of the platform can hold: one set for longer fires at once. */
const DURATION_MS_MAX = 2 ** 31 - 1;

/** A duration, "0.25s", in milliseconds. */
export const duration: Reader<number> = {
  type: "Duration",
  read: (node) => {
    const { value } = node;
    const match = typeof value === "string" ? /^(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(value) : null;
    if (match === null) {
      return node.fail(
        `must be a duration, got ${shown(value)}`,
        'write seconds and an "s", as in "0.25s"',
      );
    }
    const [, seconds = "", fraction = ""] = match;
    const rest = fraction.padEnd(9, "0");
    const ms = Number(seconds) * 1000 + Number(rest.slice(0, 3));
    if (Number(rest.slice(3)) !== 0) {
      return node.fail(
        `${shown(value)} is no whole number of milliseconds`,
        "round it: a part of one would be lost, and 0 means something else",
      );
    }
    if (ms > DURATION_MS_MAX) {
      return node.fail(
        `${shown(value)} is longer than a timer can be set for (24 days)`,
        'choose a shorter one, or "0s" where that stands for none',
      );
    }
    return ms;
  },
};

/** A duration that is not nothing. */
export const positiveDuration: Reader<number> = refine(duration, (ms, node) => {
  return ms > 0 ? ms : node.fail(`must be more than 0, got ${shown(node.value)}`, "lengthen it");
});

/** Bytes in base64, of either alphabet. */
export const bytes: Reader<Uint8Array> = refine(text, (value, node) => {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(value) || value.replace(/=+$/, "").length % 4 === 1) {
    return node.fail(`${shown(value)} is not base64`, "encode the bytes");
  }
  return new Uint8Array(Buffer.from(value, "base64"));
});

/**
 * An enumeration: names to what they become, in the order of their numbers. What is refused is a
 * step to take, in a function.
 */
export function choice<T extends string | number | boolean>(
  type: string,
  names: Readonly<Record<string, T | Unsupported>>,
): Reader<T> {
  const keys = Object.keys(names);
  return {
    type: `${type} (${keys.filter((key) => !(names[key] instanceof Unsupported)).join(", ")})`,
    read: (node) => {
      const { value } = node;
      const key = typeof value === "number" ? keys[value] : value;
      if (typeof key !== "string" || !Object.hasOwn(names, key)) {
        const taken = keys.filter((name) => !(names[name] instanceof Unsupported));
        return node.fail(`${shown(value)} is no ${type}`, `choose one of ${taken.join(", ")}`);
      }
      const made = names[key];
      if (made instanceof Unsupported) return node.fail(`${key} is not taken`, made.next);
      return made as T;
    },
  };
}

/** A name of an enumeration that this proxy does not follow. */
export class Unsupported {
  readonly next: string;

  /** @param next what to do instead */
  constructor(next: string) {
    this.next = next;
  }
}

/** A list, whose every element is read even if one before it is refused. */
export function list<T>(reader: Reader<T>, lengthMax = 10_000): Reader<readonly T[]> {
  return {
    type: `${reader.type}[]`,
    parts: () => [reader],
    read: (node) => {
      const { value } = node;
      if (!Array.isArray(value)) {
        return node.fail(`must be a list, got ${shown(value)}`, "begin each element with a hyphen");
      }
      if (value.length > lengthMax) {
        return node.fail(`has ${value.length} elements, at most ${lengthMax}`, "take some out");
      }
      // Not `map`, which passes over the holes of a list that no parser has made.
      const read = Array.from(value, (item, i) => attempt(() => reader.read(node.item(i, item))));
      const whole = read.flatMap((one) => (one === undefined ? [] : [one.value]));
      return whole.length === value.length ? whole : giveUp();
    },
  };
}

/** A list with at least one element. */
export function someOf<T>(reader: Reader<T>): Reader<readonly T[]> {
  return refine(list(reader), (items, node) => {
    return items.length > 0 ? items : node.fail("must not be empty", "write at least one");
  });
}

/** A map from strings, in the order of its keys. */
export function mapOf<T>(reader: Reader<T>): Reader<ReadonlyMap<string, T>> {
  return {
    type: `map of ${reader.type}`,
    parts: () => [reader],
    read: (node) => {
      const entries = Object.entries(objectOf(node)).sort(([a], [b]) => (a < b ? -1 : 1));
      const made = new Map<string, T>();
      for (const [key, value] of entries) {
        const one = attempt(() => reader.read(node.entry(key, value)));
        if (one !== undefined) made.set(key, one.value);
      }
      return made.size === entries.length ? made : giveUp();
    },
  };
}

/** The node's own fields. */
export function objectOf(node: Node): Readonly<Record<string, unknown>> {
  const { value } = node;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  return node.fail(`must be an object, got ${shown(value)}`, "write its fields, indented");
}
