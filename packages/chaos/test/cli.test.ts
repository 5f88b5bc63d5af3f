// The command: what it prints, how it exits. Once as a process, for signals; else as a function.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { FaultProxy } from "@compendium/chaos";
import { runCli } from "@compendium/chaos/cli";
import { expect, test } from "vitest";
import { until } from "./helpers.ts";

function start(args: string[]) {
  const stop = new AbortController();
  const out: string[] = [];
  const err: string[] = [];
  const around = {
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
    signal: stop.signal,
  };
  return { out, err, stop, exit: runCli(args, around) };
}

const PAIR = ["--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1"];

test("serves named proxies and their control until it is stopped, then exits 0", async () => {
  const cli = start([
    ...PAIR,
    "--name",
    "db",
    ...PAIR,
    "--control",
    "0",
    "--faults",
    '{"refuse":true}',
  ]);
  await until(() => cli.out.length === 3);
  expect(cli.out[0]).toMatch(/^db: 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:1$/);
  expect(cli.out[1]).toMatch(/^proxy-2: /);
  const url = /^control: (http:\S+)$/.exec(cli.out[2] ?? "")?.[1] ?? "";
  const { proxies } = (await (await fetch(url)).json()) as { proxies: { faults: object }[] };
  expect(proxies.map((proxy) => proxy.faults)).toEqual([{ refuse: true }, { refuse: true }]);
  cli.stop.abort();
  expect(await cli.exit).toBe(0);
  await expect(fetch(url)).rejects.toThrow();
});

test("--help lists the options and exits 0", async () => {
  const { out, exit } = start(["--help"]);
  expect(await exit).toBe(0);
  expect(out.join()).toContain("--upstream");
});

test.each([
  [["--latency", "5"], "Unknown option '--latency'; --help lists the options"],
  [[], "--listen and --upstream must come in pairs, at least one; got 0 and 0"],
  [["--listen", "9001"], "--listen and --upstream must come in pairs, at least one; got 1 and 0"],
  [
    ["--listen", "x", "--upstream", "1"],
    '--listen must be HOST:PORT, such as 127.0.0.1:9001, got "x"',
  ],
  [
    ["--listen", "1:99999", "--upstream", "1"],
    '--listen must be HOST:PORT, such as 127.0.0.1:9001, got "1:99999"',
  ],
  [[...PAIR, "--seed", "-1x"], "Option '--seed' argument is ambiguous; --help lists"],
  [[...PAIR, "--seed", "x"], '--seed must be a whole number, got "x"'],
  [[...PAIR, "--faults", "{"], '--faults must be JSON, such as {"refuse":true}, got "{"'],
  [[...PAIR, "--faults", '{"lag":1}'], "lag is not a known field; faults may have upstream"],
  [[...PAIR, "--connections-max", "0"], "connectionsMax must be an integer in [1, 65536], got 0"],
  [[...PAIR, "surplus"], "Unexpected argument 'surplus'"],
])("a wrong argument is one line and exit code 2: %j", async (args, message) => {
  const { out, err, exit } = start(args);
  expect(await exit).toBe(2);
  expect(out).toEqual([]);
  expect(err).toHaveLength(1);
  expect(err[0]).toContain(`compendium-chaos: ${message}`);
  expect(err[0]).not.toContain("\n");
});

test("a busy port is one line with the next step, and exit code 1", async () => {
  await using busy = await FaultProxy.listen({ upstream: { port: 1 } });
  const { port } = busy.address;
  const { err, exit } = start([...PAIR, "--listen", `${port}`, "--upstream", "1"]);
  expect(await exit).toBe(1);
  expect(err).toEqual([
    `compendium-chaos: cannot listen on 127.0.0.1:${port}: the port is taken; stop what holds it, or choose another (0 for any)`,
  ]);
});

test.each(["SIGTERM", "SIGINT"] as const)("as a process, %s ends it with 0", async (signal) => {
  const upstream = createServer().listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const { port } = upstream.address() as { port: number };
  const bin = fileURLToPath(new URL("../src/bin.ts", import.meta.url));
  const args = ["--conditions=@compendium/source", bin, "--listen", "0", "--upstream", `${port}`];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  await until(() => output.includes("->") || child.exitCode !== null);
  child.kill(signal);
  expect(await once(child, "exit")).toEqual([0, null]);
  upstream.close();
});
