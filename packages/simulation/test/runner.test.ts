// The command as people start it, in a process of its own.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";

const program = path.join(import.meta.dirname, "simulate.ts");

function simulate(...args: string[]): { status: number | null; output: string } {
  const flags = ["--conditions=@compendium/source", program, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, flags, { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

test("many seeds in two threads hold, and it says how many", () => {
  const { status, output } = simulate("--seeds", "130", "--jobs", "2");
  expect(output).toMatch(/register: 130 seeds hold, [\d,]+ events/);
  expect(status).toBe(0);
});

test("a failure is shortened, and the command that it prints shows it again", () => {
  const { status, output } = simulate("--broken", "--scenario", "early-ack", "--seeds", "200");
  expect(status).toBe(1);
  const replay = /replay: npm run simulate simulation -- (.+)/.exec(output)?.[1] ?? "";
  const again = simulate(...replay.split(" "));
  expect(again.status).toBe(1);
  expect(again.output).toMatch(/was acknowledged/);
});

test("one seed is traced as NDJSON, one event a line", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "simulation-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "trace.ndjson");
  const { status, output } = simulate("--seed", "7", "--trace", file);
  expect(status).toBe(0);
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).us)).toEqual(
    lines.map((line) => JSON.parse(line).us).toSorted((a, b) => a - b),
  );
  expect(output).toMatch(/seed 7, [\d,]+ events, trace hash [0-9a-f]{16}\nit holds/);
});

test.each([["--seeds", "none"], ["--jobs", "0"], ["--scenario", "other"], ["--what"]])(
  "%s %s is refused with the options there are",
  (...args) => {
    const { status, output } = simulate(...args);
    expect(status).toBe(2);
    expect(output).toMatch(/--seeds N +how many seeds/);
  },
);

test("a rejection that nobody handles ends the run in whose turn it was left", () => {
  const program = `
    import { checkSeed } from "@compendium/simulation";
    const node = (world) => {
      world.clock.setTimer(world.clock.now() + 10, () => void Promise.reject(new Error("nobody")));
    };
    const invariants = () => ({});
    const broken = { nodes: ["a"], node, invariants, faults: { countMax: 0 } };
    const sound = { ...broken, node: () => {} };
    const verdicts = await Promise.all([sound, broken, sound].map((each) => checkSeed(each, 1)));
    console.log(verdicts.map(({ failure }) => String(failure?.error)).join());
  `;
  const flags = ["--conditions=@compendium/source", "--input-type=module", "-"];
  const cwd = path.join(import.meta.dirname, "..");
  const { stdout } = spawnSync(process.execPath, flags, { encoding: "utf8", input: program, cwd });
  expect(stdout).toBe("undefined,Error: nobody,undefined\n");
});
