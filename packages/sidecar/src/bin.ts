#!/usr/bin/env node
// The process around cli.ts: standard streams, signals, exit code. A second SIGTERM or SIGINT while
// the first is being honoured kills as usual, since the handlers are gone by then.
//
// Signals are caught before anything else is loaded: where nobody listens SIGHUP ends the process,
// and SIGUSR1 opens node's debugger.

const waiting = new Set<NodeJS.Signals>();
const onSignal = (signal: NodeJS.Signals): void => void waiting.add(signal);
process.on("SIGHUP", onSignal);
process.on("SIGUSR1", onSignal);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
process.once("SIGINT", () => stop.abort());
// Whoever read our lines may be gone (`| head -1`): that is no reason to stop serving.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

// What came in the meantime is not lost.
function listen(signal: NodeJS.Signals, listener: () => void): void {
  process.on(signal, listener);
  process.off(signal, onSignal);
  if (waiting.delete(signal)) listener();
}

const { runCli } = await import("./cli.ts");
process.exitCode = await runCli(process.argv.slice(2), {
  out: (line) => console.log(line),
  err: (line) => console.error(line),
  signal: stop.signal,
  onReload: (reload) => listen("SIGHUP", reload),
  onReopen: (reopen) => listen("SIGUSR1", reopen),
  env: process.env,
});
// Whoever has our standard output and does not read it keeps the last lines from leaving.
setTimeout(() => process.exit(), 2_000).unref();
