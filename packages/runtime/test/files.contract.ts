// What every Files promises while nothing crashes. (What survives a crash needs a disk that can
// crash: the simulated one.)

import { type Files, RuntimeError, type RuntimeErrorCode } from "@compendium/runtime";
import { expect, test } from "vitest";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

async function contents(files: Files, path: string): Promise<number[]> {
  const file = await files.open(path);
  const into = new Uint8Array(await file.size());
  expect(await file.read(into, 0)).toBe(into.length);
  await file.close();
  return [...into];
}

async function put(files: Files, path: string, ...values: number[]): Promise<void> {
  const file = await files.open(path, { create: "ifMissing" });
  await file.write(bytes(...values), 0);
  await file.close();
}

async function expectCode(promise: Promise<unknown>, code: RuntimeErrorCode): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RuntimeError);
  expect((error as RuntimeError).code).toBe(code);
}

export function describeFiles(make: () => Promise<Files>): void {
  describeContents(make);
  describeHandles(make);
  describeNames(make);
}

function describeContents(make: () => Promise<Files>): void {
  test("what was written is read, at any offset, one chunk behind the other", async () => {
    const files = await make();
    const file = await files.open("log", { create: "always" });
    await file.write([bytes(1, 2), bytes(), bytes(3)], 0);
    await file.write(bytes(9), 1);
    const into = new Uint8Array(2);
    expect(await file.read(into, 1)).toBe(2);
    expect([...into]).toEqual([9, 3]);
    await file.close();
    expect(await contents(files, "log")).toEqual([1, 9, 3]);
  });

  test("a read is short only at the end of the file, and empty behind it", async () => {
    const files = await make();
    await put(files, "log", 1, 2, 3);
    const file = await files.open("log");
    const into = new Uint8Array(8);
    expect(await file.read(into, 1)).toBe(2);
    expect([...into.subarray(0, 3)]).toEqual([2, 3, 0]);
    expect(await file.read(into, 3)).toBe(0);
    expect(await file.read(into, 100)).toBe(0);
    await file.close();
  });

  test("a write behind the end leaves zeros between", async () => {
    const files = await make();
    const file = await files.open("log", { create: "always" });
    await file.write(bytes(7), 3);
    await file.close();
    expect(await contents(files, "log")).toEqual([0, 0, 0, 7]);
  });

  test("many chunks of many sizes arrive whole", async () => {
    const files = await make();
    const file = await files.open("log", { create: "always" });
    const chunks = Array.from({ length: 3_000 }, (_, i) => bytes(...Array(i % 5).fill(i % 251)));
    await file.write(chunks, 5);
    await file.close();
    const expected = chunks.flatMap((chunk) => [...chunk]);
    expect((await contents(files, "log")).slice(5)).toEqual(expected);
  });

  test("truncate cuts, and extends with zeros", async () => {
    const files = await make();
    await put(files, "log", 1, 2, 3);
    const file = await files.open("log");
    await file.truncate(1);
    expect(await file.size()).toBe(1);
    await file.truncate(3);
    await file.close();
    expect(await contents(files, "log")).toEqual([1, 0, 0]);
  });

  test("allocate extends with zeros, keeps what is there, and never shrinks", async () => {
    const files = await make();
    await put(files, "log", 1, 2);
    const file = await files.open("log");
    await file.allocate(300_000);
    expect(await file.size()).toBe(300_000);
    await file.allocate(4);
    expect(await file.size()).toBe(300_000);
    const into = new Uint8Array(300_000);
    await file.read(into, 0);
    expect([...into.subarray(0, 3)]).toEqual([1, 2, 0]);
    expect(into.subarray(2).every((byte) => byte === 0)).toBe(true);
    await file.close();
  });
}

function describeHandles(make: () => Promise<Files>): void {
  test("sync settles, and leaves contents and size as they are", async () => {
    const files = await make();
    const file = await files.open("log", { create: "always" });
    await file.write(bytes(1), 0);
    await file.sync();
    await file.sync();
    expect(await file.size()).toBe(1);
    await file.close();
  });

  test("writeThrough writes as write does, to the file and not to the name", async () => {
    const files = await make();
    const file = await files.open("log", { create: "always" });
    await file.write(bytes(1, 2, 3, 4), 0);
    await file.writeThrough([bytes(5), bytes(), bytes(6)], 1);
    await files.rename("log", "renamed");
    await files.open("log", { create: "always" }).then((other) => other.close());
    await file.writeThrough(bytes(7), 4);
    expect(await file.size()).toBe(5);
    await file.close();
    expect(await contents(files, "renamed")).toEqual([1, 5, 6, 4, 7]);
    expect(await contents(files, "log")).toEqual([]);
  });

  test("a closed file refuses everything but another close", async () => {
    const files = await make();
    const file = await files.open("log", { create: "always" });
    await file.close();
    await file.close();
    await file[Symbol.asyncDispose]();
    await expectCode(file.write(bytes(1), 0), "FILE_CLOSED");
    await expectCode(file.read(bytes(1), 0), "FILE_CLOSED");
    await expectCode(file.sync(), "FILE_CLOSED");
    await expectCode(file.writeThrough(bytes(1), 0), "FILE_CLOSED");
    await expectCode(file.size(), "FILE_CLOSED");
    await expectCode(file.truncate(0), "FILE_CLOSED");
    await expectCode(file.allocate(1), "FILE_CLOSED");
  });

  test("close waits for what is under way", async () => {
    const files = await make();
    const log = await files.open("log", { create: "always" });
    const chunks = Array.from({ length: 5_000 }, () => new Uint8Array(20));
    await Promise.all([log.write(chunks, 0), log.close()]);
    expect(await contents(files, "log")).toHaveLength(100_000);
    const segment = await files.open("segment", { create: "always" });
    await Promise.all([segment.allocate(1_000_000), segment.close()]);
    expect(await contents(files, "segment")).toHaveLength(1_000_000);
  });

  test.each([-1, 0.5, 2 ** 53, Number.NaN])("refuses %s as an offset or a size", async (value) => {
    const files = await make();
    const file = await files.open("log", { create: "always" });
    const message = /must be an integer in \[0, 2\^53\), got/;
    await expect(file.read(bytes(1), value)).rejects.toThrow(message);
    await expect(file.write(bytes(1), value)).rejects.toThrow(message);
    await expect(file.writeThrough(bytes(1), value)).rejects.toThrow(message);
    await expect(file.truncate(value)).rejects.toThrow(message);
    await expect(file.allocate(value)).rejects.toThrow(message);
    await file.close();
  });
}

function describeNames(make: () => Promise<Files>): void {
  test("create says what must be there, and never empties what is", async () => {
    const files = await make();
    await expectCode(files.open("log"), "FILE_NOT_FOUND");
    await expectCode(files.open("log", { create: "never" }), "FILE_NOT_FOUND");
    await put(files, "log", 1);
    await put(files, "log");
    expect(await contents(files, "log")).toEqual([1]);
    await expectCode(files.open("log", { create: "always" }), "FILE_EXISTS");
    const unknown = files.open("log", { create: "sometimes" as never });
    await expect(unknown).rejects.toThrow(/create must be never, ifMissing or always, got/);
  });

  test("list names what a folder holds, sorted, and nothing below", async () => {
    const files = await make();
    await files.makeFolder("wal/old");
    await files.makeFolder("wal/old");
    for (const name of ["wal/b", "wal/a", "wal/old/c", "B"]) await put(files, name);
    expect(await files.list("wal")).toEqual(["a", "b", "old"]);
    expect(await files.list("")).toEqual(["B", "wal"]);
    await expectCode(files.list("none"), "FILE_NOT_FOUND");
    await expectCode(files.list("B"), "FILE_KIND");
  });

  test("rename replaces, and what was open stays the same file", async () => {
    const files = await make();
    await put(files, "new", 1);
    await put(files, "current", 2);
    const open = await files.open("current");
    await files.rename("new", "current");
    expect(await contents(files, "current")).toEqual([1]);
    expect(await files.list("")).toEqual(["current"]);
    const into = bytes(0);
    await open.read(into, 0);
    expect([...into]).toEqual([2]);
    await open.close();
    await expectCode(files.rename("none", "x"), "FILE_NOT_FOUND");
  });

  test("remove takes files and empty folders, and nothing else", async () => {
    const files = await make();
    await files.makeFolder("wal");
    await put(files, "wal/a", 1);
    await expectCode(files.remove("wal"), "FILE_KIND");
    const open = await files.open("wal/a");
    await files.remove("wal/a");
    expect(await open.size()).toBe(1);
    await open.close();
    await files.remove("wal");
    expect(await files.list("")).toEqual([]);
    await expectCode(files.remove("wal"), "FILE_NOT_FOUND");
  });

  test("a folder is no file, and a file is no folder", async () => {
    const files = await make();
    await files.makeFolder("wal");
    await put(files, "log");
    await expectCode(files.open("wal"), "FILE_KIND");
    await expectCode(files.open("log/x", { create: "ifMissing" }), "FILE_KIND");
    await expectCode(files.open("none/x", { create: "ifMissing" }), "FILE_NOT_FOUND");
  });

  test("syncFolder settles for a folder that is there", async () => {
    const files = await make();
    await files.makeFolder("wal");
    await files.syncFolder("wal");
    await files.syncFolder("");
    await expectCode(files.syncFolder("none"), "FILE_NOT_FOUND");
  });

  test.each(["", "/etc", "..", "a/../../b", "./a", "a//b", "a/", "a\\b", "c:d", "a\0b"])(
    "refuses the path %j",
    async (path) => {
      const files = await make();
      const message = /must be names joined by "\/", below the root, got/;
      await expect(files.open(path, { create: "ifMissing" })).rejects.toThrow(message);
      await expect(files.remove(path)).rejects.toThrow(message);
      await expect(files.rename("a", path)).rejects.toThrow(message);
      await expect(files.rename(path, "a")).rejects.toThrow(message);
      if (path === "") return;
      await expect(files.list(path)).rejects.toThrow(message);
      await expect(files.makeFolder(path)).rejects.toThrow(message);
      await expect(files.syncFolder(path)).rejects.toThrow(message);
    },
  );
}
