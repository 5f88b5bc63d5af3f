// Counts what a node has open: timers that wait, and files.
import type { Clock, Files, OpenFile } from "@compendium/runtime";
import type { RaftNodeOptions } from "../../src/node/index.ts";

/** What nodes have open. */
export class Leaks {
  timers = 0;
  files = 0;

  /** The options, with a clock and files that are counted. */
  wrap(options: RaftNodeOptions): RaftNodeOptions {
    const { clock, files } = options;
    return {
      ...options,
      ...(clock && { clock: this.#clock(clock) }),
      files: this.#files(files),
    };
  }

  #clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      wallMs: () => clock.wallMs(),
      setTimer: (atMs, fn) => {
        let waits = true;
        const done = (): void => {
          if (waits) this.timers--;
          waits = false;
        };
        this.timers++;
        const timer = clock.setTimer(atMs, () => {
          done();
          fn();
        });
        return {
          [Symbol.dispose]: () => {
            done();
            timer[Symbol.dispose]();
          },
        };
      },
    };
  }

  #files(files: Files): Files {
    return {
      open: async (path, options) => this.#file(await files.open(path, options)),
      list: (folder) => files.list(folder),
      makeFolder: (folder) => files.makeFolder(folder),
      rename: (from, to) => files.rename(from, to),
      remove: (path) => files.remove(path),
      syncFolder: (folder) => files.syncFolder(folder),
    };
  }

  #file(file: OpenFile): OpenFile {
    let isOpen = true;
    this.files++;
    const close = async (): Promise<void> => {
      if (isOpen) this.files--;
      isOpen = false;
      await file.close();
    };
    return {
      read: (into, offset) => file.read(into, offset),
      write: (chunks, offset) => file.write(chunks, offset),
      sync: () => file.sync(),
      writeThrough: (chunks, offset) => file.writeThrough(chunks, offset),
      size: () => file.size(),
      truncate: (size) => file.truncate(size),
      allocate: (size) => file.allocate(size),
      close,
      [Symbol.asyncDispose]: close,
    };
  }
}
