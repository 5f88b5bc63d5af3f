// A small tree to plant faults in: a manifest with the usual exports for each package named by the
// files, unless one is given.
import type { Tree } from "../src/workspace.ts";

/** Builds a tree from paths and texts. */
export function plant(files: Readonly<Record<string, string>>): Tree {
  const tree = new Map<string, string>();
  for (const [file, text] of Object.entries(files)) {
    const folder = /^(packages|examples)\/[^/]+/.exec(file)?.[0];
    if (folder !== undefined && files[`${folder}/package.json`] === undefined) {
      tree.set(`${folder}/package.json`, manifest(folder));
    }
    tree.set(file, text);
  }
  return tree;
}

/** A manifest as text, with dependencies and further subpaths. */
export function manifest(
  folder: string,
  dependencies: Readonly<Record<string, string>> = {},
  subpaths: readonly string[] = [],
): string {
  const name = `@compendium/${folder.slice(folder.lastIndexOf("/") + 1)}`;
  const target = (file: string): object => ({
    "@compendium/source": `./src/${file}.ts`,
    default: `./dist/${file}.js`,
  });
  const exports = { ".": target("index") } as Record<string, object>;
  for (const subpath of subpaths) exports[`./${subpath}`] = target(subpath);
  return JSON.stringify({ name, version: "1.0.0", exports, dependencies }, undefined, 2);
}
