// A proxy as a process of its own, from its first line or open port to its end by its pid.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { pinned } from "./processors.ts";

const READY_MS_MAX = 20_000;
const STOP_MS_MAX = 5_000;
const KEPT_OUTPUT_MAX = 4_096;

// Nobody else would end them when the bench is ended in the middle.
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** What is started. */
export interface Command {
  readonly command: readonly string[];
  /** Undefined where a line of its output ends with `127.0.0.1:<port>`. */
  readonly port?: number | undefined;
  readonly cpu: number;
}

/** A proxy that runs. */
export class ProxyProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  #output = "";
  #port: number | undefined;

  private constructor({ command, port, cpu }: Command) {
    const [file, args] = pinned(cpu, command);
    this.#child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#port = port;
    running.add(this.#child);
    this.#child.once("exit", () => running.delete(this.#child));
    const keep = (text: Buffer): void => {
      this.#output = `${this.#output}${text}`.slice(-KEPT_OUTPUT_MAX);
    };
    this.#child.stdout?.on("data", keep);
    this.#child.stderr?.on("data", keep);
    this.#child.on("error", (error) => keep(Buffer.from(error.message)));
  }

  /** Starts it, and waits until it takes connections. */
  static async start(command: Command): Promise<ProxyProcess> {
    const proxy = new ProxyProcess(command);
    const endAtMs = performance.now() + READY_MS_MAX;
    while (!(await proxy.#isReady())) {
      if (proxy.#hasEnded || performance.now() > endAtMs) {
        await proxy[Symbol.asyncDispose]();
        throw new Error(`${command.command.join(" ")} did not start:\n${proxy.#output}`);
      }
      await pause(20);
    }
    return proxy;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get port(): number {
    return this.#port as number;
  }

  /** The end of what it wrote, to be shown when something is wrong with it. */
  get output(): string {
    return this.#output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS_MAX);
    await ended;
    clearTimeout(timer);
  }

  get #hasEnded(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  async #isReady(): Promise<boolean> {
    const [, port] = /127\.0\.0\.1:(\d+)/.exec(this.#output) ?? [];
    this.#port ??= port === undefined ? undefined : Number(port);
    return this.#port !== undefined && (await isOpen(this.#port));
  }
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (isIt: boolean): void => {
      socket.destroy();
      resolve(isIt);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
