// What of STYLE.md a machine can judge about the shape of code: headers, lengths, names, and the
// ways of silencing a checker. The limits stand well above the habits (200 lines a file, 60 a
// function), so that reaching one means the file wants a neighbour, not a shorter comment.
// Left out: everything that formatting and linting already decide.
import type { Node, TSTypeAnnotation } from "oxc-parser";
import { isCode, type Source, sourceOf, walk } from "../source.ts";
import type { Violation } from "../violation.ts";
import type { Tree } from "../workspace.ts";

/** The limits, in lines and columns. */
export const limits = { fileLines: 400, functionLines: 100, columns: 100 } as const;

// How much may stand behind a literal that fills its line.
const BEHIND = 20;

/** Judges every code file of the tree. */
export function guardTidy(tree: Tree): Violation[] {
  return [...tree.keys()].filter(isCode).flatMap((file) => judge(sourceOf(tree, file)));
}

function judge(source: Source): Violation[] {
  const violations: Violation[] = [];
  const refuse: Refuse = (offset, rule, message) => {
    const line = source.lineAt(offset);
    violations.push({ file: source.file, line, rule: `tidy/${rule}`, message });
  };
  judgeText(source, refuse);
  judgeComments(source, refuse);
  walk(source.program, (node, parents) => {
    // A declaration file names what somebody else has made.
    if (!source.file.endsWith(".d.ts")) judgeNames(node, refuse);
    judgeFunction(source, node, parents, refuse);
    if (isTest(source.file)) judgeSkips(node, refuse);
    if (node.type === "TSAsExpression" && node.typeAnnotation.type === "TSAnyKeyword") {
      refuse(node.start, "as-any", "`as any` switches the checker off; narrow, or use `unknown`");
    }
  });
  return violations;
}

type Refuse = (offset: number, rule: string, message: string) => void;

const isTest = (file: string): boolean => /\.(test|spec)\.[cm]?[jt]s$/.test(file);

function judgeText(source: Source, refuse: Refuse): void {
  const { file, text, program } = source;
  const lines = text.replace(/\n$/, "").split("\n");
  if (lines.length > limits.fileLines) {
    const message = `${lines.length} lines, at most ${limits.fileLines}; give one idea a file of its own`;
    refuse(text.length, "file-length", message);
  }
  judgeColumns(source, lines, refuse);
  if (!/^(packages|examples)\/[^/]+\/src\/|^house\/src\//.test(file)) return;
  const first = program.body[0];
  const onlyExports = program.body.every(
    (node) =>
      node.type === "ExportAllDeclaration" ||
      (node.type === "ExportNamedDeclaration" && node.declaration === null),
  );
  if (file.endsWith("/index.ts") && onlyExports) return;
  const headed = source.comments.some(({ start }) => start < (first?.start ?? text.length));
  if (!headed) {
    const message =
      "no header; begin the file with a comment: the idea, the reference, what is left out";
    refuse(0, "header", message);
  }
}

function judgeColumns(source: Source, lines: readonly string[], refuse: Refuse): void {
  // A message or a test's name is searched for as a whole: a literal may cross the edge, as may a
  // URL.
  const literals: Node[] = [];
  walk(source.program, (node) => {
    const isText = node.type === "Literal" || node.type === "TemplateLiteral";
    if (isText && node.end - node.start > 20) literals.push(node);
  });
  let offset = 0;
  for (const line of lines) {
    const columns = [...line].length; // A reader counts characters, not UTF-16 units.
    const edge = offset + limits.columns;
    // A sentence is not broken, and what the formatter leaves behind it stays: `", async () => {`.
    const crossed = literals.some(({ start, end }) => start < edge && end >= edge - BEHIND);
    if (columns > limits.columns && !crossed && !/https?:\/\/\S{40}/.test(line)) {
      refuse(offset, "columns", `${columns} columns, at most ${limits.columns}; reflow it`);
    }
    offset += line.length + 1;
  }
}

function judgeComments({ comments }: Source, refuse: Refuse): void {
  for (const { start, value } of comments) {
    const mark = /\b(TODO|FIXME|XXX)\b/.exec(value)?.[0];
    if (mark !== undefined) {
      refuse(
        start,
        "todo",
        `${mark} in a comment; do it, or open an issue and say what is left out`,
      );
    }
    if (/@ts-(ignore|nocheck)\b/.test(value)) {
      const message =
        "@ts-ignore and @ts-nocheck hide every error; use @ts-expect-error, and say why";
      refuse(start, "ts-ignore", message);
    }
    if (/licensed under|copyright \(c\)|SPDX-License|@license/i.test(value)) {
      refuse(start, "licence-banner", "a licence banner; LICENSE at the root says it once");
    }
  }
}

const unitless = /(^|[a-z])(timeout|delay|interval|duration)$/i;

function judgeNames(node: Node, refuse: Refuse): void {
  if (node.type === "TSInterfaceDeclaration" && /^I[A-Z][a-z]/.test(node.id.name)) {
    const better = node.id.name.slice(1);
    refuse(node.id.start, "interface-prefix", `${node.id.name}; call it ${better}`);
  }
  const named = namedNumber(node);
  if (named !== undefined && unitless.test(named)) {
    refuse(node.start, "unit", `${named} has no unit; call it ${named}Ms`);
  }
}

// The name of a property, an option or a parameter whose declared type is a number.
function namedNumber(node: Node): string | undefined {
  if (node.type === "TSPropertySignature" || node.type === "PropertyDefinition") {
    const { key, typeAnnotation } = node;
    if (key.type !== "Identifier" && key.type !== "PrivateIdentifier") return undefined;
    return isNumber(typeAnnotation) ? key.name : undefined;
  }
  if (node.type !== "Identifier" || !("typeAnnotation" in node)) return undefined;
  return isNumber(node.typeAnnotation) ? node.name : undefined;
}

function isNumber(annotation: TSTypeAnnotation | null | undefined): boolean {
  const type = annotation?.typeAnnotation;
  const types = type?.type === "TSUnionType" ? type.types : [type];
  return types.some((each) => each?.type === "TSNumberKeyword");
}

function judgeFunction(source: Source, node: Node, parents: readonly Node[], refuse: Refuse): void {
  const isFunction =
    node.type === "FunctionDeclaration" ||
    node.type === "FunctionExpression" ||
    node.type === "ArrowFunctionExpression";
  if (!isFunction) return;
  const length = source.lineAt(node.end) - source.lineAt(node.start) + 1;
  if (length <= limits.functionLines) return;
  // A `describe` is a heading with tests below it; its length is the file's.
  const parent = parents.at(-1);
  if (parent?.type === "CallExpression" && isTest(source.file)) {
    if (/^describe\b/.test(source.text.slice(parent.callee.start, parent.callee.end))) return;
  }
  const message = `a function of ${length} lines, at most ${limits.functionLines}; name its parts`;
  refuse(node.start, "function-length", message);
}

const suites = new Set(["test", "it", "describe", "suite"]);

function judgeSkips(node: Node, refuse: Refuse): void {
  if (node.type === "MemberExpression" && node.property.type === "Identifier") {
    let root: Node = node.object;
    while (root.type === "MemberExpression") root = root.object;
    const word = node.property.name;
    if (root.type === "Identifier" && suites.has(root.name)) {
      if (/^(only|skip|todo|skipIf|runIf)$/.test(word)) {
        const message = `${root.name}.${word} hides tests; call requireOrSkip of @compendium/metrics/testing inside the test, which gives the reason and obeys COMPENDIUM_REQUIRE`;
        refuse(node.start, "skip", message);
      }
    }
  }
  if (node.type === "CallExpression" && node.callee.type === "MemberExpression") {
    const { property } = node.callee;
    if (property.type === "Identifier" && property.name === "skip" && node.arguments.length === 0) {
      refuse(node.start, "skip", "skip() gives no reason; say what is absent and how to get it");
    }
  }
}
