// DESIGN.md: "Nothing imports upwards, and siblings on a floor do not know each other unless an
// arrow is drawn here."
import { expect, test } from "vitest";
import { floorPlan } from "../src/floor-plan.ts";
import { guardFloors } from "../src/guards/floors.ts";
import { report } from "../src/violation.ts";
import { readTree } from "../src/workspace.ts";
import { manifest, plant } from "./plant.ts";

const rules = (files: Record<string, string>): string[] =>
  guardFloors(plant(files), floorPlan).map(({ rule }) => rule);

// A package that declares everything, so that only the direction can be wrong.
const declaring = (folder: string, ...names: string[]): Record<string, string> => ({
  [`${folder}/package.json`]: manifest(
    folder,
    Object.fromEntries(names.map((name) => [name, "^1.0.0"])),
  ),
});

test("the repository keeps the floor plan", () => {
  expect(report(guardFloors(readTree(), floorPlan))).toBe("");
});

test("an import downwards is allowed", () => {
  expect(
    rules({
      ...declaring("packages/raft", "@compendium/runtime"),
      "packages/raft/src/index.ts": `export * from "@compendium/runtime";`,
      "packages/runtime/src/index.ts": "export {};",
    }),
  ).toEqual([]);
});

const spellings = [
  `import { a } from "@compendium/raft";`,
  `import type { A } from "@compendium/raft";`,
  `export { a } from "@compendium/raft";`,
  `export * from "@compendium/raft";`,
  `export const raft = await import("@compendium/raft");`,
  `export type A = import("@compendium/raft").A;`,
];

test.each(spellings)("an import upwards is found, spelled %s", (text) => {
  const files = {
    ...declaring("packages/runtime", "@compendium/raft"),
    "packages/runtime/src/index.ts": `\n${text}\n`,
    "packages/raft/src/index.ts": "export {};",
  };
  expect(guardFloors(plant(files), floorPlan)).toMatchObject([
    { file: "packages/runtime/src/index.ts", line: 2, rule: "floor-plan/upwards" },
  ]);
});

test("a sibling without an arrow is found, one with an arrow is allowed", () => {
  const both = (importer: string, imported: string): string[] =>
    rules({
      ...declaring(`packages/${importer}`, `@compendium/${imported}`),
      [`packages/${importer}/src/index.ts`]: `import "@compendium/${imported}";`,
      [`packages/${imported}/src/index.ts`]: "export {};",
    });
  expect(both("rate-limiter", "circuit-breaker")).toEqual(["floor-plan/sideways"]);
  expect(both("circuit-breaker", "resilience")).toEqual(["floor-plan/sideways"]);
  expect(both("resilience", "circuit-breaker")).toEqual([]);
  expect(both("runtime", "metrics")).toEqual(["floor-plan/sideways"]);
  expect(both("metrics", "runtime")).toEqual([]);
});

test("shipped code does not import the ground that tests stand on; the demo may", () => {
  const from = (folder: string): string[] =>
    rules({
      ...declaring(folder, "@compendium/simulation"),
      [`${folder}/src/index.ts`]: `import "@compendium/simulation";`,
      "packages/simulation/src/index.ts": "export {};",
    });
  expect(from("packages/raft")).toEqual(["floor-plan/test-ground"]);
  expect(from("examples/shownotes")).toEqual([]);
});

test("an import that the manifest does not declare is found, a peer is declared", () => {
  const text = `import "ioredis";`;
  expect(rules({ "packages/raft/src/index.ts": text })).toEqual(["floor-plan/undeclared"]);
  const peers = { name: "@compendium/raft", peerDependencies: { ioredis: "5" } };
  expect(
    rules({
      "packages/raft/package.json": JSON.stringify(peers),
      "packages/raft/src/redis.ts": text,
    }),
  ).toEqual([]);
});

test("a builtin without node: counts as undeclared", () => {
  expect(rules({ "packages/runtime/src/index.ts": `import "fs";` })).toEqual([
    "floor-plan/undeclared",
  ]);
});

test("a relative import out of the package and a subpath that is not exported are found", () => {
  expect(
    rules({
      ...declaring("packages/raft", "@compendium/runtime"),
      "packages/raft/src/a.ts": `import "../../runtime/src/index.ts";`,
      "packages/raft/src/b.ts": `import "@compendium/runtime/src/clock.ts";`,
      "packages/runtime/src/index.ts": "export {};",
    }),
  ).toEqual(["floor-plan/escape", "floor-plan/no-such-subpath"]);
});

test("a data file is imported if the manifest exports it", () => {
  const importing = (specifier: string): string[] =>
    rules({
      ...declaring("examples/shownotes", "@compendium/load-tests"),
      "examples/shownotes/src/a.ts": `import x from "@compendium/load-tests/${specifier}";`,
      "load-tests/package.json": JSON.stringify({
        name: "@compendium/load-tests",
        exports: { "./x1.json": "./x1.json", "./scenarios/*": "./scenarios/*" },
      }),
    });
  expect(importing("x1.json")).toEqual([]);
  expect(importing("scenarios/x1.json")).toEqual([]);
  expect(importing("secret.json")).toEqual(["floor-plan/no-such-subpath"]);
});

test("a package that the plan does not know is told to join it", () => {
  const found = guardFloors(plant({ "packages/gossip/src/index.ts": "export {};" }), floorPlan);
  expect(report(found)).toContain("house/src/floor-plan.ts");
  expect(found).toMatchObject([{ rule: "floor-plan/unknown-package" }]);
});

test("the plan itself names each package once, and its arrows never point up", () => {
  const names = floorPlan.floors.flatMap((floor) => floor.packages);
  expect(new Set(names).size).toBe(names.length);
  const level = (name: string): number =>
    floorPlan.floors.findIndex((floor) => floor.packages.includes(name));
  for (const [from, targets] of Object.entries(floorPlan.arrows)) {
    for (const to of targets)
      expect(level(from), `${from} → ${to}`).toBeGreaterThanOrEqual(level(to));
  }
});
