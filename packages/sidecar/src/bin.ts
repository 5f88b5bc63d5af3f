#!/usr/bin/env node
// The process around cli.ts: standard streams, signals, exit code. A second SIGTERM or SIGINT while
// the first is being honoured kills as usual, since the handlers are gone by then.
import { runCli } from "./cli.ts";

const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
process.once("SIGINT", () => stop.abort());
// Whoever read our lines may be gone (`| head -1`): that is no reason to stop serving.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

process.exitCode = await runCli(process.argv.slice(2), {
  out: (line) => console.log(line),
  err: (line) => console.error(line),
  signal: stop.signal,
  onReload: (reload) => process.on("SIGHUP", reload),
  onReopen: (reopen) => process.on("SIGUSR1", reopen),
  env: process.env,
});
// Whoever has our standard output and does not read it keeps the last lines from leaving.
setTimeout(() => process.exit(), 2_000).unref();
