// Lines into a file or a stream, in order, without anybody waiting for the disk. Lines gather here
// while the last ones are being written, and go out together: one write at a time keeps the order,
// and a slow disk makes larger writes instead of more of them.
//
//     write(line) ──▶ waiting (bounded) ──▶ one write at a time ──▶ file, opened when first needed
//
// A log must not take the service down with it. Beyond the bound lines are dropped, not the newest
// request; a write that fails loses its lines, is counted, and told once, until one succeeds again.
// The next lines try the file anew, at most once for each flush.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Writable } from "node:stream";
import type { Clock } from "@compendium/runtime";

/** Where lines go in the end. */
export interface LogTarget {
  /** All of it or a rejection. */
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

/** How a {@link LogWriter} is set up. */
export interface LogWriterOptions {
  /** Opens the file, again after a failure or {@link LogWriter.reopen}. */
  readonly open: () => Promise<LogTarget>;
  readonly clock: Pick<Clock, "now" | "setTimer">;
  /** Told once for each row of failures. */
  readonly onError?: (error: Error) => void;
  /** Characters that may wait; what does not fit is dropped. Default: 4,194,304. */
  readonly waitingMax?: number;
  /** So many are written at once, without waiting for more. Default: 65,536 (Envoy's). */
  readonly batch?: number;
  /** How long a line may wait for others. Default: 1,000 (Envoy: 10,000). */
  readonly flushMs?: number;
}

/** What a writer has counted, in lines. */
export interface LogNumbers {
  written: number;
  /** For want of room, or because a write failed. */
  dropped: number;
  /** Writes, and attempts to open, that failed. */
  failures: number;
}

/** One file of lines. */
export class LogWriter {
  readonly numbers: LogNumbers = { written: 0, dropped: 0, failures: 0 };
  readonly #options: Required<LogWriterOptions>;
  // Invariant: waitingLength is the sum of the lengths of waiting, and at most waitingMax.
  #waiting: string[] = [];
  #waitingLength = 0;
  #target: LogTarget | undefined;
  #writing: Promise<void> | undefined;
  #timer: Disposable | undefined;
  #isFailing = false;
  #isStale = false;
  #isResting = false;

  constructor(options: LogWriterOptions) {
    this.#options = {
      onError: () => {},
      waitingMax: 4_194_304,
      batch: 65_536,
      flushMs: 1_000,
      ...options,
    };
  }

  /** Takes a line, with its end. Never waits, never throws. */
  write(line: string): void {
    if (this.#waitingLength + line.length > this.#options.waitingMax) {
      this.numbers.dropped++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingLength += line.length;
    if (this.#writing === undefined) this.#schedule();
  }

  /** Settles when all lines that wait now are written, or lost; never rejects. */
  async flush(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    // Lines that came while a write was under way belong to the next one.
    await this.#writing;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      // A line may have come since the last look; nobody else would write it.
      if (this.#waiting.length > 0) this.#schedule();
    });
    await this.#writing;
  }

  /** Lines from now on go to a file that is opened anew: the old one was moved away. */
  reopen(): void {
    this.#isStale = true;
    void this.flush();
  }

  /** Nobody means to write any more: gives the file back. A late line opens it for itself. */
  async rest(): Promise<void> {
    this.#isResting = true;
    await this.flush();
  }

  #schedule(): void {
    const { batch, flushMs, clock } = this.#options;
    if (this.#waitingLength >= batch) void this.flush();
    else this.#timer ??= clock.setTimer(clock.now() + flushMs, () => void this.flush());
  }

  async #writeAll(): Promise<void> {
    do {
      if (this.#isStale) await this.#close();
      await this.#writeOnce();
    } while (this.#waiting.length > 0);
    if (this.#isResting) await this.#close();
  }

  async #writeOnce(): Promise<void> {
    const lines = this.#waiting;
    if (lines.length === 0) return;
    this.#waiting = [];
    this.#waitingLength = 0;
    try {
      this.#target ??= await this.#options.open();
      await this.#target.write(lines.join(""));
      this.numbers.written += lines.length;
      this.#isFailing = false;
    } catch (error) {
      this.numbers.dropped += lines.length;
      this.#failed(error as Error);
      await this.#close();
    }
  }

  async #close(): Promise<void> {
    const target = this.#target;
    this.#target = undefined;
    this.#isStale = false;
    try {
      await target?.close();
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #failed(error: Error): void {
    this.numbers.failures++;
    if (!this.#isFailing) this.#options.onError(error);
    this.#isFailing = true;
  }
}

const { O_APPEND, O_CREAT, O_WRONLY, O_NONBLOCK } = constants;

/**
 * A file, added to at its end. What is written together goes out in one write, which the system
 * carries out as one step: other processes may write whole lines there too. A pipe that nobody
 * reads is an error, and does not hold one of the process's few threads: it would not end while
 * that waits.
 */
export async function openLogFile(path: string): Promise<LogTarget> {
  const file = await open(path, O_APPEND | O_CREAT | O_WRONLY | O_NONBLOCK);
  return {
    // Not appendFile, which writes 512 KiB at a time: another process's lines would come between.
    write: async (text) => {
      const bytes = Buffer.from(text);
      let written = 0;
      while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten;
    },
    close: () => file.close(),
  };
}

/** A stream of the process, which is never closed. */
export function streamTarget(stream: Writable): LogTarget {
  return {
    write: (text) =>
      new Promise((resolve, reject) => {
        stream.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    close: () => Promise.resolve(),
  };
}
