// A real file system in memory, of which a test knows what is durable, and says how long it takes
// and what fails. It stands between the package and node:fs, in this process, until it is disposed.
// A byte counts as durable when a call has written it to a descriptor with O_DSYNC, which the
// kernel is asked for.
import assert from "node:assert/strict";
import fs from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";

/** The package under test, or a copy of it with a bug. */
export type Subject = Pick<typeof import("@compendium/runtime/node"), "NodeFiles">;

/** What a disk does with the next write. */
export interface Behaviour {
  readonly tookMs: number;
  readonly fault?: "EIO" | "ENOSPC";
  /** How many bytes it takes at most, from 1. */
  readonly bytesMax?: number;
}

/** A call that has reached the disk. */
export interface Call extends Behaviour {
  readonly place: "inline" | "apart";
  readonly at: number;
  readonly bytes: number;
  readonly startedMs: number;
  /** It goes on where the one before it has stopped short. */
  readonly isContinued: boolean;
}

const FILE_BYTES = 2 ** 20;
const SHARED_MEMORY = "/dev/shm";

export class WatchedDisk implements Disposable {
  readonly root: string;
  readonly calls: Call[] = [];
  nowMs = 1_000_000;
  readonly clock = { now: (): number => this.nowMs };
  /** What the turn has queued to be sent is still to be sent. */
  isTurnUnderWay = false;
  readonly #behave: () => Behaviour;
  // By inode: what would be found after a power cut.
  readonly #durable = new Map<number, Uint8Array>();
  readonly #restore: () => void;
  #isWriting = false;

  private constructor(root: string, behave: () => Behaviour, prototype: FileHandle) {
    this.root = root;
    this.#behave = behave;
    const { writevSync } = fs;
    const { writev } = prototype;
    const inline = (fd: number, chunks: readonly Uint8Array[], at: number): number => {
      assert.ok(!this.isTurnUnderWay, "what the turn sends has not left yet");
      const taken = this.#begin("inline", chunks, at);
      const written = writevSync(fd, taken, at);
      this.#written(fd, taken, at);
      return written;
    };
    const begin = (chunks: readonly Uint8Array[], at: number) => this.#begin("apart", chunks, at);
    const written = (fd: number, taken: readonly Uint8Array[], at: number) => {
      this.#written(fd, taken, at);
    };
    async function apart(this: FileHandle, chunks: readonly Uint8Array[], at: number) {
      const taken = begin(chunks, at);
      const result = await writev.call(this, taken, at);
      written(this.fd, taken, at);
      return result;
    }
    this.#restore = () => {
      fs.writevSync = writevSync;
      prototype.writev = writev;
      syncBuiltinESMExports();
    };
    fs.writevSync = inline as typeof fs.writevSync;
    prototype.writev = apart as typeof prototype.writev;
    syncBuiltinESMExports();
  }

  static async make(behave: () => Behaviour): Promise<WatchedDisk> {
    const parent = fs.existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir();
    const root = fs.mkdtempSync(path.join(parent, "runtime-inline-"));
    const handle = await open(root);
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    return new WatchedDisk(root, behave, prototype);
  }

  /** What a power cut would leave of a file there. */
  durable(name: string, at: number, length: number): Uint8Array {
    const { ino } = fs.statSync(path.join(this.root, name));
    return this.#bytesOf(ino).subarray(at, at + length);
  }

  [Symbol.dispose](): void {
    this.#restore();
    fs.rmSync(this.root, { recursive: true });
  }

  #begin(place: Call["place"], chunks: readonly Uint8Array[], at: number): Uint8Array[] {
    const behaviour = this.#behave();
    const { fault, tookMs, bytesMax = FILE_BYTES } = behaviour;
    const bytes = Buffer.concat(chunks).subarray(0, bytesMax);
    const startedMs = this.nowMs;
    // What is written in one go of the calling thread is one write.
    const isContinued = place === "inline" && this.#isWriting;
    this.#isWriting = place === "inline";
    queueMicrotask(() => (this.#isWriting = false));
    this.calls.push({ ...behaviour, place, at, bytes: bytes.length, startedMs, isContinued });
    this.nowMs += tookMs;
    if (fault !== undefined) throw Object.assign(new Error(fault), { code: fault });
    return [bytes];
  }

  #written(fd: number, chunks: readonly Uint8Array[], at: number): void {
    if (isDurable(fd)) this.#bytesOf(fs.fstatSync(fd).ino).set(Buffer.concat(chunks), at);
  }

  #bytesOf(ino: number): Uint8Array {
    const bytes = this.#durable.get(ino) ?? new Uint8Array(FILE_BYTES);
    this.#durable.set(ino, bytes);
    return bytes;
  }
}

function isDurable(fd: number): boolean {
  const info = fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
  const flags = Number.parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? "0", 8);
  return (flags & fs.constants.O_DSYNC) !== 0;
}
