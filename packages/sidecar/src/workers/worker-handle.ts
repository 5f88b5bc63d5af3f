// One worker as the primary sees it: calls go out, answers come back, and at some time it ends. A
// call is answered, refused, given up after its time, or over because the process is; it never
// waits for ever, and what waits is bounded by those who call (the admin interface's connections,
// and one change at a time).
import { type ChildProcess, fork } from "node:child_process";
import type { Clock } from "@compendium/runtime";
import type { Call, CallMessage, WorkerMessage } from "./messages.ts";
import { WorkersError } from "./workers-error.ts";

/** What of a child process is used. */
export type WorkerProcess = Pick<ChildProcess, "pid" | "send" | "kill" | "on" | "once">;

/** What a handle needs to know. */
export interface WorkerHandleOptions {
  readonly clock: Clock;
  /** Takes a line that the worker logs. */
  readonly onLine: (to: "out" | "err", line: string) => void;
}

interface Waiting {
  readonly settle: (outcome: WorkersError | { readonly value: unknown }) => void;
}

/** A process that works. */
export class WorkerHandle {
  readonly pid: number | undefined;
  /** Settles when the process has ended, with how: "exit code 1", "SIGKILL". */
  readonly ended: Promise<string>;
  readonly #process: WorkerProcess;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #isGone = false;

  constructor(child: WorkerProcess, { clock, onLine }: WorkerHandleOptions) {
    this.#process = child;
    this.#clock = clock;
    this.pid = child.pid;
    child.on("message", (message) => this.#onMessage(message as WorkerMessage, onLine));
    this.ended = new Promise((resolve) => {
      const onEnd = (how: string): void => {
        this.#isGone = true;
        for (const { settle } of [...this.#waiting.values()]) settle(gone(how));
        resolve(how);
      };
      child.once("exit", (code, signal) => onEnd(signal ?? `exit code ${code}`));
      // It could not be started; when a message could not be sent, "exit" follows or has been.
      child.on("error", (error) => {
        if (child.pid === undefined) onEnd(error.message);
      });
    });
  }

  /**
   * Tells it something, and returns the answer.
   *
   * @throws WorkersError with WORKER_REFUSED, WORKER_SILENT or WORKER_GONE
   */
  call(call: Call, timeoutMs: number): Promise<unknown> {
    if (this.#isGone) return Promise.reject(gone("it has ended"));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(this.#clock.now() + timeoutMs, () => {
        const message = `it has not answered ${call.kind} for ${timeoutMs} ms`;
        settle(new WorkersError("WORKER_SILENT", message));
      });
      const settle: Waiting["settle"] = (outcome) => {
        this.#waiting.delete(id);
        timer[Symbol.dispose]();
        if (outcome instanceof WorkersError) reject(outcome);
        else resolve(outcome.value);
      };
      this.#waiting.set(id, { settle });
      const message: CallMessage = { id, call };
      this.#process.send(message, (error) => {
        if (error) this.#waiting.get(id)?.settle(gone(error.message));
      });
    });
  }

  /** Ends it at once. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  #onMessage(message: WorkerMessage, onLine: WorkerHandleOptions["onLine"]): void {
    if (message.kind === "line") return onLine(message.to, message.line);
    const waiting = this.#waiting.get(message.id);
    if (message.kind === "answer") waiting?.settle({ value: message.value });
    else waiting?.settle(new WorkersError("WORKER_REFUSED", message.message));
  }
}

/** Starts a worker's process, of this same program. */
export function forkWorker(): ChildProcess {
  const isSource = import.meta.url.endsWith(".ts");
  const file = new URL(isSource ? "./worker-process.ts" : "./worker-process.js", import.meta.url);
  return fork(file, {
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

const gone = (how: string): WorkersError => new WorkersError("WORKER_GONE", `it is gone: ${how}`);
