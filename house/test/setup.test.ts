import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

// scripts/setup.mjs in a repository of its own, whose npx is a script that does what a test says.
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "setup-"));
  mkdirSync(join(folder, "scripts"));
  mkdirSync(join(folder, "node_modules", ".bin"), { recursive: true });
  const setup = fileURLToPath(new URL("../../scripts/setup.mjs", import.meta.url));
  cpSync(setup, join(folder, "scripts", "setup.mjs"));
  writeFileSync(join(folder, "pnpm-lock.yaml"), "lockfileVersion: '9.0'\n");
  writeFileSync(join(folder, "pnpm-workspace.yaml"), "packages: []\n");
});

afterEach(() => rmSync(folder, { recursive: true }));

function setUp(nodeRange: string, npx: string): { status: number | null; output: string } {
  const manifest = { packageManager: "pnpm@12.21.0", engines: { node: nodeRange } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeExecutable(join(folder, "npx"), npx);
  const { PATH: path } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/setup.mjs"], {
    cwd: folder,
    env: { PATH: `${folder}${delimiter}${path}` },
    encoding: "utf8",
  });
  return { status, output: stdout + stderr };
}

function writeExecutable(file: string, script: string): void {
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

test("setup asks npx for the pinned pnpm and a frozen installation, once", () => {
  const first = setUp(">=20", 'echo "npx $@"');
  expect(first.status).toBe(0);
  expect(first.output).toContain("npx --yes pnpm@12.21.0 install --frozen-lockfile");
  const second = setUp(">=20", 'echo "npx $@"');
  expect(second).toEqual({ status: 0, output: "" });
});

test("setup installs again when the lockfile has changed", () => {
  setUp(">=20", "exit 0");
  writeFileSync(join(folder, "pnpm-lock.yaml"), "lockfileVersion: '9.0'\n# changed\n");
  expect(setUp(">=20", 'echo "npx $@"').output).toContain("install --frozen-lockfile");
});

test("setup says what to do when the installation fails, and tries again the next time", () => {
  const { status, output } = setUp(">=20", "exit 7");
  expect(status).toBe(1);
  expect(output).toMatch(/^setup: the installation did not work.*can be repeated$/m);
  expect(existsSync(join(folder, "node_modules", ".setup-stamp"))).toBe(false);
});

test("where the registry has no Node, and the machine's is too old, one line names the one to install", () => {
  const { status, output } = setUp(">=99", "exit 0");
  expect(status).toBe(1);
  const lines = output
    .trim()
    .split("\n")
    .filter((line) => line.startsWith("setup: "));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^setup: Node 99 or later is needed.*install it from https:\/\/nodejs\.org/,
  );
});

test("a Node from the registry that does not run here is no Node", () => {
  writeExecutable(join(folder, "node_modules", ".bin", "node"), "exit 127");
  const { status, output } = setUp(">=20", "exit 0");
  expect(status).toBe(1);
  expect(output).toContain("found one that does not run here");
});
