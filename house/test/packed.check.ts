// DESIGN.md: "Published packages run on Node >= 22.12 and are tested packed on 22 and 24."
// Needs `npm run build` first, and a registry for npm.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { requireOrSkip } from "@compendium/metrics/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Artefact,
  guardPacked,
  type NodeVersion,
  pack,
  subpathsOf,
  withDependencies,
} from "../src/guards/packed.ts";
import { examplesOf } from "../src/guards/readme.ts";
import { report } from "../src/violation.ts";
import { type Manifest, type Package, packagesOf, readTree, rootFolder } from "../src/workspace.ts";

const tree = readTree();
const packages = packagesOf(tree);
const published = packages.filter(({ manifest }) => manifest.private !== true);
const node24: NodeVersion = { name: "24", executable: process.execPath };
const node22 = findNode22();
const nodes = node22 === undefined ? [node24] : [node22, node24];

let folder = "";
const tarballs = new Map<string, string>();

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "compendium-packed-"));
  await Promise.all(
    published.map(async ({ name, folder: source }) => {
      const dist = path.join(rootFolder, source, "dist");
      if (!existsSync(dist)) throw new Error(`${source}/dist is missing; run npm run build first`);
      tarballs.set(name, await pack(path.join(rootFolder, source), folder));
    }),
  );
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("Node 22 is at hand", (context) => {
  const how = `no package for ${process.platform}-${process.arch}; the packages are tried on 24 only`;
  requireOrSkip(context, { name: "node-22", present: node22 !== undefined, how });
});

describe.concurrent("packed, installed by plain npm, imported and type-checked", () => {
  test.each(published.map((owner) => [owner.name, owner] as const))("%s", async (name, owner) => {
    const artefact: Artefact = {
      name,
      file: `${owner.folder}/package.json`,
      manifest: owner.manifest,
      subpaths: subpathsOf(tree, packages, owner),
      tarballs: tarballsOf(owner),
      peerTarballs: new Map(peersOf(owner).map((peer) => [peer.name, tarballsOf(peer)])),
      examples: examplesOf(tree)
        .filter(({ file }) => file === `${owner.folder}/README.md`)
        .map(({ block }) => block),
    };
    const place = path.join(folder, owner.shortName);
    expect(report(await guardPacked(artefact, place, nodes))).toBe("");
  });
});

test("a package with every fault that only shows when packed is found out", async () => {
  const source = path.join(folder, "planted-source");
  const subpath = (name: string): object => ({
    types: `./dist/${name}.d.ts`,
    default: `./dist/${name}.js`,
  });
  const manifest = {
    name: "planted",
    version: "1.0.0",
    type: "module",
    files: ["dist"],
    exports: {
      ".": subpath("index"),
      "./unpacked": "./lib/unpacked.js",
      "./types": subpath("types"),
      "./peer": subpath("peer"),
      "./await": subpath("await"),
    },
  };
  const files: Record<string, string> = {
    "package.json": JSON.stringify(manifest),
    "dist/index.js": "export const fine = 1;",
    "dist/index.d.ts": "export declare const fine: number;",
    "lib/unpacked.js": "export {};",
    "dist/types.js": "export {};",
    "dist/types.d.ts": `export declare const gone: import("planted/nowhere").Gone;`,
    "dist/peer.js": `import "a-peer-that-is-not-installed";`,
    "dist/peer.d.ts": "export {};",
    "dist/await.js": "export const later = await Promise.resolve(1);",
    "dist/await.d.ts": "export declare const later: number;",
  };
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(source, file)), { recursive: true });
    await writeFile(path.join(source, file), text);
  }
  const found = await guardPacked(
    {
      name: "planted",
      file: "planted/package.json",
      manifest: manifest as unknown as Manifest,
      subpaths: Object.keys(manifest.exports).map((each) => ({ subpath: each, peers: [] })),
      tarballs: [await pack(source, folder)],
      peerTarballs: new Map(),
      examples: [{ text: `import { fine } from "planted";\nfine.gone();\n`, line: 7 }],
    },
    path.join(folder, "planted"),
    [node24],
  );
  const messages = report(found);
  expect(messages).not.toMatch(/(import|require) of planted:/); // The sound subpath.
  expect(messages).toContain("import of planted/unpacked");
  expect(messages).toContain("import of planted/peer");
  expect(messages).toContain("require of planted/await");
  expect(messages).not.toContain("import of planted/await");
  expect(messages).toContain("packed/types");
  expect(messages).toContain("planted/nowhere");
  expect(messages).toContain("a README block, planted/package.json, from line 7: (2,");
  expect(messages).toContain("holds no README.md");
});

function tarballsOf(owner: Package): string[] {
  return withDependencies(packages, owner).map(({ name }) => tarballs.get(name) ?? "");
}

function peersOf({ manifest }: Package): Package[] {
  const { peerDependencies = {} } = manifest;
  return packages.filter(({ name }) => name in peerDependencies);
}

// The package brings its own `node` command; nothing but this file is to find it.
function findNode22(): NodeVersion | undefined {
  const require = createRequire(import.meta.resolve("@compendium/node-22/package.json"));
  try {
    const found = require.resolve(`node-${process.platform}-${process.arch}/package.json`);
    return { name: "22", executable: path.join(path.dirname(found), "bin/node") };
  } catch {
    return undefined;
  }
}
