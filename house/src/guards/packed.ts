// What users get is the tarball, not the source (zod tests the artefact; so do we): a file missing
// from "files", a range that was never rewritten, a declaration that only compiles inside the
// workspace, or a core that needs an optional peer all pass every test before this one. Each
// package is packed by pnpm, which rewrites `workspace:` and `catalog:` ranges, and installed by
// plain npm into an empty folder, once without its optional peers and once with them. Every subpath
// is imported and required on each Node, and type-checked as a user would, with the README's
// blocks.
import { execFile } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { reach, type Target } from "../imports.ts";
import type { Violation } from "../violation.ts";
import { type Manifest, type Package, rootFolder, type Tree } from "../workspace.ts";

const execute = promisify(execFile);

/** A subpath export, and the optional peers without which it cannot be loaded. */
export interface Subpath {
  readonly subpath: string;
  readonly peers: readonly string[];
}

/** A package as its user meets it. */
export interface Artefact {
  readonly name: string;
  /** Where its manifest stands, for violations. */
  readonly file: string;
  readonly manifest: Manifest;
  readonly subpaths: readonly Subpath[];
  /** Its tarball first, then those of the packages of this repository that it needs. */
  readonly tarballs: readonly string[];
  /** The tarballs of those that it can do without: its optional peers, and what these need. */
  readonly peerTarballs: ReadonlyMap<string, readonly string[]>;
  /** Modules from its README, and the lines at which they begin there. */
  readonly examples: readonly { readonly text: string; readonly line: number }[];
}

/** A Node to run on: a name for messages, and the executable. */
export interface NodeVersion {
  readonly name: string;
  readonly executable: string;
}

/** Packs a folder with pnpm and returns the tarball's path. */
export async function pack(folder: string, destination: string): Promise<string> {
  const pnpm = path.join(rootFolder, "node_modules/.bin/pnpm");
  const options = ["pack", "--json", "--pack-destination", destination];
  const { stdout } = await execute(pnpm, options, { cwd: folder });
  const { filename } = JSON.parse(stdout) as { filename: string };
  return path.resolve(destination, filename);
}

/** Which optional peers each subpath of a package reaches, through other packages too. */
export function subpathsOf(tree: Tree, packages: readonly Package[], owner: Package): Subpath[] {
  return [...owner.entries].map(([subpath, entry]) => {
    const peers = new Set<string>();
    for (const { target } of reach(tree, packages, entry, true)) {
      const name = nameOf(target);
      if (name !== undefined && isOptional(owner.manifest, name)) peers.add(name);
    }
    return { subpath, peers: [...peers] };
  });
}

const isOptional = (manifest: Manifest, name: string): boolean =>
  manifest.peerDependenciesMeta?.[name]?.optional === true;

function nameOf(target: Target): string | undefined {
  if (target.kind === "third-party") return target.name;
  return target.kind === "workspace" ? target.package.name : undefined;
}

/** A package, and all of this repository that it cannot do without. */
export function withDependencies(packages: readonly Package[], owner: Package): Package[] {
  const needed = new Set([owner]);
  for (const each of needed) {
    const { dependencies = {}, peerDependencies = {} } = each.manifest;
    for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
      const found = packages.find((candidate) => candidate.name === name);
      if (found !== undefined && !isOptional(each.manifest, name)) needed.add(found);
    }
  }
  return [...needed];
}

/** Installs an artefact into `folder`, which must be empty, and tries it. */
export async function guardPacked(
  artefact: Artefact,
  folder: string,
  nodes: readonly NodeVersion[],
): Promise<Violation[]> {
  const bare = artefact.subpaths.filter(({ peers }) => peers.length === 0);
  const { peerDependencies = {} } = artefact.manifest;
  const peers = Object.keys(peerDependencies).filter((peer) => isOptional(artefact.manifest, peer));
  const first = path.join(folder, "without-optional-peers");
  if (peers.length === 0) return guardInstalled(artefact, first, bare, [], nodes);
  // The README may show the peers at work: its blocks wait for them.
  const alone = { ...artefact, examples: [] };
  const second = path.join(folder, "with-optional-peers");
  return [
    ...(await guardInstalled(alone, first, bare, [], nodes)),
    ...(await guardInstalled(artefact, second, artefact.subpaths, peers, nodes)),
  ];
}

async function guardInstalled(
  artefact: Artefact,
  folder: string,
  subpaths: readonly Subpath[],
  peers: readonly string[],
  nodes: readonly NodeVersion[],
): Promise<Violation[]> {
  await install(artefact, folder, peers);
  const refuse = (rule: string, message: string): Violation => {
    const hint = peers.length > 0 ? "" : " (no optional peer installed)";
    return { file: artefact.file, line: 1, rule: `packed/${rule}`, message: `${message}${hint}` };
  };
  const specifiers = subpaths.map(({ subpath }) => `${artefact.name}${subpath.slice(1)}`);
  const installed = path.join(folder, "node_modules", artefact.name);
  const violations: Violation[] = [];
  for (const needed of ["README.md", "LICENSE"]) {
    if (globSync(`${installed}/${needed}*`).length > 0) continue;
    violations.push(refuse("contents", `the tarball holds no ${needed}`));
  }
  const loads = nodes.map((node) => load(folder, specifiers, node));
  for (const message of (await Promise.all(loads)).flat()) violations.push(refuse("load", message));
  for (const message of await check(artefact, folder, specifiers)) {
    violations.push(refuse("types", message));
  }
  return violations;
}

async function install(
  artefact: Artefact,
  folder: string,
  peers: readonly string[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const ranges = peers.flatMap(
    (peer) =>
      artefact.peerTarballs.get(peer) ?? [
        `${peer}@${artefact.manifest.peerDependencies?.[peer] ?? "*"}`,
      ],
  );
  const manifest = { name: "consumer", private: true, type: "module" };
  await writeFile(path.join(folder, "package.json"), JSON.stringify(manifest));
  const quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"];
  const options = [
    "install",
    ...quiet,
    "--prefer-offline",
    ...new Set([...artefact.tarballs, ...ranges]),
  ];
  await execute("npm", options, { cwd: folder, shell: process.platform === "win32" });
}

// Both ways in: `require` of ESM works on every supported Node unless a module awaits at its top.
const loader = `
  import { createRequire } from "node:module";
  const require = createRequire(import.meta.url);
  const failures = [];
  for (const specifier of JSON.parse(process.argv[2])) {
    for (const [way, load] of [["import", (x) => import(x)], ["require", (x) => require(x)]]) {
      try { await load(specifier); }
      catch (error) { failures.push(way + " of " + specifier + ": " + error.message); }
    }
  }
  console.log(JSON.stringify(failures));
`;

async function load(
  folder: string,
  specifiers: readonly string[],
  node: NodeVersion,
): Promise<string[]> {
  const file = path.join(folder, `load-${node.name}.mjs`);
  await writeFile(file, loader);
  const { stdout } = await execute(node.executable, [file, JSON.stringify(specifiers)]);
  return (JSON.parse(stdout) as string[]).map((failure) => `Node ${node.name}: ${failure}`);
}

async function check(
  { name, examples, file }: Artefact,
  folder: string,
  specifiers: readonly string[],
): Promise<string[]> {
  const uses = specifiers.map(
    (specifier, i) => `import * as use${i} from "${specifier}";\nvoid use${i};`,
  );
  await writeFile(path.join(folder, "consumer.ts"), uses.join("\n"));
  const files = ["consumer.ts"];
  for (const { text, line } of examples) {
    if (!importsOnlyInstalled(text, folder)) continue;
    files.push(`readme-${line}.ts`);
    await writeFile(path.join(folder, `readme-${line}.ts`), text);
  }
  const faults = new Set<string>();
  for (const [module, moduleResolution] of [
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ]) {
    const compilerOptions = {
      module,
      moduleResolution,
      target: "es2024",
      lib: ["es2024", "esnext.disposable"],
      types: ["node"],
      typeRoots: [path.join(rootFolder, "node_modules/@types")],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    };
    const config = path.join(folder, `tsconfig.${moduleResolution}.json`);
    await writeFile(config, JSON.stringify({ compilerOptions, files }));
    for (const fault of await compile(folder, config)) {
      // Other people's declarations are theirs; ours, the imports and the README are judged.
      const scopes = ["node_modules/@compendium/", `node_modules/${name}/`];
      const own = scopes.some((scope) => fault.includes(scope));
      if (own || !fault.includes("node_modules/")) {
        faults.add(fault.replace(/^readme-(\d+)\.ts/, `a README block, ${file}, from line $1: `));
      }
    }
  }
  return [...faults].map((fault) => `types of ${name}: ${fault}`);
}

async function compile(folder: string, config: string): Promise<string[]> {
  const tsc = path.join(rootFolder, "node_modules/.bin/tsc");
  try {
    await execute(tsc, ["-p", config, "--pretty", "false"], { cwd: folder });
    return [];
  } catch (error) {
    const { stdout = "", message } = error as { stdout?: string; message: string };
    const faults = stdout.split("\n").filter((line) => /error TS\d+/.test(line));
    return faults.length > 0 ? faults : [message];
  }
}

// A block may show a library next to ours; without it installed, there is nothing to check.
function importsOnlyInstalled(text: string, folder: string): boolean {
  const imported = [...text.matchAll(/\bfrom\s+"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"/g)];
  return imported.every(([, from, direct]) => {
    const specifier = from ?? direct ?? "";
    if (specifier.startsWith("node:")) return true;
    const name = specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/");
    return existsSync(path.join(folder, "node_modules", name));
  });
}
