// The pure core (DESIGN.md, "A pure core, a thin shell"): what a pattern exports as "." is
// deterministic and imports alone. So its files have no clock, timer, chance or node: module of
// their own, and nothing that they reach, through other packages too, is third-party. The edges
// (/metrics, /redis, /grpc) are subpaths with leave to do all of it.
// The tree is judged, not the text: `Date.now()` in a comment or a string is no call.
import type { Node } from "oxc-parser";
import type { FloorPlan } from "../floor-plan.ts";
import { type Reached, reach } from "../imports.ts";
import { type Source, sourceOf, walk } from "../source.ts";
import type { Violation } from "../violation.ts";
import { type Package, packagesOf, type Tree } from "../workspace.ts";

const globals = new Set(["setTimeout", "setInterval", "setImmediate", "fetch", "process"]);
const members = new Set([
  "AbortSignal.timeout",
  "Date.now",
  "Math.random",
  "crypto.getRandomValues",
  "crypto.randomUUID",
  "performance.now",
]);

/** Impure calls in, and impure imports reachable from, the core of each pattern. */
export function guardPureCores(tree: Tree, plan: FloorPlan): Violation[] {
  const pure = plan.floors.filter((floor) => floor.pureCore).flatMap((floor) => floor.packages);
  const packages = packagesOf(tree);
  return packages
    .filter(({ folder, shortName }) => folder.startsWith("packages/") && pure.includes(shortName))
    .flatMap((pattern) => guardCore(tree, packages, pattern));
}

function guardCore(tree: Tree, packages: readonly Package[], pattern: Package): Violation[] {
  const entry = pattern.entries.get(".");
  if (entry === undefined) return [];
  const own = (file: string): boolean => file.startsWith(`${pattern.folder}/`);
  const violations: Violation[] = [];

  // Types beside the code: a user's compiler follows `import type` too, so types count here.
  const everything = reach(tree, packages, entry, true);
  for (const { target, from, line, via } of everything) {
    if (target.kind === "third-party") {
      const message = `the core of ${pattern.name} reaches ${target.name} (${via.join(" → ")}); move this behind a subpath export`;
      violations.push({ file: from, line, rule: "pure-core/third-party", message });
    }
    if (target.kind === "builtin" && own(from)) violations.push(builtin(pattern, from, line, via));
  }
  // In other packages only what is loaded counts: an interface may stand beside a Node shell.
  for (const { target, from, line, via } of reach(tree, packages, entry, false)) {
    if (target.kind === "builtin" && !own(from)) violations.push(builtin(pattern, from, line, via));
  }

  for (const file of new Set([entry, ...everything.flatMap(fileOf)])) {
    if (own(file) && tree.has(file)) violations.push(...impureCalls(sourceOf(tree, file)));
  }
  return violations;
}

const fileOf = ({ target }: Reached): string[] => (target.kind === "file" ? [target.file] : []);

function builtin(pattern: Package, file: string, line: number, via: readonly string[]): Violation {
  const message = `the core of ${pattern.name} reaches ${via.join(" → ")}; take what you need as an argument, or move this behind a subpath export`;
  return { file, line, rule: "pure-core/builtin", message };
}

function impureCalls(source: Source): Violation[] {
  const declared = declaredNames(source);
  const violations: Violation[] = [];
  const refuse = (node: Node, what: string): void => {
    const message = `${what} in a pure core; let the caller pass in what it asks of the world`;
    const line = source.lineAt(node.start);
    violations.push({ file: source.file, line, rule: "pure-core/impure", message });
  };
  walk(source.program, (node, parents) => {
    if (node.type === "MemberExpression" && node.object.type === "Identifier") {
      const property = node.property.type === "Identifier" ? node.property.name : "";
      const name = `${node.object.name}.${property}`;
      if (members.has(name) && !declared.has(node.object.name)) refuse(node, name);
      if (node.object.name === "globalThis" && globals.has(property)) refuse(node, name);
    }
    if (node.type === "NewExpression" && node.callee.type === "Identifier") {
      // With an argument, Date only converts; without, it asks the wall clock.
      if (node.callee.name === "Date" && node.arguments.length === 0) refuse(node, "new Date()");
    }
    if (node.type === "Identifier" && globals.has(node.name) && !declared.has(node.name)) {
      if (isReference(node, parents.at(-1))) refuse(node, node.name);
    }
  });
  return violations;
}

// A name used as a value, not as the label of a member: `clock.setTimeout` belongs to the clock.
function isReference(node: Node, parent: Node | undefined): boolean {
  if (parent === undefined) return true;
  if (parent.type === "MemberExpression") return parent.object === node || parent.computed;
  if (parent.type === "Property") return parent.value === node;
  return !("key" in parent && parent.key === node) && parent.type !== "TSTypeQuery";
}

// Names that the file itself binds hide the global of that name. One scope is close enough here.
function declaredNames({ program }: Source): Set<string> {
  const names = new Set<string>();
  const bind = (pattern: Node | null): void => {
    if (pattern?.type === "Identifier") names.add(pattern.name);
  };
  walk(program, (node) => {
    if (node.type === "VariableDeclarator" || node.type === "FunctionDeclaration") bind(node.id);
    if (node.type === "ImportSpecifier" || node.type === "ImportDefaultSpecifier") bind(node.local);
    if ("params" in node && Array.isArray(node.params)) for (const each of node.params) bind(each);
  });
  return names;
}
