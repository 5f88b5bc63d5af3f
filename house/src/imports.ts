// Which file imports what: static and dynamic imports, re-exports and `import("…")` types, each
// with its line and whether it survives type stripping. Then the closure over them, across
// packages.
// Left out: `require` and computed specifiers; the repository is ESM, and a computed import of a
// package is refused elsewhere by not being declared.
import path from "node:path";
import { sourceOf, walk } from "./source.ts";
import type { Package, Tree } from "./workspace.ts";

/** One import in one file. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** True where stripping types removes it: it loads nothing at run time. */
  readonly typeOnly: boolean;
}

/** Every import of a file, in order. */
export function importsOf(tree: Tree, file: string): Import[] {
  const source = sourceOf(tree, file);
  const found: Import[] = [];
  const add = (specifier: string, offset: number, typeOnly: boolean): void => {
    found.push({ specifier, line: source.lineAt(offset), typeOnly });
  };
  walk(source.program, (node) => {
    if (node.type === "ImportDeclaration") {
      // `import { type A }` keeps the import under verbatimModuleSyntax: only `import type` goes.
      add(node.source.value, node.start, node.importKind === "type");
    } else if (node.type === "ExportAllDeclaration") {
      add(node.source.value, node.start, node.exportKind === "type");
    } else if (node.type === "ExportNamedDeclaration" && node.source) {
      add(node.source.value, node.start, node.exportKind === "type");
    } else if (node.type === "TSImportType") {
      add(node.source.value, node.start, true);
    } else if (node.type === "ImportExpression" && node.source.type === "Literal") {
      if (typeof node.source.value === "string") add(node.source.value, node.start, false);
    }
  });
  return found;
}

/** Where a specifier leads. */
export type Target =
  | { readonly kind: "builtin"; readonly name: string }
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "workspace"; readonly package: Package; readonly entry: string | undefined }
  | { readonly kind: "third-party"; readonly name: string };

/** Resolves a specifier as Node would, under the source condition. */
export function resolve(from: string, specifier: string, packages: readonly Package[]): Target {
  if (specifier.startsWith("node:")) return { kind: "builtin", name: specifier };
  if (specifier.startsWith(".")) {
    return { kind: "file", file: path.posix.join(path.posix.dirname(from), specifier) };
  }
  const parts = specifier.split("/");
  const name = parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  const owner = packages.find((candidate) => candidate.name === name);
  if (owner === undefined) return { kind: "third-party", name };
  const entry = owner.entries.get(`.${specifier.slice(name.length)}`);
  return { kind: "workspace", package: owner, entry };
}

/** A file that an entry reaches, and how it was reached: the specifiers from the entry on. */
export interface Reached {
  readonly target: Target;
  readonly from: string;
  readonly line: number;
  readonly via: readonly string[];
}

/** Everything that `entry` reaches, itself excluded. `followTypes` also follows what is erased. */
export function reach(
  tree: Tree,
  packages: readonly Package[],
  entry: string,
  followTypes: boolean,
): Reached[] {
  const reached: Reached[] = [];
  const seen = new Set([entry]);
  const queue: { file: string; via: readonly string[] }[] = [{ file: entry, via: [] }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { file, via } = next;
    if (!tree.has(file)) continue;
    for (const { specifier, line, typeOnly } of importsOf(tree, file)) {
      if (typeOnly && !followTypes) continue;
      const target = resolve(file, specifier, packages);
      const path = [...via, specifier];
      reached.push({ target, from: file, line, via: path });
      const follow =
        target.kind === "file"
          ? target.file
          : target.kind === "workspace"
            ? target.entry
            : undefined;
      if (follow === undefined || seen.has(follow)) continue;
      seen.add(follow);
      queue.push({ file: follow, via: path });
    }
  }
  return reached;
}
