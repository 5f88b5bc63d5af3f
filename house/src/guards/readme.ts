// A README teaches before it lists (DESIGN.md, "A package's README"), so its sections stand in one
// order everywhere; and it never says what is not so: its scripts, files and links exist. The `ts`
// blocks are run by `runBlock` below, as modules inside the package, exactly as a reader would.
// Left out: whether the prose is true.
import { spawn } from "node:child_process";
import path from "node:path";
import { type Block, type Heading, readPage } from "../markdown.ts";
import type { Violation } from "../violation.ts";
import { type Manifest, packagesOf, sourceCondition, type Tree } from "../workspace.ts";

const sections: readonly [string, RegExp][] = [
  ["The idea", /^The idea$/],
  ["Use it", /^Use it$/],
  ["How it works inside", /^How it works inside$/],
  ["Why not …?", /^Why not .+\?$/],
  ["The formal ground", /^The formal ground$/],
  ["Tuning", /^Tuning$/],
  ["Metrics", /^Metrics$/],
  ["Measured", /^Measured$/],
  ["What it does not do", /^What it does not do$/],
];

/** READMEs that are missing, or lack a section, or have it out of order. */
export function guardSections(tree: Tree): Violation[] {
  return packagesOf(tree).flatMap(({ folder, name }) => {
    if (!folder.startsWith("packages/")) return [];
    const file = `${folder}/README.md`;
    const text = tree.get(file);
    const refuse = (line: number, message: string): Violation[] => [
      { file, line, rule: "readme/sections", message },
    ];
    if (text === undefined) {
      const names = sections.map(([title]) => title).join(" · ");
      return refuse(1, `${name} has no README; write one with the sections ${names}`);
    }
    const { headings } = readPage(text);
    if (headings[0]?.level !== 1) return refuse(1, `begin with a heading: # ${name}`);
    return judgeSections(headings, refuse);
  });
}

function judgeSections(
  headings: readonly Heading[],
  refuse: (line: number, message: string) => Violation[],
): Violation[] {
  let next = 0;
  for (const { level, text, line } of headings) {
    if (level === 1 && line > 1 && next > 0) return refuse(line, "a second title; use ##");
    if (level !== 2) continue;
    if (sections[next]?.[1].test(text)) next++;
    // "One or two alternatives": each may have a section of its own.
    else if (!(next > 0 && text.startsWith("Why not") && sections[next - 1]?.[1].test(text))) {
      const expected = sections[next]?.[0];
      if (expected === undefined) return refuse(line, `"${text}" follows the last section`);
      return refuse(line, `"${text}" stands where "${expected}" belongs; use ### for parts`);
    }
  }
  const missing = sections[next]?.[0];
  return missing === undefined ? [] : refuse(1, `the section "## ${missing}" is missing`);
}

/** Commands and links of Markdown pages and workflows that lead nowhere. */
export function guardReferences(tree: Tree): Violation[] {
  const violations: Violation[] = [];
  const root = scriptsOf(tree, "package.json");
  for (const [file, text] of tree) {
    const folder = path.posix.dirname(file);
    const scripts = [...root, ...scriptsOf(tree, path.posix.join(folder, "package.json"))];
    const refuse = (line: number, message: string): void => {
      violations.push({ file, line, rule: "readme/reference", message });
    };
    if (file.startsWith(".github/workflows/")) {
      judgeCommands({ text, line: 1 }, tree, root, refuse);
    }
    if (!file.endsWith(".md")) continue;
    const page = readPage(text);
    for (const { target, line } of page.links) {
      if (!exists(tree, path.posix.join(folder, decodeURI(target)))) {
        refuse(line, `the link leads to ${target}, which does not exist`);
      }
    }
    for (const block of page.blocks) {
      if (!/^(sh|bash|shell|console)$/.test(block.language)) continue;
      judgeCommands(block, tree, scripts, refuse);
      judgeFiles(block, tree, folder, refuse);
    }
  }
  return violations;
}

type Refuse = (line: number, message: string) => void;

function scriptsOf(tree: Tree, file: string): string[] {
  const text = tree.get(file);
  return text === undefined ? [] : Object.keys((JSON.parse(text) as Manifest).scripts ?? {});
}

function judgeCommands(
  { text, line }: Pick<Block, "text" | "line">,
  tree: Tree,
  scripts: readonly string[],
  refuse: Refuse,
): void {
  for (const [index, row] of text.split("\n").entries()) {
    const command = row.replace(/(^|\s)#.*/, "");
    for (const [, , run, lifecycle] of command.matchAll(
      /\bnpm (run(?:-script)? )([\w:.-]+)|\bnpm (start|test)\b/g,
    )) {
      const script = run ?? lifecycle ?? "";
      if (!scripts.includes(script)) {
        refuse(
          line + index,
          `there is no script "${script}"; a script whose work does not exist yet does not exist yet either`,
        );
      }
    }
    if (
      /\bdocker compose\b/.test(command) &&
      !["docker-compose.yml", "compose.yaml"].some((file) => tree.has(file))
    ) {
      refuse(line + index, "there is no docker-compose.yml at the root");
    }
  }
}

function judgeFiles({ text, line }: Block, tree: Tree, folder: string, refuse: Refuse): void {
  for (const [index, row] of text.split("\n").entries()) {
    for (const word of row.replace(/(^|\s)#.*/, "").split(/[\s"'=|;&()<>]+/)) {
      const isFile = /^[\w.-]+(\/[\w.-]+)+$|^[\w-]+\.(ts|mjs|js|json|ya?ml|sh)$/.test(word);
      // A folder that only a run makes, and names of packages and images, are not ours to check.
      if (!isFile || word.startsWith("node_modules/") || /^\d+(\.\d+){3}/.test(word)) continue;
      if (exists(tree, path.posix.join(folder, word)) || exists(tree, path.posix.normalize(word))) {
        continue;
      }
      refuse(line + index, `the block names ${word}, which does not exist`);
    }
  }
}

const exists = (tree: Tree, file: string): boolean => {
  const clean = file.replace(/\/$/, "");
  return (
    clean === "." || tree.has(clean) || [...tree.keys()].some((key) => key.startsWith(`${clean}/`))
  );
};

/** A block that a reader would paste into a module. */
export interface Example {
  readonly file: string;
  readonly block: Block;
  /** The folder whose packages it may import, by their names. */
  readonly folder: string;
  /** Set where the block says `// not run: reason` in its first line. */
  readonly notRun: string | undefined;
}

/** The `ts` blocks of each package's README, and of the repository's own. */
export function examplesOf(tree: Tree): Example[] {
  const places = packagesOf(tree).map(({ folder }) => [`${folder}/README.md`, folder] as const);
  // The repository's own README shows a pattern in use; the demo is where all of them are at hand.
  return [["README.md", "examples/shownotes"] as const, ...places].flatMap(([file, folder]) =>
    readPage(tree.get(file) ?? "")
      .blocks.filter(({ language }) => language === "ts")
      .map((block) => {
        const notRun = /^\/\/ not run: (.+)/.exec(block.text)?.[1];
        return { file, block, folder, notRun };
      }),
  );
}

/**
 * Runs a block as a module whose folder is the package, so that it may import the package by its
 * name, and returns what went wrong: an exit code other than 0, or no exit within `timeoutMs`.
 */
export async function runBlock(
  { file, block }: Pick<Example, "file" | "block">,
  folder: string,
  timeoutMs: number,
): Promise<Violation[]> {
  const flags = [`--conditions=${sourceCondition}`, "--input-type=module-typescript", "-"];
  const child = spawn(process.execPath, flags, {
    cwd: folder,
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  const output: string[] = [];
  child.stdout.on("data", (chunk) => output.push(String(chunk)));
  child.stderr.on("data", (chunk) => output.push(String(chunk)));
  child.stdin.end(block.text);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (...ended) => resolve(ended));
  });
  if (code === 0) return [];
  // Node names a module from standard input "[eval1]:line:column".
  const text = output.join("").trim();
  const at = Number(/\[eval1?\]:(\d+)/.exec(text)?.[1] ?? 1);
  const ended = signal === null ? `exits with ${code}` : `does not end within ${timeoutMs} ms`;
  const message = `the block ${ended}; make it run as it stands:\n${text}`;
  return [{ file, line: block.line + at - 1, rule: "readme/run", message }];
}
