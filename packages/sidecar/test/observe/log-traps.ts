// What a log must not do to the service that writes it, each as a program on a copy of the sources:
// it throws where the copy falls into the trap.
import assert from "node:assert/strict";
import { ManualClock } from "@compendium/runtime";
import type { LogTarget, LogWriterOptions } from "../../src/observe/log-writer.ts";
import type { Subject } from "./subject.ts";

/** A file of which the test decides how quick, and how well, it is. */
class FakeFile implements LogTarget {
  text = "";
  writes = 0;
  isClosed = false;
  /** What the next write waits for. */
  gate: Promise<void> = Promise.resolve();
  failure: Error | undefined;

  async write(text: string): Promise<void> {
    await this.gate;
    this.writes++;
    if (this.failure) throw this.failure;
    this.text += text;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

function setUp({ writer }: Subject, more: Partial<LogWriterOptions> = {}) {
  const clock = new ManualClock();
  const files: FakeFile[] = [];
  const errors: Error[] = [];
  let next = new FakeFile();
  const log = new writer.LogWriter({
    clock,
    open: async () => {
      const file = next;
      next = new FakeFile();
      files.push(file);
      return file;
    },
    onError: (error) => errors.push(error),
    ...more,
  });
  return { log, clock, files, errors, coming: () => next };
}

/** A promise, and the hand on it. */
function gate(): { readonly closed: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { closed, open };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const logTraps: Readonly<Record<string, (subject: Subject) => Promise<void>>> = {
  "lines wait for each other, and go out together, in order": async (subject) => {
    const { log, clock, files } = setUp(subject);
    log.write("a\n");
    log.write("b\n");
    await turn();
    assert.equal(files.length, 0);
    assert.equal(clock.pendingTimers, 1);
    await clock.advanceAsync(1_000);
    await log.flush();
    assert.equal(files[0]?.text, "a\nb\n");
    assert.equal(files[0]?.writes, 1);
    assert.equal(clock.pendingTimers, 0);
    assert.deepEqual(log.numbers, { written: 2, dropped: 0, failures: 0 });
  },

  "a full batch does not wait": async (subject) => {
    const { log, clock, files } = setUp(subject, { batch: 4 });
    log.write("a\n");
    log.write("b\n");
    await turn();
    assert.equal(files[0]?.text, "a\nb\n");
    assert.equal(clock.pendingTimers, 0);
  },

  "what comes while a write is under way follows it, in order": async (subject) => {
    const { log, files, coming } = setUp(subject, { batch: 1 });
    const { closed, open } = gate();
    coming().gate = closed;
    log.write("1\n");
    await turn();
    for (const line of ["2\n", "3\n", "4\n"]) log.write(line);
    await turn();
    assert.equal(files[0]?.text, "");
    open();
    await log.flush();
    assert.equal(files[0]?.text, "1\n2\n3\n4\n");
    assert.equal(files[0]?.writes, 2);
    assert.equal(files.length, 1);
  },

  "beyond its bound a log drops lines and counts them": async (subject) => {
    const { log, files, coming } = setUp(subject, { waitingMax: 6, batch: 1 });
    const { closed, open } = gate();
    coming().gate = closed;
    log.write("1\n");
    await turn();
    for (const line of ["2\n", "3\n", "4\n", "5\n", "6\n"]) log.write(line);
    assert.equal(log.numbers.dropped, 2);
    open();
    await log.flush();
    assert.equal(files[0]?.text, "1\n2\n3\n4\n");
    log.write("7\n");
    await log.flush();
    assert.equal(files[0]?.text, "1\n2\n3\n4\n7\n");
    assert.deepEqual(log.numbers, { written: 5, dropped: 2, failures: 0 });
  },

  "a write that fails is counted, told once, and the file tried anew": async (subject) => {
    const { log, files, errors, coming } = setUp(subject);
    coming().failure = new Error("ENOSPC");
    log.write("1\n");
    await log.flush();
    coming().failure = new Error("ENOSPC");
    log.write("2\n");
    await log.flush();
    log.write("3\n");
    await log.flush();
    assert.deepEqual(
      files.map(({ text, isClosed }) => [text, isClosed]),
      [
        ["", true],
        ["", true],
        ["3\n", false],
      ],
    );
    assert.deepEqual(log.numbers, { written: 1, dropped: 2, failures: 2 });
    assert.equal(errors.length, 1);
    files[2]!.failure = new Error("EIO");
    log.write("4\n");
    await log.flush();
    assert.deepEqual(errors.map(String), ["Error: ENOSPC", "Error: EIO"]);
  },

  "a file that cannot be opened is no reason to stop": async (subject) => {
    const failure = new Error("EACCES");
    const { log, errors } = setUp(subject, { open: () => Promise.reject(failure) });
    for (const line of ["1\n", "2\n"]) {
      log.write(line);
      await log.flush();
    }
    assert.deepEqual(log.numbers, { written: 0, dropped: 2, failures: 2 });
    assert.deepEqual(errors, [failure]);
  },

  "reopened, lines that waited go to the new file": async (subject) => {
    const { log, files } = setUp(subject);
    log.write("1\n");
    await log.flush();
    log.write("2\n");
    log.reopen();
    await log.flush();
    assert.deepEqual(
      files.map(({ text, isClosed }) => [text, isClosed]),
      [
        ["1\n", true],
        ["2\n", false],
      ],
    );
  },

  "at rest a log gives its file back, and a late line is not lost": async (subject) => {
    const { log, files } = setUp(subject);
    log.write("1\n");
    await log.rest();
    assert.equal(files[0]?.isClosed, true);
    log.write("late\n");
    await log.flush();
    assert.equal(files[1]?.text, "late\n");
    assert.equal(files[1]?.isClosed, true);
  },

  "a line between two writes is not forgotten": async (subject) => {
    const { log, clock, files, coming } = setUp(subject);
    const { closed, open } = gate();
    const slow = coming();
    slow.close = async () => {
      await closed;
      slow.isClosed = true;
    };
    log.write("1\n");
    const resting = log.rest();
    await turn();
    log.write("2\n");
    open();
    await resting;
    await clock.advanceAsync(1_000);
    // Nobody flushes: the log has to see to it by itself.
    await turn();
    assert.equal(files.map(({ text }) => text).join(""), "1\n2\n");
  },
};
