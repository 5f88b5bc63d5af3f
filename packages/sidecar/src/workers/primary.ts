// The process that has workers: it reads the document, keeps them alive, and speaks for them to
// operators. No request passes through it.
//
//     file ──▶ checked here ──▶ all workers prepare ──▶ all commit
//     admin interface ──▶ asked of all workers, added up
import type { Clock } from "@compendium/runtime";
import { AdminPlace } from "../admin/admin-place.ts";
import type { AdminSubject, ServerState } from "../admin/admin-subject.ts";
import type { Snapshot } from "../config/snapshot.ts";
import type { Logger } from "../observe/logger.ts";
import { type Reading, sumReadings } from "../observe/readings.ts";
import { formatMetrics, type MetricValues, sumMetrics } from "../observe/text-registry.ts";
import { checkAddresses, checkDivisible } from "./checks.ts";
import type { Question, WorkerSetup } from "./messages.ts";
import { combineWorkers, sumClusters, Totals } from "./totals.ts";
import { forkWorker, WorkerHandle } from "./worker-handle.ts";
import { WorkerPool, type WorkerPoolOptions } from "./worker-pool.ts";

/** How a primary is set up. */
export interface PrimaryOptions
  extends Pick<WorkerPoolOptions, "workers" | "clock" | "logger" | "onHopeless">,
    Omit<WorkerSetup, "share" | "logLevel"> {
  /** Where lines of workers go, which have been let pass by their level. */
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** The admin interface was told to end the process. */
  readonly onQuit: () => void;
  /** For `/server_info`. */
  readonly version: string;
  /** For `/server_info`. */
  readonly flags: Readonly<Record<string, string | number>>;
}

/** Several workers, as one proxy. */
export class Primary implements AsyncDisposable {
  readonly logger: Logger;
  /** The processes that do the work. */
  readonly pool: WorkerPool;
  readonly #options: PrimaryOptions;
  readonly #clock: Clock;
  readonly #admin = new AdminPlace(() => this.#subject());
  readonly #startedAtMs: number;
  readonly #readings = new Totals<Reading>((parts) => sumReadings(parts, combineWorkers));
  readonly #metrics = new Totals<MetricValues>((parts) => sumMetrics(parts, combineWorkers));
  #snapshot: Snapshot | undefined;
  #isHealthy = true;
  #isDraining = false;
  #ending: Promise<void> | undefined;

  constructor(options: PrimaryOptions) {
    const { clock, logger, workers, onHopeless, drainMs, otlpEndpoint, serviceName } = options;
    this.#options = options;
    this.#clock = clock;
    this.logger = logger;
    this.#startedAtMs = clock.now();
    const onLine = (to: "out" | "err", line: string): void => options[to](line);
    this.pool = new WorkerPool({
      workers,
      clock,
      logger,
      start: () => new WorkerHandle(forkWorker(), { clock, onLine }),
      setupOf: (index) => {
        const share = { index, workers };
        return { share, drainMs, logLevel: logger.level, otlpEndpoint, serviceName };
      },
      onEnded: (index) => {
        this.#readings.depart(index);
        this.#metrics.depart(index);
      },
      onHopeless,
    });
  }

  /** Where the admin interface listens; `undefined` for nowhere. */
  get adminPort(): number | undefined {
    return this.#admin.port;
  }

  /**
   * Runs this document in all workers.
   *
   * @param snapshot the document compiled
   * @throws SidecarConfigError when it cannot be divided; nothing has changed then
   * @throws Error when an address cannot be had, or a worker cannot run it; nothing has changed
   *   then either
   */
  async apply(text: string, snapshot: Snapshot): Promise<void> {
    try {
      checkDivisible(snapshot, this.#options.workers);
      const move = await this.#admin.move(snapshot.admin);
      try {
        await checkAddresses(snapshot, this.#snapshot);
        await this.pool.apply(text);
      } catch (error) {
        await move.undo();
        throw error;
      }
      await move.keep();
      this.#snapshot = snapshot;
    } catch (error) {
      this.noteRejected();
      throw error;
    }
  }

  /** A configuration was refused before any worker saw it. */
  noteRejected(): void {
    this.pool.tell({ kind: "note-rejected" });
  }

  /** All workers open the files of their access logs anew. */
  reopenLogs(): void {
    this.pool.tell({ kind: "reopen-logs" });
  }

  /** All workers take no more connections, and end when what is under way has ended. */
  end(): Promise<void> {
    this.#isDraining = true;
    this.#ending ??= this.pool.stop(this.#options.drainMs);
    return this.#ending;
  }

  /** The same, and the admin interface closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.#admin[Symbol.asyncDispose]();
  }

  async #state(): Promise<ServerState> {
    if (this.#isDraining || !this.#isHealthy) return "DRAINING";
    if (this.#snapshot === undefined) return "PRE_INITIALIZING";
    const states = [...(await this.pool.ask("state")).values()];
    if (states.includes("DRAINING")) return "DRAINING";
    const areAll = states.length === this.#options.workers;
    return areAll && states.every((state) => state === "LIVE") ? "LIVE" : "PRE_INITIALIZING";
  }

  async #readAll(): Promise<Reading[]> {
    const answers = await this.#ask("readings");
    const own = this.#workerNumbers(answers).map(({ name, type, rows, envoy }) => {
      return rows.map(([worker, value]): Reading => {
        return { name, type, labels: { worker }, envoy: `workers.${worker}.${envoy}`, value };
      });
    });
    return [...this.#readings.of(answers), ...own.flat()];
  }

  async #exposition(): Promise<string> {
    const answers = await this.#ask("metrics");
    const own = this.#workerNumbers(answers).map(({ name, type, help, rows }): MetricValues => {
      const values = rows.map(([worker, value]) => ({ labels: { worker }, value }));
      return { name, type, help, values };
    });
    return formatMetrics([...this.#metrics.of(answers), ...own]);
  }

  // Whoever does not answer is named here, by a 0.
  #workerNumbers(answers: ReadonlyMap<number, unknown>) {
    const { restarts } = this.pool;
    return [
      {
        name: "sidecar_worker_answers",
        type: "gauge",
        help: "1 for each worker whose numbers are in the sums.",
        envoy: "answers",
        rows: restarts.map((_, i) => [String(i), Number(answers.has(i))] as const),
      },
      {
        name: "sidecar_worker_restarts_total",
        type: "counter",
        help: "How often the worker of a place was replaced.",
        envoy: "restarts",
        rows: restarts.map((count, i) => [String(i), count] as const),
      },
    ] as const;
  }

  async #ask<Q extends Question>(question: Q) {
    const answers = await this.pool.ask(question);
    const { workers } = this.#options;
    const silent = Array.from({ length: workers }, (_, i) => i).filter((i) => !answers.has(i));
    if (silent.length > 0) {
      this.logger.warning(`left out of ${question}, for want of an answer: worker ${silent}`);
    }
    return answers;
  }

  #subject(): AdminSubject {
    const { logger, pool } = this;
    const { version, flags, onQuit } = this.#options;
    return {
      version,
      startedAtMs: this.#startedAtMs,
      options: flags,
      now: () => this.#clock.now(),
      state: () => this.#state(),
      // The whole of it, as the document has it, and not a worker's part.
      snapshot: () => this.#snapshot,
      listeners: () => [...(this.#snapshot?.listeners.values() ?? [])],
      clusters: async () => sumClusters((await this.#ask("clusters")).values()),
      readings: () => this.#readAll(),
      exposition: () => this.#exposition(),
      drainListeners: (isGraceful) => {
        this.#isDraining = true;
        pool.tell({ kind: "drain", isGraceful });
      },
      setHealth: (isHealthy) => {
        this.#isHealthy = isHealthy;
      },
      get logLevel() {
        return logger.level;
      },
      set logLevel(level) {
        logger.level = level;
        pool.tell({ kind: "set-log-level", level });
      },
      quit: onQuit,
    };
  }
}
