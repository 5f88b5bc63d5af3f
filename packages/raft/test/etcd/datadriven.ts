// Reads the files of etcd's "datadriven" tests: a directive with arguments, perhaps lines of input,
// four dashes, and what is expected, up to an empty line (after a doubled rule, up to the next).
//
//   # a comment
//   cmd arg key=value key=(a,b)
//   input
//   ----
//   expected
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { requireOrSkip, type Skippable } from "@compendium/metrics/testing";

/** An argument: a word, or a key with values. */
export interface Argument {
  readonly key: string;
  readonly values: readonly string[];
}

/** One directive of a file. */
export interface Directive {
  readonly line: number;
  readonly command: string;
  readonly args: readonly Argument[];
  readonly input: string;
  readonly expected: string;
}

const { COMPENDIUM_CONFORMANCE: root } = process.env;

/** The files of one of etcd's sets; none if the vectors are not here. */
export function filesOf(set: string): string[] {
  if (root === undefined) return [];
  return readdirSync(join(root, "etcd-raft", set)).filter((name) => name.endsWith(".txt"));
}

/** Skips the test, with the reason, where the vectors are absent. */
export function requireVectors(context: Skippable): void {
  requireOrSkip(context, {
    name: "conformance",
    present: root !== undefined,
    how: "set COMPENDIUM_CONFORMANCE to a folder whose etcd-raft/{quorum,confchange,interaction} hold etcd-io/raft's {quorum,confchange}/testdata and testdata",
  });
}

/** The directives of one file. */
export function readDirectives(set: string, file: string): Directive[] {
  return parse(readFileSync(join(root ?? "", "etcd-raft", set, file), "utf8"));
}

function parse(text: string): Directive[] {
  const lines = text.split("\n");
  const directives: Directive[] = [];
  let at = 0;
  const takeUntil = (end: string): string[] => {
    const taken: string[] = [];
    while (at < lines.length && lines[at] !== end) taken.push(lines[at++] as string);
    at++;
    return taken;
  };
  while (at < lines.length) {
    const head = lines[at++] as string;
    if (head.trim() === "" || head.startsWith("#")) continue;
    const line = at;
    const { command, args } = parseLine(head);
    const input = takeUntil("----").join("\n");
    let expected: string[];
    if (lines[at] === "----") {
      at++;
      expected = takeUntil("----");
      at++; // The second half of the rule at the end.
    } else {
      expected = takeUntil("");
    }
    directives.push({ line, command, args, input, expected: expected.join("\n") });
  }
  return directives;
}

/** A directive's own line: its command and arguments. */
export function parseLine(line: string): { command: string; args: Argument[] } {
  const words = line.match(/[^\s=]+=\([^)]*\)|\S+/g) ?? [];
  const [command = "", ...rest] = words;
  const args = rest.map((word) => {
    const [, key = word, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (value === undefined) return { key, values: [] };
    const inner = /^\((.*)\)$/s.exec(value)?.[1];
    const values = inner === undefined ? [value] : inner.split(",").map((each) => each.trim());
    return { key, values: values.filter((each) => each !== "") };
  });
  return { command, args };
}

/** The values of an argument; undefined if it is not given. */
export function valuesOf(args: readonly Argument[], key: string): readonly string[] | undefined {
  return args.find((each) => each.key === key)?.values;
}

/** Output as datadriven compares it. */
export function normalize(output: string): string {
  return output.replace(/\n+$/, "");
}
