// One worker: a sidecar that a primary process tells what to do. It runs its part of the document
// on ports that all workers share, and has no admin interface of its own.
//
//     set up ──▶ prepare ──▶ commit or abandon ──▶ … ──▶ stop: drains, and ends
import { type Clock, sleep, systemClock } from "@compendium/runtime";
import { compileText } from "../config/compile.ts";
import type { PlaneChange } from "../listener/data-plane.ts";
import { Logger } from "../observe/logger.ts";
import { startTracing, type Tracing } from "../observe/start-tracing.ts";
import { Sidecar } from "../sidecar.ts";
import { divide } from "./divide.ts";
import type {
  Answers,
  Call,
  CallMessage,
  Question,
  WorkerMessage,
  WorkerSetup,
} from "./messages.ts";

/** What a worker needs of its process. */
export interface WorkerSurroundings {
  readonly send: (message: WorkerMessage) => void;
  /** Everything has been given back. */
  readonly onStopped: () => void;
  /** Default: the process's. */
  readonly clock?: Clock;
}

interface Running {
  readonly setup: WorkerSetup;
  readonly sidecar: Sidecar;
  readonly tracing: Tracing;
}

/** One of several processes that share their ports. */
export class Worker {
  readonly #around: WorkerSurroundings;
  readonly #clock: Clock;
  #running: Running | undefined;
  #change: PlaneChange | undefined;
  #stopping: Promise<void> | undefined;

  constructor(around: WorkerSurroundings) {
    this.#around = around;
    this.#clock = around.clock ?? systemClock;
  }

  /** The primary has said something. */
  onMessage({ id, call }: CallMessage): void {
    const { send } = this.#around;
    this.#do(call).then(
      (value) => send({ kind: "answer", id, value }),
      (error: Error) => send({ kind: "refusal", id, message: error.message }),
    );
  }

  /** Takes no more connections, lets what is under way end, and gives everything back. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(this.#around.onStopped);
    return this.#stopping;
  }

  async #do(call: Call): Promise<unknown> {
    if (call.kind === "set-up") return await this.#setUp(call.setup);
    // Its end is the answer: nobody waits for it, and the channel closes with it.
    if (call.kind === "stop") return void this.stop();
    const { sidecar } = this.#up();
    switch (call.kind) {
      case "prepare":
        return await this.#prepare(call.text);
      case "commit":
        return await this.#settle()?.commit();
      case "abandon":
        return this.#settle()?.abandon();
      case "note-rejected":
        return sidecar.noteRejected();
      case "reopen-logs":
        return sidecar.reopenLogs();
      case "drain":
        return call.isGraceful ? sidecar.drainGracefully() : sidecar.drain();
      case "set-log-level":
        sidecar.logger.level = call.level;
        return;
      case "ask":
        return await this.#answer(call.question);
    }
  }

  async #setUp(setup: WorkerSetup): Promise<void> {
    const { send } = this.#around;
    const logger = new Logger({
      out: (line) => send({ kind: "line", to: "out", line }),
      err: (line) => send({ kind: "line", to: "err", line }),
    });
    logger.level = setup.logLevel;
    const tracing = await startTracing(setup);
    const sidecar = new Sidecar({
      clock: this.#clock,
      logger,
      observers: tracing.observers,
      drainMs: setup.drainMs,
      reusePort: true,
    });
    this.#running = { setup, sidecar, tracing };
  }

  #up(): Running {
    if (this.#running === undefined) throw new TypeError("a worker has to be set up first");
    return this.#running;
  }

  async #prepare(text: string): Promise<void> {
    const { sidecar, setup } = this.#up();
    const whole = compileText(text);
    // The admin interface is the primary's.
    const part = { ...divide(whole, setup.share), admin: undefined };
    this.#change = await sidecar.prepare(part);
  }

  #settle(): PlaneChange | undefined {
    const change = this.#change;
    this.#change = undefined;
    return change;
  }

  async #answer(question: Question): Promise<Answers[Question]> {
    const { sidecar } = this.#up();
    switch (question) {
      case "state":
        return sidecar.state;
      case "readings":
        return sidecar.readings();
      case "metrics":
        return await sidecar.readMetrics();
      case "clusters":
        return sidecar.clusterStatuses();
    }
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const { sidecar, setup, tracing } = running;
    sidecar.drain();
    const clock = this.#clock;
    const endAtMs = clock.now() + setup.drainMs;
    while (sidecar.plane.connections > 0 && clock.now() < endAtMs) await sleep(20, { clock });
    await sidecar[Symbol.asyncDispose]();
    await tracing[Symbol.asyncDispose]();
  }
}
