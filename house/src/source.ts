// A TypeScript file as the guards see it: its syntax tree, its comments, and lines for offsets.
// TypeScript 7 publishes no syntax tree; oxc-parser does, with the ESTree node names and offsets in
// UTF-16 units, so that `text.slice(node.start, node.end)` is the node.
// Left out: types. A guard that needs to know what a name means belongs into the type checker.
import { type Comment, type Node, type Program, parseSync, visitorKeys } from "oxc-parser";

/** One parsed file. */
export interface Source {
  readonly file: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
  /** The line of an offset, counted from 1. */
  lineAt(offset: number): number;
}

// Guards look at the same text again and again; a tree never changes, so each file is parsed once.
const parsed = new WeakMap<ReadonlyMap<string, string>, Map<string, Source>>();

/** Parses one file of a tree. Throws SyntaxError where the file is not TypeScript. */
export function sourceOf(tree: ReadonlyMap<string, string>, file: string): Source {
  const cache = parsed.get(tree) ?? new Map<string, Source>();
  parsed.set(tree, cache);
  const source = cache.get(file) ?? parse(file, tree.get(file) ?? "");
  cache.set(file, source);
  return source;
}

function parse(file: string, text: string): Source {
  const { program, comments, errors } = parseSync(file, text, { preserveParens: false });
  if (errors[0] !== undefined) throw new SyntaxError(`${file}: ${errors[0].message}`);

  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  const lineAt = (offset: number): number => {
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
  return { file, text, program, comments, lineAt };
}

/** Calls `visit` for every node, parents before children; `parents` is the path from the root. */
export function walk(
  root: Node,
  visit: (node: Node, parents: readonly Node[]) => void,
  parents: Node[] = [],
): void {
  visit(root, parents);
  parents.push(root);
  const children = root as unknown as Record<string, unknown>;
  for (const key of visitorKeys[root.type] ?? []) {
    for (const child of [children[key]].flat()) {
      if (isNode(child)) walk(child, visit, parents);
    }
  }
  parents.pop();
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && "start" in value;

/** True for files that the parser reads. */
export const isCode = (file: string): boolean => /\.[cm]?[jt]sx?$/.test(file);
