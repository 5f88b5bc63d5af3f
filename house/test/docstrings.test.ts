// STYLE.md: "Public docstrings give units, ranges, errors, complexity and source." That they are
// there at all is what a machine can judge.
import { expect, test } from "vitest";
import { guardDocstrings } from "../src/guards/docstrings.ts";
import { report } from "../src/violation.ts";
import { readTree } from "../src/workspace.ts";
import { manifest, plant } from "./plant.ts";

const judge = (text: string, more: Record<string, string> = {}): string[] =>
  guardDocstrings(plant({ "packages/raft/src/index.ts": text, ...more })).map(
    ({ file, line, message }) =>
      `${file.replace("packages/raft/src/", "")}:${line} ${message.split(" ")[0]}`,
  );

test("every public name of the repository has a docstring", () => {
  expect(report(guardDocstrings(readTree()))).toBe("");
});

const bare = [
  "export class Log {}",
  "export function Log(): void {}",
  "export const Log = 1;",
  "export type Log = string;",
  "export interface Log {}",
  "class Log {}\nexport { Log };",
  "// A line comment is no docstring.\nexport const Log = 1;",
  "/** One. */\nconst other = 1;\nexport const Log = 1;",
  "/* Not a docstring. */\nexport const Log = 1;",
  "/** Word */\nexport const Log = 1;",
  "/** @param a A thing. */\nexport const Log = 1;",
];

test.each(bare)("finds the name without a docstring in %j", (text) => {
  expect(judge(text)).toEqual([expect.stringMatching(/^index\.ts:\d Log$/)]);
});

test("a docstring right before the declaration is enough", () => {
  expect(judge("/** The log of a node. */\nexport class Log {}")).toEqual([]);
  expect(judge("/**\n * The log of a node.\n * @see §5.3\n */\nexport class Log {}")).toEqual([]);
  expect(judge("/** The log of a node. */\nclass Log {}\nexport { Log };")).toEqual([]);
});

test("overloads share the docstring of the first", () => {
  const text =
    "/** Adds one. */\nexport function f(a: 1): 1;\nexport function f(a: 2): 2;\nexport function f(a: never): never { return a; }";
  expect(judge(text)).toEqual([]);
});

test("members of interfaces, object types and classes are public names too", () => {
  const doc = "/** The log of a node. */\n";
  expect(judge(`${doc}export interface Log { size: number; at(index: number): void }`)).toEqual([
    "index.ts:2 Log.size",
    "index.ts:2 Log.at",
  ]);
  expect(judge(`${doc}export type Log = { size: number }`)).toEqual(["index.ts:2 Log.size"]);
  expect(judge(`${doc}export class Log { size = 1; at(): void {} }`)).toHaveLength(2);
});

test("what is private, dictated by a protocol, or documented by an interface is exempt", () => {
  const doc = "/** The log of a node. */\n";
  const text = `${doc}export class Log { #a = 1; private b = 2; constructor() {} [Symbol.dispose](): void {} }`;
  expect(judge(text)).toEqual([]);
  const store = "/** A store. */\nexport interface Store {\n/** Gets a value. */\nget(): void }\n";
  expect(judge(`${store}${doc}export class Log implements Store { get(): void {} }`)).toEqual([]);
  expect(judge(`${store}${doc}export class Log implements Store { put(): void {} }`)).toHaveLength(
    1,
  );
});

test("a getter and its setter share a docstring", () => {
  const text =
    "/** A log. */\nexport class Log {\n/** The size in entries. */\nget size(): number { return 1; }\nset size(n: number) {}\n}";
  expect(judge(text)).toEqual([]);
});

test("re-exports are followed to the declaration, and only for the names passed on", () => {
  const more = { "packages/raft/src/log.ts": "export const a = 1;\nexport const b = 1;\n" };
  expect(judge(`export { a } from "./log.ts";`, more)).toEqual(["log.ts:1 a"]);
  expect(judge(`export { b as c } from "./log.ts";`, more)).toEqual(["log.ts:2 b"]);
  expect(judge(`export * from "./log.ts";`, more)).toEqual(["log.ts:1 a", "log.ts:2 b"]);
  expect(judge(`import { a } from "./log.ts";\nexport { a };`, more)).toEqual(["log.ts:1 a"]);
  expect(judge(`export * from "./else.ts";`, more)).toEqual([]);
});

test("every subpath export is public", () => {
  const more = {
    "packages/raft/package.json": manifest("packages/raft", {}, ["metrics"]),
    "packages/raft/src/metrics.ts": "export const a = 1;",
  };
  expect(judge("export {};", more)).toEqual(["metrics.ts:1 a"]);
});
