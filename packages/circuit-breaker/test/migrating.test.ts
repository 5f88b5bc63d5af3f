// The blocks of MIGRATING.md run as they stand, each as a module inside the package whose names it
// imports: those with a pipeline where pipelines are at home.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const folder = path.join(import.meta.dirname, "..");
const page = readFileSync(path.join(folder, "MIGRATING.md"), "utf8");
const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ index, 1: text = "" }) => ({
  line: page.slice(0, index).split("\n").length,
  text,
}));

describe.concurrent("MIGRATING.md", () => {
  test.each(blocks)("line $line", { timeout: 30_000 }, async ({ text }) => {
    const cwd = text.includes('"@compendium/resilience"') ? "../resilience" : ".";
    const flags = ["--conditions=@compendium/source", "--input-type=module-typescript", "-"];
    const child = spawn(process.execPath, flags, { cwd: path.join(folder, cwd), timeout: 20_000 });
    let output = "";
    child.stderr.on("data", (chunk) => {
      output += String(chunk);
    });
    child.stdin.end(text);
    const code = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    expect({ code, output }).toEqual({ code: 0, output: "" });
  });
});

test("and there are some", () => {
  expect(blocks.length).toBeGreaterThanOrEqual(5);
});
