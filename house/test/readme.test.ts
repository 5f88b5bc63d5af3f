// DESIGN.md, "A package's README": nine sections in one order; code blocks are executed by a test.
import path from "node:path";
import { describe, expect, test } from "vitest";
import { examplesOf, guardReferences, guardSections, runBlock } from "../src/guards/readme.ts";
import { report } from "../src/violation.ts";
import { readTree, rootFolder } from "../src/workspace.ts";
import { plant } from "./plant.ts";

const tree = readTree();

test("every package has a README with the sections in their order", () => {
  expect(report(guardSections(tree))).toBe("");
});

test("commands, files and links in the repository's pages and workflows exist", () => {
  expect(report(guardReferences(tree))).toBe("");
});

describe.concurrent("the README blocks of the repository run", () => {
  const examples = examplesOf(tree);
  test.each(examples.map((example) => [`${example.file}:${example.block.line}`, example] as const))(
    "%s",
    { timeout: 30_000 },
    async (_, example) => {
      if (example.notRun !== undefined) return;
      const folder = path.join(rootFolder, example.folder);
      expect(report(await runBlock(example, folder, 20_000))).toBe("");
    },
  );
  test("and a block that is not run says why", () => {
    for (const { notRun } of examples) if (notRun !== undefined) expect(notRun).toMatch(/\w+ \w+/);
  });
});

const titles = [
  "The idea",
  "Use it",
  "How it works inside",
  "Why not a lock?",
  "The formal ground",
  "Tuning",
  "Metrics",
  "Measured",
  "What it does not do",
];

const judge = (sections: readonly string[]): string[] =>
  guardSections(
    plant({
      "packages/raft/src/index.ts": "",
      "packages/raft/README.md": `# raft\n${sections.map((title) => `\n## ${title}\n`).join("")}`,
    }),
  ).map(({ line, message }) => `${line} ${message}`);

test("the nine sections in order pass, with a second alternative and with parts", () => {
  expect(judge(titles)).toEqual([]);
  expect(judge([...titles.slice(0, 4), "Why not Paxos?", ...titles.slice(4)])).toEqual([]);
  expect(judge([...titles.slice(0, 6), "Metrics\n\n### By node", ...titles.slice(7)])).toEqual([]);
});

test("a missing README, a missing, foreign or misplaced section is found", () => {
  const none = guardSections(plant({ "packages/raft/src/index.ts": "" }));
  expect(none).toMatchObject([{ file: "packages/raft/README.md" }]);
  expect(judge(titles.slice(0, -1))).toEqual([
    expect.stringContaining(`"## What it does not do" is missing`),
  ]);
  expect(judge(["Use it", ...titles])).toEqual([expect.stringContaining(`"The idea" belongs`)]);
  expect(judge(["Install", ...titles])).toEqual([expect.stringContaining(`"Install" stands`)]);
  expect(judge([...titles, "Licence"])).toEqual([expect.stringContaining(`"Licence" follows`)]);
});

test("the blocks of a package run in its folder, those of the repository beside the demo", () => {
  const block = "```ts\nawait 1;\n```\n";
  const skipped = "```ts\n// not run: needs a cluster\n```\n```sh\nls\n```\n";
  const found = examplesOf(
    plant({
      "README.md": block,
      "packages/raft/src/index.ts": "",
      "packages/raft/README.md": skipped,
    }),
  );
  expect(found).toMatchObject([
    { file: "README.md", folder: "examples/shownotes", notRun: undefined },
    { file: "packages/raft/README.md", folder: "packages/raft", notRun: "needs a cluster" },
  ]);
});

const references = (text: string): string[] =>
  guardReferences(
    plant({
      "README.md": text,
      "package.json": JSON.stringify({ scripts: { start: "x", bench: "x" } }),
      "scripts/setup.mjs": "",
    }),
  ).map(({ line, message }) => `${line} ${message.split(/[;,]/)[0]}`);

test("a script, a file or a link that does not exist is found", () => {
  const block = "```sh\nnpm start # npm run nothing\nnpm run bench\nnode scripts/setup.mjs\n```\n";
  expect(
    references(`${block}[setup](scripts/setup.mjs) [top](#top) [w](https://example.org)`),
  ).toEqual([]);
  expect(references("```sh\nnpm run simulate\nnpm test\n```")).toEqual([
    `2 there is no script "simulate"`,
    `3 there is no script "test"`,
  ]);
  expect(references("```sh\nnode scripts/gone.mjs\ndocker compose up\n```")).toEqual([
    "3 there is no docker-compose.yml at the root",
    "2 the block names scripts/gone.mjs",
  ]);
  expect(references("see [this](docs/gone.md)")).toEqual(["1 the link leads to docs/gone.md"]);
});

test("a workflow that runs a script that does not exist is found", () => {
  const files = {
    ".github/workflows/a.yml": "jobs:\n  - run: npm run bench\n",
    "package.json": "{}",
  };
  expect(guardReferences(plant(files))).toMatchObject([{ line: 2, rule: "readme/reference" }]);
});

describe.concurrent("a README block", () => {
  const run = async (text: string, timeoutMs = 20_000): Promise<string> => {
    const block = { language: "ts", text, line: 10 };
    const folder = path.join(rootFolder, "packages/runtime");
    return report(await runBlock({ file: "README.md", block }, folder, timeoutMs));
  };

  test("may use types, top-level await and its package's name", async () => {
    const text = `const one: number = await Promise.resolve(1);\nawait import("@compendium/runtime");\nif (one !== 1) throw new Error();`;
    expect(await run(text)).toBe("");
  });

  test("that throws is found, with its line in the README", async () => {
    expect(await run(`const a = 1;\nthrow new Error("no");`)).toMatch(
      /^README\.md:11 {2}readme\/run {2}the block exits with 1/,
    );
  });

  test("that never ends is found", async () => {
    expect(await run("setInterval(() => {}, 1000);", 500)).toContain("does not end within 500");
  });
});
