// A service that is started afresh whenever it exits, at the same address. A container needs it:
// the lab asks for a fresh process before each run, and a container whose only process exits is a
// container that stopped, which compose takes for a failure.
import { fork } from "node:child_process";
import { once } from "node:events";

const STOP_MS_MAX = 4_500;

/**
 * Runs `main.ts …args` again and again while it exits with 0, until this process is told to stop.
 * Rejects when it ends in any other way: a crash is for whoever runs this process to see.
 */
export async function respawn(args: readonly string[]): Promise<void> {
  const main = new URL(import.meta.url.endsWith(".ts") ? "main.ts" : "main.js", import.meta.url);
  let stopping = false;
  while (!stopping) {
    const child = fork(main, args);
    child.once("message", () => console.log(`${args[0]} is ready`));
    const stop = () => {
      stopping = true;
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX).unref();
    };
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
    const [code, signal] = await once(child, "exit");
    process.off("SIGTERM", stop);
    process.off("SIGINT", stop);
    if (code !== 0 && !stopping) throw new Error(`${args[0]} ended with ${signal ?? code}`);
  }
}
