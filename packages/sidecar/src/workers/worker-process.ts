// The process of one worker: a channel to the primary, signals, exit code. It is forked with this
// file. Signals that a terminal or a supervisor sends to the whole group are the primary's to
// understand; only SIGTERM means this one process too, which drains, ends, and is replaced.
import { Worker } from "./worker.ts";

const worker = new Worker({
  send: (message) => {
    // The primary may be gone by now, which is told by "disconnect".
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  },
  onStopped: () => {
    process.exitCode = 0;
    if (process.connected) process.disconnect();
    // Whoever has our standard output and does not read it keeps the last lines from leaving.
    setTimeout(() => process.exit(), 2_000).unref();
  },
});

process.on("message", (message) => worker.onMessage(message as never));
// Without the primary nobody could reload, stop, or count this process.
process.on("disconnect", () => worker.stop());
process.on("SIGTERM", () => worker.stop());
// A second one kills, as it does the primary.
process.once("SIGINT", () => {});
process.on("SIGHUP", () => {});
process.on("SIGUSR1", () => {});
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
