import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { FileStore } from "@compendium/crdt-sync/store";
import { NodeFiles } from "@compendium/runtime/node";
import { afterEach, beforeEach, expect, test } from "vitest";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "crdt-sync-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () => new FileStore(new NodeFiles(folder)).open("notes");
const file = (number = 0) => path.join(folder, "documents", "6e6f746573", `log-${number}`);
const record = (value: number) => new Uint8Array(20).fill(value);

async function write(...values: number[]): Promise<void> {
  const journal = await open();
  for (const value of values) await journal.append(record(value));
  await journal.close();
}

async function values(): Promise<(number | undefined)[]> {
  const journal = await open();
  await journal.close();
  return journal.found.map(([first]) => first);
}

test("what was appended is found, in order, and again after a rewriting", async () => {
  await write(1, 2);
  await write(3);
  expect(await values()).toEqual([1, 2, 3]);
  const journal = await open();
  await journal.replace(record(9));
  await journal.append(record(10));
  expect(journal.bytes).toBe(readFileSync(file(1)).length);
  await journal.close();
  expect(await values()).toEqual([9, 10]);
});

test("a record that is torn anywhere is cut off, and the next one takes its place", async () => {
  await write(1, 2);
  const whole = readFileSync(file());
  for (let length = 40; length < whole.length; length++) {
    writeFileSync(file(), whole.subarray(0, length));
    expect(await values(), String(length)).toEqual([1]);
    await write(3);
    expect(await values()).toEqual([1, 3]);
  }
});

test("damage before another record is no crash: nothing is used", async () => {
  await write(1, 2, 3);
  const whole = readFileSync(file());
  for (let at = 0; at < whole.length - 32; at++) {
    const damaged = Uint8Array.from(whole);
    damaged[at] = (damaged[at] as number) ^ 1;
    writeFileSync(file(), damaged);
    const code = at >= 4 && at < 8 ? "SYNC_VERSION" : "SYNC_LOG_CORRUPT";
    await expect(open(), String(at)).rejects.toMatchObject({ code });
  }
});

test("a log that is not used is closed: whoever tries again does not run out of files", async () => {
  await write(1);
  writeFileSync(file(), readFileSync(file()).fill(0, 0, 4));
  const files = new NodeFiles(folder);
  const openFile = files.open.bind(files);
  let left = 0;
  files.open = async (...which) => {
    const opened = await openFile(...which);
    const close = opened.close.bind(opened);
    left++;
    opened.close = () => {
      left--;
      return close();
    };
    return opened;
  };
  const refused = new FileStore(files).open("notes");
  await expect(refused).rejects.toMatchObject({ code: "SYNC_LOG_CORRUPT" });
  expect(left).toBe(0);
});
