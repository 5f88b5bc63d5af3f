// From text to a plain value, under limits: how long it is, how deep, and how many values it has
// once its aliases are followed. An alias costs a few letters and stands for all that it names, so
// ten lines of aliases of aliases can stand for a billion values; the count is of what is meant,
// not of what is written.
import { parseDocument } from "yaml";
import { type Problem, SidecarConfigError } from "./config-error.ts";

/** Limits of a document. */
export const documentLimits: {
  readonly lengthMax: number;
  readonly depthMax: number;
  readonly valuesMax: number;
} = {
  /** Characters. */
  lengthMax: 2 ** 20,
  depthMax: 64,
  valuesMax: 200_000,
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
    const document = parseDocument(text, { stringKeys: true, logLevel: "error" });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    value = document.toJS({ maxAliasCount: 1000 });
  } catch (error) {
    const message = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    refuse({ message: `is no YAML: ${message}`, next: "correct it there" }, { cause: error });
  }
  checkValues(value);
  return value;
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
