// From text to a plain value, under limits: how long it is, how deep, and how many values it has
// once its aliases are followed. An alias costs a few letters and stands for all that it names, so
// ten lines of aliases of aliases can stand for a billion values; the count is of what is meant,
// not of what is written.

import { type Document, isScalar, parseDocument, visit } from "yaml";
import { type Problem, SidecarConfigError } from "./config-error.ts";
import { shown } from "./schema/node.ts";

// Limits of a document.
const documentLimits: {
  readonly lengthMax: number;
  readonly depthMax: number;
  readonly valuesMax: number;
  readonly aliasesMax: number;
} = {
  /** Characters. */
  lengthMax: 2 ** 20,
  depthMax: 64,
  valuesMax: 200_000,
  aliasesMax: 100,
};

const refuse = (problem: Omit<Problem, "path">, options?: ErrorOptions): never => {
  throw new SidecarConfigError([{ path: "", ...problem }], 0, options);
};

/**
 * Parses YAML 1.2, of which JSON is a part.
 *
 * @throws SidecarConfigError when it is not, or goes beyond a limit
 */
export function parseConfig(text: string): unknown {
  if (text.length > documentLimits.lengthMax) {
    const message = `is ${text.length} characters long, at most ${documentLimits.lengthMax}`;
    refuse({ message, next: "divide it among several proxies" });
  }
  checkNesting(text);
  let value: unknown;
  try {
    // The parser would compare each key with every other: minutes, for a map of 90,000.
    const options = { stringKeys: true, uniqueKeys: false, logLevel: "error" } as const;
    const document = parseDocument(text, options);
    const [error] = document.errors;
    if (error !== undefined) throw error;
    checkTree(document);
    value = document.toJS({ maxAliasCount: -1 });
  } catch (error) {
    if (error instanceof SidecarConfigError) throw error;
    const [said = ""] = String(error instanceof Error ? error.message : error).split("\n", 1);
    // It may quote the document, all of it.
    const message = said.slice(0, 200).replace(/:$/, "");
    refuse({ message: `is no YAML: ${message}`, next: "correct it there" }, { cause: error });
  }
  checkValues(value);
  return value;
}

// Following an alias takes a walk through the document, so there is a bound to them; what they
// stand for together is counted afterwards.
function checkTree(document: Document): void {
  let aliases = 0;
  visit(document, {
    Alias: () => {
      if (++aliases <= documentLimits.aliasesMax) return;
      refuse({
        message: `has more than ${documentLimits.aliasesMax} aliases`,
        next: "write out what they stand for",
      });
    },
    Map: (_, map) => {
      const keys = new Set<unknown>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : key;
        if (keys.has(name)) {
          refuse({
            message: `is no YAML: the key ${shown(name)} is there twice in one map`,
            next: "keep one of them",
          });
        }
        keys.add(name);
      }
    },
  });
}

// The parser descends into brackets and indentation by calling itself, so depth is looked at before
// it. Brackets in quotes count too: a document has no use for sixty-four of them open at a time,
// and one that closes is taken off again.
function checkNesting(text: string): void {
  const BRACKETS_MAX = 1000;
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5b || code === 0x7b) depth++;
    else if ((code === 0x5d || code === 0x7d) && depth > 0) depth--;
    if (depth > deepest) deepest = depth;
  }
  if (deepest <= BRACKETS_MAX) return;
  refuse({ message: `opens ${deepest} brackets at a time`, next: "close them" });
}

/**
 * Refuses what is too deep or too much, aliases followed; a value that contains itself is both.
 *
 * @throws SidecarConfigError when it is
 */
export function checkValues(document: unknown): void {
  const { depthMax, valuesMax } = documentLimits;
  const open: { readonly value: unknown; readonly depth: number }[] = [
    { value: document, depth: 0 },
  ];
  let values = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (++values > valuesMax) {
      refuse({
        message: `has more than ${valuesMax} values, aliases followed`,
        next: "divide it among several proxies",
      });
    }
    if (typeof value !== "object" || value === null) continue;
    if (depth === depthMax) {
      refuse({ message: `is more than ${depthMax} levels deep`, next: "flatten it" });
    }
    // Listed one by one: a list of a million must not be copied before it is counted.
    for (const key of Object.keys(value)) {
      open.push({ value: (value as Record<string, unknown>)[key], depth: depth + 1 });
      if (values + open.length > 2 * valuesMax) break;
    }
  }
}
