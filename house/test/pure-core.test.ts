// DESIGN.md: "No timer, socket, Date.now() or Math.random() inside"; "importing one pattern never
// drags in another's framework".
import { expect, test } from "vitest";
import { floorPlan } from "../src/floor-plan.ts";
import { guardPureCores } from "../src/guards/pure-core.ts";
import { report } from "../src/violation.ts";
import { readTree } from "../src/workspace.ts";
import { manifest, plant } from "./plant.ts";

const judge = (files: Record<string, string>): string[] =>
  guardPureCores(plant(files), floorPlan).map(({ file, line, rule }) => `${file}:${line} ${rule}`);
const core = (text: string): string[] => judge({ "packages/raft/src/index.ts": text });

test("the patterns of the repository have pure cores", () => {
  expect(report(guardPureCores(readTree(), floorPlan))).toBe("");
});

const impure = [
  "export const t = Date.now();",
  "export const clock = { now: Date.now };",
  "export const r = Math.random();",
  "setTimeout(() => {}, 1);",
  "globalThis.setInterval(() => {}, 1);",
  "export const later = setImmediate;",
  "export const now = performance.now();",
  "export const today = new Date();",
  "export const tick = process.hrtime;",
  "export const get = fetch;",
  "export const signal = AbortSignal.timeout(5);",
];

test.each(impure)("finds %s", (text) => {
  expect(core(`// A header.\n${text}`)).toEqual(["packages/raft/src/index.ts:2 pure-core/impure"]);
});

const innocent = [
  "// Date.now() and setTimeout(f) in a comment",
  `export const text = "Math.random() in a string";`,
  "export const f = (clock: { setTimeout(): void }): void => clock.setTimeout();",
  "export interface Timers { setTimeout(): void; setInterval: number }",
  "export const g = (setTimeout: () => void): void => setTimeout();",
  "export const date = new Date(0);",
];

test.each(innocent)("lets %s pass", (text) => {
  expect(core(text)).toEqual([]);
});

test("follows relative imports from the core, and leaves the other subpaths alone", () => {
  expect(
    judge({
      "packages/raft/src/index.ts": `export * from "./log.ts";`,
      "packages/raft/src/log.ts": "export const t = Date.now();",
      "packages/raft/src/redis.ts": "export const t = Date.now();",
    }),
  ).toEqual(["packages/raft/src/log.ts:1 pure-core/impure"]);
});

test("a core that reaches a third-party package, even through another package, is found", () => {
  const text = `import type { Registry } from "prom-client";\nexport type R = Registry;`;
  expect(core(text)).toEqual(["packages/raft/src/index.ts:1 pure-core/third-party"]);
  expect(
    judge({
      "packages/raft/src/index.ts": `export * from "@compendium/metrics";`,
      "packages/metrics/src/index.ts": `import "prom-client";`,
    }),
  ).toEqual(["packages/metrics/src/index.ts:1 pure-core/third-party"]);
});

test("node: is refused in the core, and behind a package that it loads", () => {
  expect(core(`import "node:net";`)).toEqual(["packages/raft/src/index.ts:1 pure-core/builtin"]);
  const through = (text: string): string[] =>
    judge({
      "packages/raft/src/index.ts": text,
      "packages/runtime/src/index.ts": `import "node:fs";\nexport interface Clock {}`,
    });
  expect(through(`import { x } from "@compendium/runtime";`)).toHaveLength(1);
  expect(through(`import type { Clock } from "@compendium/runtime";`)).toEqual([]);
});

test("a subpath export may do what the core may not", () => {
  expect(
    judge({
      "packages/raft/package.json": manifest("packages/raft", {}, ["net"]),
      "packages/raft/src/index.ts": "export {};",
      "packages/raft/src/net.ts": `import "node:net"; import "ioredis"; setTimeout(() => {}, 1);`,
    }),
  ).toEqual([]);
});

test("the ground may ask the world: only patterns are held to purity", () => {
  expect(judge({ "packages/runtime/src/index.ts": "export const t = Date.now();" })).toEqual([]);
});
