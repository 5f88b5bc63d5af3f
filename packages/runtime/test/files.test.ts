import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RuntimeError } from "@compendium/runtime";
import { NodeFiles } from "@compendium/runtime/node";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { describeFiles } from "./files.contract.ts";
import { MemoryFiles } from "./memory-files.ts";

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "runtime-files-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe("MemoryFiles", () => {
  describeFiles(async () => new MemoryFiles());
});

describe("NodeFiles", () => {
  describeFiles(async () => new NodeFiles(temporary()));

  test("a full disk is DISK_FULL, with its cause", async (context) => {
    if (!existsSync("/dev/full")) context.skip("there is no /dev/full, which only Linux has");
    const root = temporary();
    symlinkSync("/dev/full", join(root, "log"));
    const file = await new NodeFiles(root).open("log");
    const error = await file.write(Uint8Array.of(1), 0).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RuntimeError);
    expect(error).toMatchObject({ code: "DISK_FULL", cause: { code: "ENOSPC" } });
    await file.close();
  });

  test("after a sync has failed, the handle refuses everything but close", async (context) => {
    if (process.platform !== "linux") context.skip("elsewhere a sync of /dev/null may succeed");
    const root = temporary();
    // A device that takes writes and cannot be synced: fdatasync on it says EINVAL.
    symlinkSync("/dev/null", join(root, "log"));
    const file = await new NodeFiles(root).open("log");
    const failed = { code: "FILE_SYNC_FAILED" };
    await file.write(Uint8Array.of(1), 0);
    await expect(file.sync()).rejects.toMatchObject(failed);
    await expect(file.write(Uint8Array.of(1), 0)).rejects.toMatchObject(failed);
    await expect(file.read(new Uint8Array(1), 0)).rejects.toMatchObject(failed);
    await expect(file.sync()).rejects.toMatchObject({ ...failed, cause: { code: "EINVAL" } });
    await file.close();
    await expect(file.sync()).rejects.toMatchObject({ code: "FILE_CLOSED" });
  });

  test("a writeThrough that fails leaves the handle as a failed sync does", async (context) => {
    if (process.platform !== "linux") context.skip("elsewhere it is a write and then a sync");
    const root = temporary();
    const handle = await open(join(root, "log"), "w+");
    const error = Object.assign(new Error("i/o error"), { code: "EIO" });
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    const file = await new NodeFiles(root, { quickSyncMs: 0 }).open("log");
    try {
      vi.spyOn(prototype, "writev").mockRejectedValueOnce(error);
      const failed = { code: "FILE_SYNC_FAILED", cause: error };
      await expect(file.writeThrough(Uint8Array.of(1), 0)).rejects.toMatchObject(failed);
      await expect(file.writeThrough(Uint8Array.of(1), 0)).rejects.toMatchObject(failed);
      await expect(file.read(new Uint8Array(1), 0)).rejects.toMatchObject(failed);
    } finally {
      vi.restoreAllMocks();
      await file.close();
      await handle.close();
    }
  });

  test("a writeThrough is one call on Linux, and a write and a sync elsewhere", async () => {
    const root = temporary();
    const handle = await open(join(root, "log"), "w+");
    const datasync = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, "datasync");
    const { platform } = process;
    const pretend = (value: string) => Object.defineProperty(process, "platform", { value });
    try {
      for (const [system, calls] of [
        ["linux", platform === "linux" ? 0 : 1],
        ["darwin", 1],
      ] as const) {
        pretend(system);
        datasync.mockClear();
        const file = await new NodeFiles(root).open("log");
        await file.writeThrough(Uint8Array.of(1, 2), 0);
        expect(datasync).toHaveBeenCalledTimes(calls);
        await file.close();
      }
    } finally {
      pretend(platform);
      vi.restoreAllMocks();
      await handle.close();
    }
  });

  test("goes on where the kernel reads or writes less than it was asked for", async () => {
    const root = temporary();
    const handle = await open(join(root, "log"), "w+");
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    const { read, writev } = prototype;
    const shortRead = vi.spyOn(prototype, "read").mockImplementation(function (
      this: FileHandle,
      ...[into, at, length, position]: [Uint8Array, number, number, number]
    ) {
      return Reflect.apply(read, this, [into, at, Math.min(length, 2), position]);
    } as never);
    const shortWrite = vi.spyOn(prototype, "writev").mockImplementation(function (
      this: FileHandle,
      ...[[first], position]: [Uint8Array[], number]
    ) {
      return writev.call(this, [(first as Uint8Array).subarray(0, 2)], position);
    } as never);
    try {
      const file = await new NodeFiles(root).open("log");
      await file.write([Uint8Array.of(1, 2, 3), Uint8Array.of(), Uint8Array.of(4, 5)], 0);
      const into = new Uint8Array(8);
      expect(await file.read(into, 0)).toBe(5);
      expect([...into]).toEqual([1, 2, 3, 4, 5, 0, 0, 0]);
      expect(shortWrite).toHaveBeenCalledTimes(3);
      expect(shortRead).toHaveBeenCalledTimes(4);
      await file.close();
    } finally {
      vi.restoreAllMocks();
      await handle.close();
    }
  });

  test("what is no bytes is misuse, not a fault of the disk", async () => {
    const file = await new NodeFiles(temporary()).open("log", { create: "always" });
    await expect(file.write("text" as never, 0)).rejects.toThrow(TypeError);
    await file.close();
  });

  test.each([-1, 1_000.5, Number.NaN])("refuses %s as quickSyncMs", (quickSyncMs) => {
    const message = `quickSyncMs must be in [0, 1000], got ${quickSyncMs}`;
    expect(() => new NodeFiles(temporary(), { quickSyncMs })).toThrow(message);
  });

  test("refuses a root that is no path", () => {
    expect(() => new NodeFiles("")).toThrow('root must be a path, got ""');
  });
});
