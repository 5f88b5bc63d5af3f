// A proxy that can be operated: the data plane, and around it whatever an operator looks at: access
// logs, numbers, the admin interface. A configuration is for all of them, and so is a drain.
//
//     snapshot ──▶ admin interface ──▶ clusters warm ──▶ listeners ──▶ what nobody names is closed
//                  says "not yet"                        says LIVE

import type { Writable } from "node:stream";
import { collectRuntime } from "@compendium/metrics/runtime";
import { type Clock, systemClock } from "@compendium/runtime";
import { type AdminMove, AdminPlace } from "./admin/admin-place.ts";
import type { AdminSubject, ServerState } from "./admin/admin-subject.ts";
import { type ClusterStatus, statusOf } from "./admin/clusters.ts";
import { NodeCodec } from "./codec/node/node-codec.ts";
import type { Snapshot } from "./config/snapshot.ts";
import { DataPlane, type DataPlaneOptions, type PlaneChange } from "./listener/data-plane.ts";
import { registerSidecar } from "./metrics.ts";
import { AccessLogs } from "./observe/access-log.ts";
import { familiesOf } from "./observe/families.ts";
import { Logger } from "./observe/logger.ts";
import type { MeasurablePlane } from "./observe/measurable.ts";
import { Meter } from "./observe/meter.ts";
import { PlaneView } from "./observe/plane-view.ts";
import { type Reading, readAll } from "./observe/readings.ts";
import { tcpContext } from "./observe/tcp-context.ts";
import { formatMetrics, type MetricValues, TextRegistry } from "./observe/text-registry.ts";
import type { RequestObserver } from "./router/observer.ts";

// What a sidecar hears of its data plane itself.
type Looked = "observersFor" | "onTcpEnd" | "onNote";

/** How a sidecar is set up; whatever is left out is as the command has it. */
export interface SidecarOptions extends Partial<Omit<DataPlaneOptions, Looked>> {
  /** Those who look on besides logs and metrics: a tracer. */
  readonly observers?: readonly RequestObserver[];
  /** Takes lines about the process. Default: nobody hears of it. */
  readonly logger?: Logger;
  /** What an access log at `/dev/stdout` writes to. Default: the process's. */
  readonly stdout?: Writable;
  /** How long a graceful drain serves on before it closes the ports. Default: 600,000. */
  readonly drainMs?: number;
  /** The admin interface was told to end the process. Default: drains. */
  readonly onQuit?: () => void;
  /** For `/server_info`. */
  readonly version?: string;
  /** For `/server_info`. */
  readonly flags?: Readonly<Record<string, string | number>>;
}

const LAST_WRITES_MS = 2_000;

/** A proxy with all that belongs to running it. */
export class Sidecar implements AsyncDisposable {
  /** What does the work. */
  readonly plane: DataPlane;
  /** All of them, by their files. */
  readonly accessLogs: AccessLogs;
  /** Its level may be changed at any time. */
  readonly logger: Logger;
  readonly #options: SidecarOptions;
  readonly #clock: Clock;
  readonly #meter = new Meter();
  readonly #view: PlaneView;
  readonly #registry = new TextRegistry();
  readonly #startedAtMs: number;
  #registered: Disposable[] = [];
  readonly #admin = new AdminPlace(() => this.#subject());
  #drainTimer: Disposable | undefined;
  #isHealthy = true;

  constructor(options: SidecarOptions = {}) {
    const { clock = systemClock, logger = new Logger({ out: () => {}, err: () => {} }) } = options;
    const { codec = new NodeCodec({ clock }), observers = [] } = options;
    const onError = (path: string, error: Error): void => {
      logger.error(`the access log ${path} loses lines: ${error.message}`);
    };
    const meter = this.#meter;
    const { stdout } = options;
    const accessLogs = new AccessLogs({ clock, onError, ...(stdout && { stdout }) });
    this.#options = options;
    this.#clock = clock;
    this.#startedAtMs = clock.now();
    this.logger = logger;
    this.accessLogs = accessLogs;
    this.plane = new DataPlane({
      ...options,
      clock,
      codec,
      observersFor: (listener, _chain, config) => [
        meter.observerOf(listener),
        ...observers,
        ...(config.accessLogs.length > 0 ? [accessLogs.observerOf(config.accessLogs)] : []),
      ],
      onTcpEnd: (listener, _chain, info, config) => {
        meter.countTcp(listener, info);
        accessLogs.log(config.accessLogs, tcpContext(info, clock));
      },
      onNote: (note) => logger.info(note),
    });
    const isLive = (): boolean => this.state === "LIVE";
    this.#view = new PlaneView({ plane: this.plane, codec, meter, accessLogs, isLive });
  }

  /** The numbers of all of it, for `registerSidecar`. */
  get numbers(): MeasurablePlane {
    return this.#view;
  }

  /** What `/ready` says. */
  get state(): ServerState {
    const { state } = this.plane;
    if (state === "draining" || this.#drainTimer !== undefined) return "DRAINING";
    if (state === "initializing") return "PRE_INITIALIZING";
    return this.#isHealthy ? "LIVE" : "DRAINING";
  }

  /** Where the admin interface listens; `undefined` for nowhere. */
  get adminPort(): number | undefined {
    return this.#admin.port;
  }

  /**
   * Runs this snapshot from now on; what {@link DataPlane.apply} promises holds.
   *
   * @throws Error when an address cannot be listened on
   */
  async apply(snapshot: Snapshot): Promise<void> {
    const change = await this.prepare(snapshot);
    await change.commit();
  }

  /**
   * The first half of {@link apply}: finds out whether the snapshot can be had, and changes nothing
   * but where the admin interface is. One of the result's two halves follows.
   *
   * @throws Error when an address cannot be listened on, or a certificate not be read
   */
  async prepare(snapshot: Snapshot): Promise<PlaneChange> {
    const move = await this.#admin.move(snapshot.admin).catch((error) => this.#refused(error));
    const change = await this.plane.prepare(snapshot).catch(async (error) => {
      await move.undo();
      return this.#refused(error);
    });
    return {
      commit: () => this.#commit(snapshot, change, move),
      abandon: () => {
        change?.abandon();
        this.#view.rejected();
        void move.undo();
      },
    };
  }

  async #commit(
    snapshot: Snapshot,
    change: PlaneChange | undefined,
    move: AdminMove,
  ): Promise<void> {
    try {
      await change?.commit();
    } catch (error) {
      await move.undo();
      // A port that was another listener's is found out when everything else has changed.
      this.#view.refresh();
      this.#refused(error);
    }
    await move.keep();
    // A newer one may have taken its turn, or a drain has begun.
    if (this.plane.snapshot !== snapshot) return;
    this.#view.taken();
    this.#meter.retain(snapshot.listeners, snapshot.clusters);
    await this.accessLogs.retain(pathsOf(snapshot));
  }

  #refused(error: unknown): never {
    this.#view.rejected();
    throw error;
  }

  /** A configuration was refused before it came here. */
  noteRejected(): void {
    this.#view.rejected();
  }

  /** Every series under Envoy's name and ours, as plain values. */
  readings(): Reading[] {
    return readAll(familiesOf(this.#view));
  }

  /** The same for Prometheus, and what the process says of itself. */
  readMetrics(): Promise<MetricValues[]> {
    this.#register();
    return this.#registry.read();
  }

  /** What `/clusters` shows. */
  clusterStatuses(): ClusterStatus[] {
    return this.#view.clusters().map(statusOf);
  }

  /** Opens the files of all access logs anew. */
  reopenLogs(): void {
    this.accessLogs.reopen();
  }

  /** Takes no more connections, and lets what is under way end. */
  drain(): void {
    this.#drainTimer?.[Symbol.dispose]();
    this.#drainTimer = undefined;
    this.plane.drain();
  }

  /**
   * Says that it is draining, asks clients to leave, and goes on serving them for `drainMs`; then
   * drains. Again does nothing.
   */
  drainGracefully(): void {
    if (this.#drainTimer !== undefined || this.plane.state === "draining") return;
    for (const { managers } of this.plane.listeners.values()) {
      for (const manager of managers.values()) manager.drain();
    }
    const { drainMs = 600_000 } = this.#options;
    const clock = this.#clock;
    this.#drainTimer = clock.setTimer(clock.now() + drainMs, () => this.drain());
  }

  /** Ends everything now; lines that wait are written, if that takes no more than two seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.drain();
    await this.plane[Symbol.asyncDispose]();
    await this.#admin[Symbol.asyncDispose]();
    for (const registered of this.#registered) registered[Symbol.dispose]();
    await this.#withinBound(this.accessLogs[Symbol.asyncDispose]());
  }

  // A log whose reader has stopped reading must not keep the process from ending.
  #withinBound(work: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.setTimer(this.#clock.now() + LAST_WRITES_MS, resolve);
    return Promise.race([work, promise]).finally(() => timer[Symbol.dispose]());
  }

  // Only whoever is asked has to sample the event loop.
  #register(): void {
    if (this.#registered.length > 0) return;
    this.#registered = [
      registerSidecar(this.#registry, this.#view),
      collectRuntime(this.#registry),
    ];
  }

  #subject(): AdminSubject {
    this.#register();
    const { plane, logger } = this;
    const { version = "", flags = {}, onQuit = () => this.drain() } = this.#options;
    return {
      version,
      startedAtMs: this.#startedAtMs,
      options: flags,
      now: () => this.#clock.now(),
      state: () => this.state,
      snapshot: () => plane.snapshot,
      listeners: () =>
        [...plane.listeners].map(([name, { listener, port }]) => {
          return { name, address: listener.config.address, port };
        }),
      clusters: () => this.clusterStatuses(),
      readings: async () => this.readings(),
      exposition: async () => formatMetrics(await this.readMetrics()),
      drainListeners: (isGraceful) => (isGraceful ? this.drainGracefully() : this.drain()),
      setHealth: (isHealthy) => {
        this.#isHealthy = isHealthy;
      },
      get logLevel() {
        return logger.level;
      },
      set logLevel(level) {
        logger.level = level;
      },
      quit: onQuit,
    };
  }
}

function pathsOf({ listeners }: Snapshot): Set<string> {
  const paths = new Set<string>();
  for (const { filterChains } of listeners.values()) {
    for (const { filter } of filterChains) {
      for (const { path } of filter.accessLogs) paths.add(path);
    }
  }
  return paths;
}
