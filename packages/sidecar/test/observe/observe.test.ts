// Logs, counts and what is shown of them. The programs are those that planted bugs have to fail.
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Writable } from "node:stream";
import { requireOrSkip } from "@compendium/metrics/testing";
import { ManualClock } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import { defaultLine, Format, LineFormat } from "../../src/config/format.ts";
import { AccessLogs } from "../../src/observe/access-log.ts";
import { Sidecar } from "../../src/sidecar.ts";
import { logTraps } from "./log-traps.ts";
import { observeTraps } from "./observe-traps.ts";
import { requestOf } from "./requests.ts";
import { loadSubject } from "./subject.ts";
import { traceTraps } from "./trace-traps.ts";

const subject = await loadSubject(path.join(import.meta.dirname, "../../src"));

describe("a log", () => {
  test.each(Object.entries(logTraps))("%s", (_, trap) => trap(subject));
});

describe("numbers", () => {
  test.each(Object.entries(observeTraps))("%s", (_, trap) => trap(subject));
});

describe("W3C Trace Context", () => {
  test.each(Object.entries(traceTraps))("%s", (_, trap) => trap(subject));
});

const line = new LineFormat(new Format(defaultLine));
const short = new LineFormat(new Format("%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS%\n"));
const json = new LineFormat(
  new Map([
    ["status", new Format("%RESPONSE_CODE%")],
    ["flags", new Format("%RESPONSE_FLAGS%")],
    ["agent", new Format("%REQ(user-agent)%")],
  ]),
);

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "sidecar-log-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("listeners that name one file share it, and each has its own line", async () => {
  await withFolder(async (folder) => {
    const file = path.join(folder, "access.log");
    await using logs = new AccessLogs({ clock: new ManualClock() });
    const first = logs.observerOf([{ path: file, line: short }]);
    const second = logs.observerOf([{ path: file, line: json }]);
    first.onEnd(requestOf({ status: 200, path: "/one" }));
    second.onEnd(requestOf({ status: 503, flags: ["UF", "URX"] }));
    first.onEnd(requestOf({ status: 200, path: "/two" }));
    await logs.flush();
    expect(await readFile(file, "utf8")).toBe(
      `/one 200 -\n{"status":503,"flags":"UF,URX","agent":null}\n/two 200 -\n`,
    );
    expect(logs.stats()).toEqual({ written: 3, dropped: 0 });
  });
});

test("a file that was moved away is followed until it is reopened", async () => {
  await withFolder(async (folder) => {
    const [file, old] = [path.join(folder, "access.log"), path.join(folder, "access.log.1")];
    await using logs = new AccessLogs({ clock: new ManualClock() });
    const { onEnd } = logs.observerOf([{ path: file, line: short }]);
    onEnd(requestOf({ status: 200, path: "/1" }));
    await logs.flush();
    await rename(file, old);
    onEnd(requestOf({ status: 200, path: "/2" }));
    await logs.flush();
    logs.reopen();
    onEnd(requestOf({ status: 200, path: "/3" }));
    await logs.flush();
    expect(await readFile(old, "utf8")).toBe("/1 200 -\n/2 200 -\n");
    expect(await readFile(file, "utf8")).toBe("/3 200 -\n");
  });
});

test("a folder that is not there is told once, and counted for every line", async () => {
  await withFolder(async (folder) => {
    const file = path.join(folder, "none/access.log");
    const errors: string[] = [];
    await using logs = new AccessLogs({
      clock: new ManualClock(),
      onError: (of, error) => errors.push(`${of}: ${error.message}`),
    });
    const { onEnd } = logs.observerOf([{ path: file, line: short }]);
    for (let i = 0; i < 3; i++) {
      onEnd(requestOf({ status: 200 }));
      await logs.flush();
    }
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/none\/access\.log: ENOENT/);
    expect(logs.stats()).toEqual({ written: 0, dropped: 3 });
  });
});

test("a pipe that nobody reads is an error, and keeps nobody waiting", async (context) => {
  const made = (file: string): boolean => spawnSync("mkfifo", [file]).status === 0;
  await withFolder(async (folder) => {
    const file = path.join(folder, "pipe");
    requireOrSkip(context, { name: "mkfifo", present: made(file), how: "it comes with coreutils" });
    const errors: string[] = [];
    await using logs = new AccessLogs({
      clock: new ManualClock(),
      onError: (_, error) => errors.push(error.message),
    });
    logs.observerOf([{ path: file, line: short }]).onEnd(requestOf({ status: 200 }));
    await logs.flush();
    expect(errors[0]).toContain("ENXIO");
  });
});

test("a reader that has stopped reading does not keep a sidecar from ending", async () => {
  const clock = new ManualClock();
  const stalled = new Writable({ write: () => {} });
  const sidecar = new Sidecar({ clock, stdout: stalled });
  const { onEnd } = sidecar.accessLogs.observerOf([{ path: "/dev/stdout", line: short }]);
  onEnd(requestOf({ status: 200 }));
  let hasEnded = false;
  const ended = sidecar[Symbol.asyncDispose]().then(() => {
    hasEnded = true;
  });
  await clock.advanceAsync(1_999);
  expect(hasEnded).toBe(false);
  await clock.advanceAsync(1);
  await ended;
});

test("Envoy's line goes to the standard output, which stays open", async () => {
  let text = "";
  const stdout = new Writable({
    write: (chunk, _, done) => {
      text += chunk;
      done();
    },
  });
  await using logs = new AccessLogs({ clock: new ManualClock(), stdout });
  const { onEnd } = logs.observerOf([{ path: "/dev/stdout", line }]);
  onEnd(requestOf({ status: 200, clock: new ManualClock({ wallMs: 0 }) }));
  await logs.retain(new Set());
  expect(text).toBe(
    `[1970-01-01T00:00:00.000Z] "GET /a?b=1 HTTP/1.1" 200 - 3 7 5 - "-" "-" "-" "shop.example" "-"\n`,
  );
  expect(stdout.writable).toBe(true);
  // Of writers that nobody names any more the numbers stay.
  expect(logs.stats()).toEqual({ written: 1, dropped: 0 });
});
