// One service as a child process: started, waited for until it listens, restarted on the same port
// when it dies without having been told to, and stopped for good.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { getCompileCacheDir } from "node:module";

const MAIN = new URL(import.meta.url.endsWith(".ts") ? "main.ts" : "main.js", import.meta.url);
const READY_MS_MAX = 15_000;
const STOP_MS_MAX = 4_500;
const RESTARTS_MAX = 5;

/** A running service process. */
export interface Child {
  url: URL;
  /** Asks it to drain, waits, and kills it when it takes too long. */
  stop(): Promise<void>;
}

/**
 * Starts `main.ts name …args` and waits until it listens on 127.0.0.1. `onDeath` is told, in a
 * line, when it dies unasked; it is then started again with the same port, up to five times.
 */
export async function startChild(
  name: string,
  args: readonly string[],
  onDeath: (line: string) => void,
): Promise<Child> {
  let stopping = false;
  let restarts = 0;
  let { process: current, port } = await launch(name, args, 0);

  const watch = () => {
    const { pid } = current;
    current.once("exit", async (code, signal) => {
      if (stopping) return;
      const how = signal === null ? `exited with ${code}` : `was killed by ${signal}`;
      if (restarts++ >= RESTARTS_MAX) {
        return onDeath(`${name} (pid ${pid}) ${how}, for the ${restarts}th time: press r to reset`);
      }
      onDeath(`${name} (pid ${pid}) ${how}; it is started again on port ${port}`);
      try {
        ({ process: current } = await launch(name, args, port));
        if (stopping) current.kill("SIGKILL");
        else watch();
      } catch (error) {
        onDeath(`${(error as Error).message}: press r to reset`);
      }
    });
  };
  watch();

  return {
    url: new URL(`http://127.0.0.1:${port}`),
    stop: async () => {
      stopping = true;
      await end(current);
    },
  };
}

async function launch(
  name: string,
  args: readonly string[],
  port: number,
): Promise<{ process: ChildProcess; port: number }> {
  const cache = getCompileCacheDir();
  const child = fork(MAIN, [name, ...args, "--port", String(port)], {
    env: cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache },
  });
  const timeout = AbortSignal.timeout(READY_MS_MAX);
  try {
    const [message] = await Promise.race([
      once(child, "message", { signal: timeout }),
      once(child, "exit", { signal: timeout }).then(([code]) => {
        throw new Error(`${name} exited with ${code} before it listened`);
      }),
    ]);
    return { process: child, port: (message as { port: number }).port };
  } catch (error) {
    child.kill("SIGKILL");
    if (timeout.aborted) throw new Error(`${name} was not ready within ${READY_MS_MAX} ms`);
    throw error;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await exited;
  clearTimeout(killer);
}
