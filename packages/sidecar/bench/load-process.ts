// The load's process as main.ts sees it: a question, an answer.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Answer, Figures, Slice } from "./load/slice.ts";
import { pinned } from "./proxies/processors.ts";

const file = fileURLToPath(new URL("load/main.ts", import.meta.url));

/** Load on a processor of its own, and the upstreams that it brings along. */
export class LoadProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  #ports: { readonly http1Port: number; readonly h2Port: number } | undefined;

  private constructor(cpu: number) {
    const [command, args] = pinned(cpu, [process.execPath, file]);
    this.#child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  }

  static async start(cpu: number): Promise<LoadProcess> {
    const load = new LoadProcess(cpu);
    const answer = await load.#answer();
    if (!("http1Port" in answer)) throw new Error("the load began with something else");
    load.#ports = answer;
    return load;
  }

  upstreamPort(protocol: "http1" | "grpc"): number {
    return (protocol === "grpc" ? this.#ports?.h2Port : this.#ports?.http1Port) as number;
  }

  /** Rejects when a proxy answers wrongly. */
  async run(slice: Slice): Promise<Figures> {
    this.#child.send(slice);
    const answer = await this.#answer();
    if ("figures" in answer) return answer.figures;
    throw new Error("error" in answer ? answer.error : "the load has lost count");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.disconnect();
    await ended;
  }

  async #answer(): Promise<Answer> {
    const stop = new AbortController();
    const { signal } = stop;
    try {
      return await Promise.race([
        once(this.#child, "message", { signal }).then(([answer]) => answer as Answer),
        once(this.#child, "exit", { signal }).then((): Answer => ({ error: "the load has ended" })),
      ]);
    } finally {
      stop.abort();
    }
  }
}
