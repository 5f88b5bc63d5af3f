// Workers, kept alive, and changed together. A configuration is for all of them or for none:
//
//     all prepare ──▶ all can ──▶ all commit        one that cannot commit is started anew
//               └───▶ one cannot ──▶ all abandon    the one before stays in force everywhere
//
// A worker that ends is replaced, after a wait that doubles while its place does not hold; ports
// are shared, so the others serve on, and the kernel sends them what comes. When one place has lost
// its worker too often in a row there is something wrong that no restart mends, and all is over.
//
// Changes and replacements take turns: a replacement runs what is in force when its turn comes.
import type { Clock } from "@compendium/runtime";
import type { Logger } from "../observe/logger.ts";
import type { Answers, Call, Question, WorkerSetup } from "./messages.ts";
import type { WorkerHandle } from "./worker-handle.ts";
import { WorkersError } from "./workers-error.ts";

/** What a pool is made of. */
export interface WorkerPoolOptions {
  /** How many. */
  readonly workers: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Starts a process. */
  readonly start: () => WorkerHandle;
  /** What a worker that is started now has to know. */
  readonly setupOf: (index: number) => WorkerSetup;
  /** A worker has ended; what it has said of itself is its last. */
  readonly onEnded?: (index: number) => void;
  /** They keep ending: the process had better end as well. */
  readonly onHopeless: (error: WorkersError) => void;
  /** How long a worker may take to be warm with a configuration. Default: 30,000. */
  readonly prepareTimeoutMs?: number;
  /** How long it may take for what it has at hand. Default: 1,000. */
  readonly askTimeoutMs?: number;
  /** How often a place may lose its worker in a row. Default: 8. */
  readonly endsMax?: number;
  /** Having lived for so long, a worker's end is the first of its row. Default: 60,000. */
  readonly steadyMs?: number;
}

interface Slot {
  readonly index: number;
  worker: WorkerHandle | undefined;
  startedAtMs: number;
  /** In a row. */
  ends: number;
  /** Since the beginning. */
  restarts: number;
  timer: Disposable | undefined;
}

const BACKOFF_MS = 100;
const BACKOFF_MS_MAX = 10_000;
const STOP_GRACE_MS = 5_000;

/** Several workers as one. */
export class WorkerPool {
  readonly #options: Required<WorkerPoolOptions>;
  readonly #slots: readonly Slot[];
  #turn: Promise<unknown> = Promise.resolve();
  #inForce: string | undefined;
  // What a worker that comes later is told as well.
  #drain: Call | undefined;
  #isStopping = false;

  constructor(options: WorkerPoolOptions) {
    const defaults = { prepareTimeoutMs: 30_000, askTimeoutMs: 1_000, endsMax: 8 };
    this.#options = { ...defaults, steadyMs: 60_000, onEnded: () => {}, ...options };
    this.#slots = Array.from({ length: options.workers }, (_, index) => {
      return { index, worker: undefined, startedAtMs: 0, ends: 0, restarts: 0, timer: undefined };
    });
  }

  /** How often the worker of each place was replaced. */
  get restarts(): readonly number[] {
    return this.#slots.map(({ restarts }) => restarts);
  }

  /** The processes that there are. */
  get pids(): readonly (number | undefined)[] {
    return this.#slots.map(({ worker }) => worker?.pid);
  }

  /**
   * Runs this document in all workers.
   *
   * @throws WorkersError when one of them cannot; then none does
   */
  apply(text: string): Promise<void> {
    return this.#inTurn(async () => {
      const isFirst = this.#inForce === undefined;
      if (isFirst) await Promise.all(this.#slots.map((slot) => this.#start(slot)));
      // Whoever is missing just now begins with what is in force when he comes.
      const slots = this.#slots.filter(({ worker }) => worker !== undefined);
      const outcomes = await Promise.allSettled(slots.map((slot) => this.#prepare(slot, text)));
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) {
        await Promise.allSettled(slots.map((slot) => this.#call(slot, { kind: "abandon" })));
        throw failed.reason;
      }
      this.#inForce = text;
      await Promise.all(slots.map((slot) => this.#commit(slot)));
    });
  }

  /** Tells all of them; whoever does not hear it has ended, or will. */
  tell(call: Call): void {
    if (call.kind === "drain") this.#drain = call;
    for (const slot of this.#slots) if (slot.worker) this.#call(slot, call).catch(() => {});
  }

  /** What the workers say, by their index; who does not answer in time is not in it. */
  async ask<Q extends Question>(question: Q): Promise<Map<number, Answers[Q]>> {
    const answers = new Map<number, Answers[Q]>();
    await Promise.allSettled(
      this.#slots.map(async (slot) => {
        const answer = await this.#call(slot, { kind: "ask", question });
        answers.set(slot.index, answer as Answers[Q]);
      }),
    );
    return new Map([...answers].sort(([a], [b]) => a - b));
  }

  /** Lets all of them end, and ends those that have not when their time is up. */
  async stop(drainMs: number): Promise<void> {
    const { clock, logger } = this.#options;
    this.#isStopping = true;
    this.tell({ kind: "stop" });
    for (const slot of this.#slots) slot.timer?.[Symbol.dispose]();
    const timer = clock.setTimer(clock.now() + drainMs + STOP_GRACE_MS, () => {
      for (const slot of this.#slots) {
        if (slot.worker === undefined) continue;
        logger.error(`${nameOf(slot)} does not end, and is ended`);
        slot.worker.kill();
      }
    });
    await Promise.all(this.#slots.map(({ worker }) => worker?.ended));
    timer[Symbol.dispose]();
    // A turn that was under way finds its worker gone.
    await this.#turn;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #start(slot: Slot): Promise<void> {
    if (slot.worker !== undefined || this.#isStopping) return;
    const { clock, start, setupOf } = this.#options;
    const worker = start();
    slot.worker = worker;
    slot.startedAtMs = clock.now();
    void worker.ended.then((how) => this.#onEnded(slot, how));
    const setup = setupOf(slot.index);
    await this.#call(slot, { kind: "set-up", setup }, this.#options.prepareTimeoutMs);
  }

  async #prepare(slot: Slot, text: string): Promise<void> {
    const { worker } = slot;
    try {
      await this.#call(slot, { kind: "prepare", text }, this.#options.prepareTimeoutMs);
    } catch (error) {
      // Nobody knows what it is doing, and what it holds back.
      if ((error as WorkersError).code === "WORKER_SILENT") worker?.kill();
      throw error;
    }
  }

  async #commit(slot: Slot): Promise<void> {
    const { worker } = slot;
    try {
      await this.#call(slot, { kind: "commit" }, this.#options.prepareTimeoutMs);
    } catch (error) {
      this.#options.logger.error((error as Error).message);
      // What it runs now is not what the others run.
      worker?.kill();
    }
  }

  async #call(slot: Slot, call: Call, timeoutMs = this.#options.askTimeoutMs): Promise<unknown> {
    try {
      if (slot.worker === undefined) throw new WorkersError("WORKER_GONE", "it is not there");
      return await slot.worker.call(call, timeoutMs);
    } catch (cause) {
      if (!(cause instanceof WorkersError)) throw cause;
      throw new WorkersError(cause.code, `${nameOf(slot)}: ${cause.message}`, { cause });
    }
  }

  #onEnded(slot: Slot, how: string): void {
    const { clock, logger, steadyMs, endsMax, onHopeless, onEnded } = this.#options;
    const name = nameOf(slot);
    slot.worker = undefined;
    onEnded(slot.index);
    // Before there was a first configuration, its failure is that configuration's.
    if (this.#isStopping || this.#inForce === undefined) return;
    slot.ends = clock.now() - slot.startedAtMs >= steadyMs ? 1 : slot.ends + 1;
    if (slot.ends > endsMax) {
      const message = `${name} ended (${how}), the ${slot.ends}th time in a row`;
      onHopeless(new WorkersError("WORKERS_KEEP_ENDING", message));
      return;
    }
    const waitMs = Math.min(BACKOFF_MS * 2 ** (slot.ends - 1), BACKOFF_MS_MAX);
    logger.warning(`${name} ended (${how}); another takes its place in ${waitMs} ms`);
    slot.timer = clock.setTimer(clock.now() + waitMs, () => void this.#replace(slot));
  }

  #replace(slot: Slot): Promise<void> {
    return this.#inTurn(async () => {
      const text = this.#inForce;
      if (text === undefined || this.#isStopping) return;
      slot.restarts++;
      await this.#start(slot);
      await this.#prepare(slot, text);
      await this.#commit(slot);
      if (this.#drain !== undefined) await this.#call(slot, this.#drain);
      this.#options.logger.info(`${nameOf(slot)} is there`);
    }).catch((error: Error) => {
      if (this.#isStopping) return;
      this.#options.logger.error(error.message);
      // Its end brings the next attempt; if that has been already, so has its attempt.
      slot.worker?.kill();
    });
  }
}

function nameOf({ index, worker }: Slot): string {
  return `worker ${index}${worker?.pid === undefined ? "" : ` (process ${worker.pid})`}`;
}
