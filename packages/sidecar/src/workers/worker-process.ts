// The process of one worker: a channel to the primary, signals, exit code. It is forked with this
// file. Signals that a terminal or a supervisor sends to the whole group are the primary's to
// understand; only SIGTERM means this one process too, which drains, ends, and is replaced.
//
// They are caught before anything else is loaded: where nobody listens SIGHUP ends the process, and
// SIGUSR1 opens node's debugger. What the primary says in the meantime waits in the channel.

let stop = (): void => process.exit();
process.on("SIGTERM", () => stop());
// Without the primary nobody could reload, stop, or count this process.
process.on("disconnect", () => stop());
process.on("SIGHUP", () => {});
process.on("SIGUSR1", () => {});
// A second one kills, as it does the primary.
process.once("SIGINT", () => {});
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});

const { Worker } = await import("./worker.ts");
const worker = new Worker({
  send: (message) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  },
  onStopped: () => {
    process.exitCode = 0;
    if (process.connected) process.disconnect();
    // Whoever has our standard output and does not read it keeps the last lines from leaving.
    setTimeout(() => process.exit(), 2_000).unref();
  },
});
stop = () => void worker.stop();
process.on("message", (message) => worker.onMessage(message as never));
