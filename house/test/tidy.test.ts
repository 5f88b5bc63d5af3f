// STYLE.md, "Ten habits": what of them a machine can judge.
import { expect, test } from "vitest";
import { guardTidy } from "../src/guards/tidy.ts";
import { guardWords } from "../src/guards/words.ts";
import { report } from "../src/violation.ts";
import { readTree } from "../src/workspace.ts";
import { plant } from "./plant.ts";

const header = "// A header.\n";
const judge = (file: string, text: string): string[] =>
  guardTidy(plant({ [file]: text })).map(({ line, rule }) => `${line} ${rule}`);
const inSource = (text: string): string[] => judge("packages/raft/src/log.ts", header + text);
const inTest = (text: string): string[] => judge("packages/raft/test/log.test.ts", text);

test("the repository is tidy", () => {
  expect(report(guardTidy(readTree()))).toBe("");
});

test("the repository holds no word that belongs in no file", () => {
  expect(report(guardWords(readTree()))).toBe("");
});

test("a source file without a header is found; an index that only re-exports needs none", () => {
  const judged = (file: string, text: string): string[] => judge(`packages/raft/src/${file}`, text);
  expect(judged("log.ts", "export const a = 1;\n")).toEqual(["1 tidy/header"]);
  expect(judged("log.ts", "export const a = 1; // late\n")).toEqual(["1 tidy/header"]);
  expect(judged("index.ts", "export const a = 1;\n")).toEqual(["1 tidy/header"]);
  expect(judged("index.ts", `export { a } from "./a.ts";\n`)).toEqual([]);
  expect(judged("log.ts", "// The log.\nexport const a = 1;\n")).toEqual([]);
  expect(judged("cli.ts", "#!/usr/bin/env node\n// The command.\nmain();\n")).toEqual([]);
});

test("a file above 400 lines is found, one of 400 is not", () => {
  expect(inSource("a();\n".repeat(400))).toEqual(["402 tidy/file-length"]);
  expect(inSource("a();\n".repeat(399))).toEqual([]);
});

test("a function above 100 lines is found; a describe is a heading, not a function", () => {
  const body = "a();\n".repeat(100);
  expect(inSource(`function f() {\n${body}}\n`)).toEqual(["2 tidy/function-length"]);
  expect(inSource(`const f = () => {\n${body}};\n`)).toEqual(["2 tidy/function-length"]);
  expect(inSource(`function f() {\n${"a();\n".repeat(98)}}\n`)).toEqual([]);
  expect(inTest(`describe("x", () => {\n${body}});\n`)).toEqual([]);
  expect(inTest(`test("x", () => {\n${body}});\n`)).toEqual(["1 tidy/function-length"]);
});

test("a line above 100 columns is found; a literal or a URL may cross the edge", () => {
  expect(inSource(`// ${"x".repeat(98)}\n`)).toEqual(["2 tidy/columns"]);
  expect(inSource(`${"a.b.".repeat(25)}c();\n`)).toEqual(["2 tidy/columns"]);
  expect(inSource(`// ${"é".repeat(97)}\n`)).toEqual([]);
  expect(inSource(`a("${"x".repeat(100)}");\n`)).toEqual([]);
  expect(inTest(`test("${"x".repeat(85)}", async () => {});\n`)).toEqual([]);
  expect(inSource(`// https://example.org/${"x".repeat(98)}\n`)).toEqual([]);
});

const planted: [string, string][] = [
  ["export interface IStore {}", "tidy/interface-prefix"],
  ["// TODO: later", "tidy/todo"],
  ["/* FIXME */", "tidy/todo"],
  ["// @ts-ignore", "tidy/ts-ignore"],
  ["/* @ts-nocheck */", "tidy/ts-ignore"],
  ["// SPDX-License-Identifier: MIT", "tidy/licence-banner"],
  ["export const a = b as any;", "tidy/as-any"],
  ["export interface Options { timeout?: number }", "tidy/unit"],
  ["export interface Options { retryDelay: number | undefined }", "tidy/unit"],
  ["export class A { #interval: number = 1; }", "tidy/unit"],
  ["export function f(duration: number): void {}", "tidy/unit"],
];

test.each(planted)("finds %s", (text, rule) => {
  expect(inSource(text)).toEqual([`2 ${rule}`]);
});

const innocent = [
  "export interface InvoiceStore {}",
  `export const text = "TODO as any @ts-ignore";`,
  "export interface Options { timeoutMs: number; delay: Delay; intervalMs: number }",
  "// @ts-expect-error: the type forbids what this test proves",
];

test.each(innocent)("lets %s pass", (text) => {
  expect(inSource(text)).toEqual([]);
});

const hiding = [
  `test.skip("x", () => {});`,
  `describe.only("x", () => {});`,
  `it.todo("x");`,
  `test.skipIf(process.platform === "win32")("x", () => {});`,
  `test.concurrent.only("x", () => {});`,
  `test("x", (context) => context.skip());`,
];

test.each(hiding)("finds a hidden test: %s", (text) => {
  expect(inTest(text)).toEqual(["1 tidy/skip"]);
});

test("a skip with its reason is allowed", () => {
  expect(inTest(`test("x", (context) => context.skip("no redis-server"));`)).toEqual([]);
  expect(inTest(`test("x", (context) => requireOrSkip(context, redis));`)).toEqual([]);
});

const words: [string, string, string][] = [
  ["README.md", "run it in /work/main", "words/machine-path"],
  ["scripts/a.sh", "cd /home/alice/code", "words/machine-path"],
  [".ci/run", "export HOME=/root/x", "words/machine-path"],
  ["packages/a/src/a.ts", `const url = "https://registry.npmjs.org/x";`, "words/registry-host"],
  ["README.md", "TODO: write", "words/todo"],
  ["README.md", "This file is AI-generated.", "words/provenance"],
  ["README.md", "Written with Claude.", "words/provenance"],
  ["CONTRIBUTING.md", "ask an LLM", "words/provenance"],
];

test.each(words)("finds in %s: %s", (file, text, rule) => {
  expect(guardWords(plant({ [file]: `fine\n${text}\n` }))).toMatchObject([{ file, line: 2, rule }]);
});

test("words that only look alike pass", () => {
  const text = "network/work/ https://example.org/work/x Claude Shannon, mktemp XXXXXX, `a/root/b`";
  expect(guardWords(plant({ "README.md": text }))).toEqual([]);
  expect(guardWords(plant({ Dockerfile: "WORKDIR /home/node" }))).toEqual([]);
});
