// Several processes that write into one file, as two open files of this one: to the system they are
// the same.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openLogFile } from "../../src/observe/log-writer.ts";

test("batches of any size go out whole: lines of two writers do not mix", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "sidecar-log-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "access.log");
  const letters = ["a", "b", "c"];
  // As long as a batch may become behind a slow disk.
  const batchOf = (letter: string) => `${letter.repeat(1_023)}\n`.repeat(4_096);
  const targets = await Promise.all(letters.map(() => openLogFile(file)));
  for (let round = 0; round < 3; round++) {
    await Promise.all(targets.map((target, i) => target.write(batchOf(letters[i]!))));
  }
  await Promise.all(targets.map((target) => target.close()));
  const lines = readFileSync(file, "utf8").split("\n");
  expect(lines.filter((line) => !/^(a{1023}|b{1023}|c{1023})$/.test(line))).toEqual([""]);
  expect(lines.length).toBe(3 * 3 * 4_096 + 1);
});
