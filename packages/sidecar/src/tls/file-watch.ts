// Says when files may have changed. Directories are watched, not files: a file that is replaced
// (written beside and renamed, or reached by a symbolic link as Kubernetes's `..data`) is another
// file, and a watch on the old one would say nothing any more.
//
// A watch is a hint, on some file systems not even that, and the directory itself may be replaced:
// so there is a slow poll as well. Whoever is called looks at the contents, and a call for nothing
// costs some reads.
import { type FSWatcher, statSync, watch } from "node:fs";
import path from "node:path";
import type { Clock } from "@compendium/runtime";

/** When to look. */
export interface FileWatchOptions {
  readonly clock: Clock;
  /** Between the last sign of a change and the call: files are written in several steps. */
  readonly settleMs: number;
  /** Between two calls without a sign. */
  readonly pollMs: number;
  readonly onChange: () => void;
}

interface Watched {
  readonly watcher: FSWatcher;
  readonly inode: number;
}

/** A watch on the directories of some files. */
export class FileWatch implements Disposable {
  readonly #options: FileWatchOptions;
  readonly #watched = new Map<string, Watched>();
  #directories: ReadonlySet<string> = new Set();
  #settling: Disposable | undefined;
  #polling: Disposable | undefined;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** Watches these files, and no others. Without files there is neither a watch nor a timer. */
  set(files: Iterable<string>): void {
    this.#directories = new Set([...files].map((file) => path.dirname(path.resolve(file))));
    for (const directory of this.#watched.keys()) {
      if (!this.#directories.has(directory)) this.#stop(directory);
    }
    for (const directory of this.#directories) this.#start(directory);
    if (this.#directories.size === 0) this[Symbol.dispose]();
    else this.#polling ??= this.#nextPoll();
  }

  /** Directories that are watched now. */
  get size(): number {
    return this.#watched.size;
  }

  [Symbol.dispose](): void {
    this.#settling?.[Symbol.dispose]();
    this.#polling?.[Symbol.dispose]();
    this.#settling = undefined;
    this.#polling = undefined;
    for (const directory of [...this.#watched.keys()]) this.#stop(directory);
  }

  #start(directory: string): void {
    const inode = inodeOf(directory);
    const known = this.#watched.get(directory);
    if (known?.inode === inode) return;
    this.#stop(directory);
    if (inode === undefined) return;
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#onSign());
      // The directory is gone, or there are too many watches: the poll goes on.
      watcher.on("error", () => this.#stop(directory));
      this.#watched.set(directory, { watcher, inode });
    } catch {
      // The same.
    }
  }

  #stop(directory: string): void {
    this.#watched.get(directory)?.watcher.close();
    this.#watched.delete(directory);
  }

  // The first sign decides when: who writes into the directory all the time must not put it off.
  #onSign(): void {
    const { clock, settleMs, onChange } = this.#options;
    this.#settling ??= clock.setTimer(clock.now() + settleMs, () => {
      this.#settling = undefined;
      onChange();
    });
  }

  #nextPoll(): Disposable {
    const { clock, pollMs, onChange } = this.#options;
    return clock.setTimer(clock.now() + pollMs, () => {
      this.#polling = this.#nextPoll();
      for (const directory of this.#directories) this.#start(directory);
      onChange();
    });
  }
}

function inodeOf(directory: string): number | undefined {
  return statSync(directory, { throwIfNoEntry: false })?.ino;
}
