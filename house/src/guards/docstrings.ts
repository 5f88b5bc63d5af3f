// Every public name has a docstring of at least one sentence (STYLE.md, habit 10): what a package's
// `exports` lead to, through re-exports, and the members of exported classes, interfaces and object
// types. A docstring's promise is a property test waiting to be written; no docstring, no promise.
// Left out: constructors (the class speaks for them), members keyed by well-known symbols (the
// protocol speaks for them), members of a class that an interface it implements documents, and
// names passed on from other packages.
import type { Node } from "oxc-parser";
import { resolve } from "../imports.ts";
import { type Source, sourceOf, walk } from "../source.ts";
import type { Violation } from "../violation.ts";
import { type Package, packagesOf, type Tree } from "../workspace.ts";

/** Public names and members without a docstring. */
export function guardDocstrings(tree: Tree): Violation[] {
  const packages = packagesOf(tree);
  const found = new Map<string, Violation>();
  for (const owner of packages) {
    for (const entry of owner.entries.values()) {
      for (const { source, node, name } of exportsOf(tree, packages, entry)) {
        for (const violation of judge(tree, owner, source, node, name)) {
          // One name may be exported at two subpaths: say it once.
          found.set(`${violation.file}:${violation.line}:${violation.message}`, violation);
        }
      }
    }
  }
  return [...found.values()];
}

interface PublicName {
  readonly source: Source;
  /** The statement that declares the name. */
  readonly node: Node;
  readonly name: string;
}

function exportsOf(
  tree: Tree,
  packages: readonly Package[],
  file: string,
  wanted?: ReadonlySet<string>,
  seen = new Set<string>(),
): PublicName[] {
  const key = `${file} ${[...(wanted ?? [])].join()}`;
  if (!tree.has(file) || seen.has(key)) return [];
  seen.add(key);
  const source = sourceOf(tree, file);
  const found: PublicName[] = [];
  const locals = new Set<string>();
  const follow = (specifier: string, names?: ReadonlySet<string>): void => {
    const target = resolve(file, specifier, packages);
    if (target.kind === "file") found.push(...exportsOf(tree, packages, target.file, names, seen));
  };
  for (const statement of source.program.body) {
    if (statement.type === "ExportAllDeclaration") {
      follow(statement.source.value, wanted);
    } else if (statement.type === "ExportNamedDeclaration" && statement.declaration) {
      for (const name of namesOf(statement.declaration)) {
        if (wanted?.has(name) ?? true) found.push({ source, node: statement, name });
      }
    } else if (statement.type === "ExportNamedDeclaration") {
      const named = statement.specifiers.filter((each) => wanted?.has(text(each.exported)) ?? true);
      const names = new Set(named.map((each) => text(each.local)));
      if (statement.source) follow(statement.source.value, names);
      else for (const name of names) locals.add(name);
    }
  }
  found.push(...localsOf(source, locals, follow));
  return found;
}

// `export { a }` for a name declared or imported elsewhere in the file.
function localsOf(
  source: Source,
  locals: ReadonlySet<string>,
  follow: (specifier: string, names: ReadonlySet<string>) => void,
): PublicName[] {
  const found: PublicName[] = [];
  for (const node of source.program.body) {
    if (node.type === "ImportDeclaration") {
      for (const each of node.specifiers) {
        const imported = each.type === "ImportSpecifier" ? text(each.imported) : undefined;
        if (imported && locals.has(each.local.name)) follow(node.source.value, new Set([imported]));
      }
    } else if (!node.type.startsWith("Export")) {
      for (const name of namesOf(node)) if (locals.has(name)) found.push({ source, node, name });
    }
  }
  return found;
}

const text = (name: { name: string } | { value: string }): string =>
  "name" in name ? name.name : name.value;

function namesOf(declaration: Node): string[] {
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.flatMap(({ id }) =>
      id.type === "Identifier" ? [id.name] : [],
    );
  }
  const id = "id" in declaration ? declaration.id : undefined;
  return id?.type === "Identifier" ? [id.name] : [];
}

function judge(tree: Tree, owner: Package, source: Source, node: Node, name: string): Violation[] {
  const violations: Violation[] = [];
  const refuse = (offset: number, what: string): void => {
    const message = `${what} of ${owner.name} has no docstring; say in a sentence what it promises`;
    const line = source.lineAt(offset);
    violations.push({ file: source.file, line, rule: "docstrings/missing", message });
  };
  const declaration = "declaration" in node && node.declaration ? node.declaration : node;
  // The docstring of an overloaded function stands on its first signature.
  const overloads = source.program.body.filter((other) => {
    const inner = "declaration" in other && other.declaration ? other.declaration : other;
    return /Function$|FunctionDeclaration/.test(inner.type) && namesOf(inner).includes(name);
  });
  if (![node, ...overloads].some((each) => documented(source, each.start))) {
    refuse(node.start, name);
  }
  for (const member of membersOf(tree, declaration)) {
    if (!member.starts.some((start) => documented(source, start))) {
      refuse(member.starts[0] ?? node.start, `${name}.${member.name}`);
    }
  }
  return violations;
}

interface Member {
  readonly name: string;
  /** Where it is declared: a getter and its setter share a docstring, as overloads do. */
  readonly starts: number[];
}

function membersOf(tree: Tree, declaration: Node): Member[] {
  const members = new Map<string, Member>();
  const inherited =
    declaration.type === "ClassDeclaration" ? implementedMembers(tree, declaration) : new Set();
  for (const node of bodyOf(declaration)) {
    if (!("key" in node) || node.key.type !== "Identifier") continue;
    if ("computed" in node && node.computed) continue;
    if ("accessibility" in node && /private|protected/.test(node.accessibility ?? "")) continue;
    if ("override" in node && node.override) continue;
    const { name } = node.key;
    if (name === "constructor" || inherited.has(name)) continue;
    const member = members.get(name) ?? { name, starts: [] };
    members.set(name, member);
    member.starts.push(node.start);
  }
  return [...members.values()];
}

function bodyOf(declaration: Node): readonly Node[] {
  if (declaration.type === "ClassDeclaration") return declaration.body.body;
  if (declaration.type === "TSInterfaceDeclaration") return declaration.body.body;
  if (declaration.type !== "TSTypeAliasDeclaration") return [];
  const { typeAnnotation } = declaration;
  return typeAnnotation.type === "TSTypeLiteral" ? typeAnnotation.members : [];
}

// By name over the whole tree: close enough, and the interface's own docstrings are judged anyway.
function implementedMembers(tree: Tree, declaration: Node): Set<string> {
  const names = new Set<string>();
  if (declaration.type !== "ClassDeclaration") return names;
  const wanted = new Set<string>();
  for (const { expression } of declaration.implements ?? []) {
    if (expression.type === "Identifier") wanted.add(expression.name);
  }
  if (wanted.size === 0) return names;
  for (const file of tree.keys()) {
    if (!/^packages\/[^/]+\/src\/.*\.ts$/.test(file)) continue;
    walk(sourceOf(tree, file).program, (node) => {
      if (node.type !== "TSInterfaceDeclaration" || !wanted.has(node.id.name)) return;
      for (const member of node.body.body) {
        if ("key" in member && member.key.type === "Identifier") names.add(member.key.name);
      }
    });
  }
  return names;
}

// A docstring is the block comment that ends right before the declaration.
function documented({ comments, text }: Source, start: number): boolean {
  const comment = comments.findLast(({ end }) => end <= start);
  if (comment?.type !== "Block" || !comment.value.startsWith("*")) return false;
  if (text.slice(comment.end, start).trim() !== "") return false;
  const prose =
    comment.value
      .replace(/^\s*\*+ ?/gm, "")
      .split(/^\s*@\w+/m)[0]
      ?.trim() ?? "";
  return /\S\s+\S/.test(prose) && /[.!?:)`](\s|$)/.test(prose);
}
