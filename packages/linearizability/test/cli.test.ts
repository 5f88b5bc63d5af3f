// The command: what it prints, how it exits. Once as a process, for stdin; else as a function.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { runCli } from "@compendium/linearizability/cli";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hardAndEasy } from "./mutants/traps.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "linearizability-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const line = (process: number, type: string, f: string, value?: unknown, more = {}) =>
  JSON.stringify({ process, type, f, value, ...more });

const legal = [
  line(0, "invoke", "write", 1),
  line(1, "invoke", "read"),
  line(0, "ok", "write"),
  line(1, "ok", "read", 1),
  line(0, "invoke", "cas", [1, 2]),
  line(0, "info", "cas", null, { error: "timeout" }),
  line(1, "invoke", "read"),
  line(1, "ok", "read", 2),
].join("\n");

const stale = `${legal}\n${line(1, "invoke", "read")}\n${line(1, "ok", "read", 1)}\n`;

async function run(args: readonly string[], stdin = "") {
  const out: string[] = [];
  const err: string[] = [];
  const exit = await runCli(args, {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    stdin: async () => stdin,
  });
  return { exit, out, err };
}

test("a linearizable history exits 0", async () => {
  const { exit, out, err } = await run([], legal);
  expect(out).toEqual(["ok: 4 operations on 1 register, 3 configurations, 2 steps"]);
  expect([exit, err]).toEqual([0, []]);
});

test("an illegal history exits 1 and shows the lines that prove it", async () => {
  const { exit, out } = await run(["--model", "register"], stale);
  expect(exit).toBe(1);
  expect(out[0]).toMatch(/^illegal: 5 operations on 1 register/);
  expect(out.slice(1)).toEqual([
    "minimal counterexample, 2 operations:",
    "  lines 7 to 8, process 1: read 2",
    "  lines 9 to 10, process 1: read 1",
  ]);
});

test("a history that the budget does not suffice for exits 3 and says what was reached", async () => {
  const hard = hardAndEasy().filter(({ input }) => input.key === "hard");
  const events = [
    line(99, "invoke", "put", 0, { key: "k" }),
    line(99, "ok", "put"),
    ...hard.slice(1, -1).map(({ input }, process) => {
      const { from, to } = input as { from: number; to: number };
      return line(process, "invoke", "cas", [from, to], { key: "k" });
    }),
    ...hard.slice(1, -1).map((_, process) => line(process, "ok", "cas")),
    line(99, "invoke", "get", null, { key: "k" }),
    line(99, "ok", "get", 99),
  ];
  const { exit, out } = await run(["--budget", "5000"], events.join("\n"));
  expect(exit).toBe(3);
  expect(out[0]).toMatch(/^unknown: 56 operations on 1 kv, .* 5,000 steps$/);
  expect(out[1]).toMatch(
    /^undecided of k: out of steps; the longest order found has \d+ of 56 operations$/,
  );
});

test("--html writes a page that needs nothing else, with all text escaped", async () => {
  const html = path.join(folder, "timeline.html");
  const evil = "<script>alert(1)</script>";
  const events = [line(0, "invoke", "write", evil), line(0, "ok", "write")];
  const { exit, out } = await run(["--html", html], [...events, stale].join("\n"));
  expect([exit, out.at(-1)]).toEqual([1, `timeline: ${html}`]);
  const page = readFileSync(html, "utf8");
  expect(page).toContain("&lt;script&gt;");
  expect(page).not.toMatch(/<script|<link|src=|url\(|@import/);
  expect(page).toContain("A minimal counterexample");
});

test("reads a file by its name, and stdin as a process", () => {
  const file = path.join(folder, "history.ndjson");
  writeFileSync(file, stale);
  const bin = fileURLToPath(new URL("../src/bin.ts", import.meta.url));
  const start = (args: string[], input?: string) => {
    const flags = ["--conditions=@compendium/source", bin, ...args];
    return spawnSync(process.execPath, flags, { encoding: "utf8", ...(input && { input }) });
  };
  expect(start([file]).status).toBe(1);
  const piped = start([], legal);
  expect([piped.status, piped.stderr]).toEqual([0, ""]);
});

test("--help lists the options and exits 0", async () => {
  const { exit, out } = await run(["--help"]);
  expect(exit).toBe(0);
  expect(out.join()).toContain("--independent");
});

test.each([
  [["--modell", "x"], "", "Unknown option '--modell'; --help lists the options"],
  [["--model", "stack"], "", '--model must be one of register, kv, set, queue, lock, got "stack"'],
  [["--budget", "0"], "", '--budget must be a whole number of at least 1, got "0"'],
  [["--initial", "{"], "", `--initial must be JSON, such as '""' or 0, got "{"`],
  [["--initial", "[]"], "", '--initial must be a string, a number, true, false or null, got "[]"'],
  [["a", "b"], "", 'one FILE at a time, got "b" as well'],
  [["no-such-file"], "", "ENOENT: no such file or directory, open 'no-such-file'"],
  [[], "", "stdin: no operation in it (jepsen-log)"],
  [[], `${legal}\n{"process":`, "stdin: line 9: not JSON: "],
  [[], "{}", "stdin: line 1: process must be a number or a string, got nothing"],
  [[], line(0, "done", "read"), 'stdin: line 1: type must be invoke, ok, fail or info, got "done"'],
  [[], line(0, "ok", "read", 1), "stdin: line 1: process 0 has no open call to end with ok"],
  [
    [],
    `${line(0, "invoke", "read")}\n${line(0, "invoke", "read")}`,
    "stdin: line 2: process 0 calls while its call of line 1 is open",
  ],
  [
    [],
    `${line(0, "invoke", "read")}\n${line(0, "ok", "write")}`,
    "stdin: line 2: process 0 ends write, but has called read in line 1",
  ],
  [
    [],
    line(0, "invoke", "increment"),
    "stdin: line 1: f must be one of read, write, cas, got incr",
  ],
  [[], line(0, "invoke", "cas", 3), "stdin: line 1: cas takes [from, to], got 3"],
  [[], line(0, "invoke", "get"), "stdin: line 1: an operation on a map needs a key"],
  [["--format", "edn"], "{:process 0, :type", "stdin: line 1: } is missing, column 19"],
  [
    [],
    "{:process 0 :type :invoke :f}",
    "stdin: line 1: a map has a key without a value, column 30",
  ],
])("a wrong argument or input is one line and exit code 2: %j %j", async (args, stdin, message) => {
  const { exit, out, err } = await run(args, stdin);
  expect(exit).toBe(2);
  expect(out).toEqual([]);
  expect(err).toHaveLength(1);
  expect(err[0]).toContain(`compendium-linearizability: ${message}`);
  expect(err[0]).not.toContain("\n");
});
