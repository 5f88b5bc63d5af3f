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
export class Child {
  readonly url: URL;
  readonly #name: string;
  readonly #args: readonly string[];
  readonly #onDeath: (line: string) => void;
  readonly #isToldPort: boolean;
  #process: ChildProcess;
  #restarting: Promise<void> | undefined;
  #restarts = 0;
  #stopping = false;
  // Killed from here, and to stay so until it is revived.
  #killed = false;

  private constructor(
    [name, ...args]: readonly [string, ...string[]],
    { process, port }: Launched,
    onDeath: (line: string) => void,
    isToldPort: boolean,
  ) {
    this.url = new URL(`http://127.0.0.1:${port}`);
    this.#name = name;
    this.#args = args;
    this.#onDeath = onDeath;
    this.#isToldPort = isToldPort;
    this.#process = process;
    this.#watch();
  }

  /**
   * Starts `main.ts …command` and waits until it listens on 127.0.0.1, on a port that is free if
   * none is said; null is for one that knows its port itself. `onDeath` is told, in a line, when it
   * dies unasked; it is then started again with the same port and the same arguments, up to five
   * times.
   */
  static async start(
    command: readonly [string, ...string[]],
    onDeath: (line: string) => void,
    port: number | null = 0,
  ): Promise<Child> {
    const [name, ...args] = command;
    const launched = await launch(name, args, port);
    return new Child(command, launched, onDeath, port !== null);
  }

  /** Has it read its configuration again, where it has one. */
  reload(): void {
    this.#process.kill("SIGHUP");
  }

  /** Asks it to drain, waits, and kills it when it takes too long. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#restarting;
    // One that is paused would hear nothing.
    this.resume();
    await end(this.#process);
  }

  /** Ends it with SIGKILL, and does not start it again: that is for {@link revive}. */
  async kill(): Promise<void> {
    this.#killed = true;
    if (hasEnded(this.#process)) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exited;
  }

  /** Starts it again after {@link kill}, with the same port and the same arguments. */
  async revive(): Promise<void> {
    if (this.#stopping) return;
    this.#killed = false;
    this.#restarting = this.#restart();
    await this.#restarting;
  }

  /** Stops it in its tracks, until {@link resume}. */
  pause(): void {
    this.#process.kill("SIGSTOP");
  }

  resume(): void {
    this.#process.kill("SIGCONT");
  }

  #watch(): void {
    const { pid } = this.#process;
    this.#process.once("exit", (code, signal) => {
      if (this.#stopping || this.#killed) return;
      const died = `${this.#name} (pid ${pid}) ${describeExit(code, signal)}`;
      if (this.#restarts >= RESTARTS_MAX) {
        return this.#onDeath(`${died} after ${RESTARTS_MAX} restarts: reset to start afresh`);
      }
      this.#restarts++;
      this.#onDeath(`${died}; it is started again on port ${this.url.port}`);
      this.#restarting = this.#restart();
    });
  }

  async #restart(): Promise<void> {
    try {
      const port = this.#isToldPort ? Number(this.url.port) : null;
      ({ process: this.#process } = await launch(this.#name, this.#args, port));
      this.#watch();
    } catch (error) {
      this.#onDeath(`${(error as Error).message}: reset to start afresh`);
    }
  }
}

interface Launched {
  process: ChildProcess;
  port: number;
}

async function launch(
  name: string,
  args: readonly string[],
  port: number | null,
): Promise<Launched> {
  const cache = getCompileCacheDir();
  const listen = port === null ? [] : ["--port", String(port)];
  const child = fork(MAIN, [name, ...args, ...listen], {
    env: cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache },
  });
  const timeout = AbortSignal.timeout(READY_MS_MAX);
  try {
    const [message] = await Promise.race([
      once(child, "message", { signal: timeout }),
      once(child, "exit", { signal: timeout }).then(([code, signal]) => {
        throw new Error(`${name} ${describeExit(code, signal)} before it listened`);
      }),
    ]);
    return { process: child, port: (message as { port: number }).port };
  } catch (error) {
    child.kill("SIGKILL");
    if (timeout.aborted) throw new Error(`${name} was not ready within ${READY_MS_MAX} ms`);
    throw error;
  }
}

function describeExit(code: number | null, signal: string | null): string {
  return signal === null ? `exited with ${code}` : `was killed by ${signal}`;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await exited;
  clearTimeout(killer);
}
