#!/usr/bin/env node
// The process around cli.ts: standard streams and the exit code.
import { text } from "node:stream/consumers";
import { runCli } from "./cli.ts";

// Whoever read our lines may be gone (`| head -1`): the exit code still says what was found.
process.stdout.on("error", () => {});

process.exitCode = await runCli(process.argv.slice(2), {
  out: (line) => console.log(line),
  err: (line) => console.error(line),
  stdin: () => text(process.stdin),
});
