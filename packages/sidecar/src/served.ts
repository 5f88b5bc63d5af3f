// A proxy as the command runs it, in this process or in several: what it can be told is the same.
import { type Clock, sleep } from "@compendium/runtime";
import type { Plan } from "./cli-plan.ts";
import type { Snapshot } from "./config/snapshot.ts";
import type { Logger } from "./observe/logger.ts";
import { startTracing } from "./observe/start-tracing.ts";
import { Sidecar } from "./sidecar.ts";
import { Primary, type PrimaryOptions } from "./workers/primary.ts";

/** A document, as it is written and as it is compiled. */
export interface Loaded {
  readonly text: string;
  readonly snapshot: Snapshot;
}

/** What the command runs. */
export interface Served extends AsyncDisposable {
  /** Runs this from now on, and logs where. */
  apply(loaded: Loaded): Promise<void>;
  /** A document was refused before it came here. */
  noteRejected(): void;
  reopenLogs(): void;
  /** Takes no more connections. */
  drain(): void;
  /**
   * Settles when the last connection has closed, or its time is up. Not as soon as nothing is under
   * way: a request may be on its way to us, and the end of an answer on its way to its client.
   */
  drained(): Promise<void>;
}

/** What it asks of the command. */
export interface ServedOptions
  extends Pick<PrimaryOptions, "out" | "err" | "onQuit" | "onHopeless" | "version"> {
  readonly plan: Plan;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** As many processes as the plan has. */
export function startServed(options: ServedOptions): Promise<Served> {
  return options.plan.workers === 1 ? serveAlone(options) : serveWithWorkers(options);
}

async function serveAlone({ plan, clock, ...options }: ServedOptions): Promise<Served> {
  const tracing = await startTracing(plan);
  const { drainMs, flags } = plan;
  const sidecar = new Sidecar({
    ...options,
    clock,
    observers: tracing.observers,
    drainMs,
    flags,
  });
  return {
    apply: async ({ snapshot }) => {
      await sidecar.apply(snapshot);
      const { logger, plane, adminPort } = sidecar;
      // Told to stop before it was warm.
      if (plane.state === "draining") return;
      logAddresses(logger, snapshot, { portOf: (name) => plane.portOf(name), adminPort });
    },
    noteRejected: () => sidecar.noteRejected(),
    reopenLogs: () => sidecar.reopenLogs(),
    drain: () => sidecar.drain(),
    drained: async () => {
      const endAtMs = clock.now() + drainMs;
      while (sidecar.plane.connections > 0 && clock.now() < endAtMs) await sleep(20, { clock });
    },
    [Symbol.asyncDispose]: async () => {
      await sidecar[Symbol.asyncDispose]();
      await tracing[Symbol.asyncDispose]();
    },
  };
}

async function serveWithWorkers({ plan, ...options }: ServedOptions): Promise<Served> {
  // Workers send spans; whether they can is told once, and here.
  const tracing = await startTracing(plan);
  await tracing[Symbol.asyncDispose]();
  const primary = new Primary({ ...plan, ...options });
  return {
    apply: async ({ text, snapshot }) => {
      await primary.apply(text, snapshot);
      const { logger, adminPort } = primary;
      const portOf = (name: string) => snapshot.listeners.get(name)?.port;
      logAddresses(logger, snapshot, { portOf, adminPort });
    },
    noteRejected: () => primary.noteRejected(),
    reopenLogs: () => primary.reopenLogs(),
    drain: () => void primary.end(),
    drained: () => primary.end(),
    [Symbol.asyncDispose]: () => primary[Symbol.asyncDispose](),
  };
}

interface Places {
  readonly portOf: (listener: string) => number | undefined;
  readonly adminPort: number | undefined;
}

function logAddresses(logger: Logger, snapshot: Snapshot, { portOf, adminPort }: Places): void {
  for (const [name, { address }] of snapshot.listeners) {
    logger.info(`${name}: ${address}:${portOf(name)}, configuration ${snapshot.version}`);
  }
  if (adminPort !== undefined) logger.info(`admin: ${snapshot.admin?.address}:${adminPort}`);
}
