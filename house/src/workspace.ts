// The repository as a value: a map from path to text, and the packages found in it. Guards take
// this map and nothing else, so a test can plant a fault in three lines, and the same guard then
// runs on the real tree. Packages are read from the manifests: a later package is held to the plan
// unasked.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Every text file that is or could be committed: path from the root, with `/`, to its text. */
export type Tree = ReadonlyMap<string, string>;

/** The part of a package.json that guards read. */
export interface Manifest {
  readonly name: string;
  readonly version?: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A workspace package. */
export interface Package {
  /** `@compendium/circuit-breaker`. */
  readonly name: string;
  /** The folder's own name, as the floor plan knows it: `circuit-breaker`. */
  readonly shortName: string;
  /** `packages/circuit-breaker`. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** Its source files, paths from the root. */
  readonly sources: readonly string[];
  /** Subpath (`.`, `./metrics`) to the source file that it exports. */
  readonly entries: ReadonlyMap<string, string>;
}

/** The condition under which packages of this repository see each other's sources. */
export const sourceCondition = "@compendium/source";

/** The repository's root on this machine. */
export const rootFolder: string = path.resolve(import.meta.dirname, "../..");

/** Reads the real tree: what git tracks or would track; without git, all but build results. */
export function readTree(root: string = rootFolder): Tree {
  const tree = new Map<string, string>();
  for (const file of listFiles(root)) {
    const absolute = path.join(root, file);
    // A file may be deleted but not yet staged; a link may lead to a folder.
    if (!existsSync(absolute)) continue;
    const bytes = readFileSync(absolute);
    if (!bytes.subarray(0, 8000).includes(0)) tree.set(file, bytes.toString("utf8"));
  }
  return tree;
}

function listFiles(root: string): string[] {
  if (existsSync(path.join(root, ".git"))) {
    const options = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    try {
      const listing = execFileSync("git", options, { cwd: root, encoding: "utf8", stdio: "pipe" });
      return [...new Set(listing.split("\0"))].filter((file) => file !== "").sort();
    } catch {
      // A container may have the folder without the command, or distrust its owner: walk instead.
    }
  }
  const ignored = /(^|\/)(node_modules|dist|coverage|\.turbo|\.git)(\/|$)|\.tsbuildinfo$/;
  const files: string[] = [];
  const enter = (folder: string): void => {
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const file = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (ignored.test(file)) continue;
      if (entry.isDirectory()) enter(file);
      else if (entry.isFile()) files.push(file);
    }
  };
  enter("");
  return files.sort();
}

/** Finds the workspace packages of a tree, in the order of their folders. */
export function packagesOf(tree: Tree): Package[] {
  const found: Package[] = [];
  for (const [file, text] of tree) {
    const folder = /^((?:packages|examples)\/[^/]+|house|load-tests)\/package\.json$/.exec(
      file,
    )?.[1];
    if (folder === undefined) continue;
    const manifest = JSON.parse(text) as Manifest;
    const sources = [...tree.keys()].filter((other) => other.startsWith(`${folder}/src/`));
    const shortName = folder.slice(folder.lastIndexOf("/") + 1);
    const entries = entriesOf(manifest, folder);
    found.push({ name: manifest.name, shortName, folder, manifest, sources, entries });
  }
  return found.sort((a, b) => a.folder.localeCompare(b.folder));
}

function entriesOf(manifest: Manifest, folder: string): Map<string, string> {
  const entries = new Map<string, string>();
  for (const [subpath, target] of Object.entries(manifest.exports ?? {})) {
    const file = typeof target === "string" ? target : target[sourceCondition];
    if (file?.endsWith(".ts")) entries.set(subpath, path.posix.join(folder, file));
  }
  return entries;
}

/** The line of the first place where `text` contains `part`, from 1; 1 where it does not. */
export function lineOf(text: string | undefined, part: string): number {
  const at = text?.indexOf(part) ?? -1;
  return at < 0 ? 1 : (text ?? "").slice(0, at).split("\n").length;
}
