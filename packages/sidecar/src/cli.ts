// The command line, as a function: arguments in, lines and an exit code out, so that a test needs
// no process for it. bin.ts gives it a real one.
//
// Exit codes: 0 after a clean stop, 1 when a configuration or a port cannot be had, 2 for a wrong
// argument.
import { readFileSync } from "node:fs";
import { type Clock, sleep, systemClock } from "@compendium/runtime";
import { HELP, type Plan, readPlan } from "./cli-plan.ts";
import { compileText } from "./config/compile.ts";
import { SidecarConfigError } from "./config/config-error.ts";
import type { Snapshot } from "./config/snapshot.ts";
import { Logger } from "./observe/logger.ts";
import type { RequestObserver } from "./router/observer.ts";
import { Sidecar } from "./sidecar.ts";

/** What {@link runCli} needs of a process. */
export interface CliSurroundings {
  /** Takes one line for stdout. */
  readonly out: (line: string) => void;
  /** Takes one line for stderr. */
  readonly err: (line: string) => void;
  /** Aborting it drains the listeners, and then stops. */
  readonly signal: AbortSignal;
  /** Calls back when the configuration is to be read again. */
  readonly onReload: (reload: () => void) => void;
  /** Calls back when the files of access logs were moved away. Default: never. */
  readonly onReopen?: (reopen: () => void) => void;
  /** Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: the process's. */
  readonly clock?: Clock;
}

/** Runs until the signal aborts and returns the exit code; every resource is given back then. */
export async function runCli(args: readonly string[], around: CliSurroundings): Promise<number> {
  let plan: Plan | undefined;
  try {
    plan = readPlan(args, around.env ?? {});
  } catch (error) {
    around.err(`compendium-sidecar: ${(error as Error).message.split(/\. To specify|\n/, 1)[0]}`);
    return 2;
  }
  if (plan === undefined) {
    around.out(HELP);
    return 0;
  }
  const logger = new Logger(around);
  logger.level = plan.logLevel;
  try {
    const snapshot = await load(plan, logger);
    if (plan.mode === "serve") await serve(plan, snapshot, logger, around);
    else around.out(`the configuration is sound: ${snapshot.version}`);
    return 0;
  } catch (error) {
    if (!(error instanceof SidecarConfigError || (error as NodeJS.ErrnoException).code))
      throw error;
    around.err(`compendium-sidecar: ${(error as Error).message}`);
    return 1;
  }
}

async function load({ read }: Plan, logger: Logger): Promise<Snapshot> {
  const text = await read();
  return compileText(text, ({ path, message }) => logger.warning(`${path}: ${message}`));
}

async function serve(
  plan: Plan,
  snapshot: Snapshot,
  logger: Logger,
  around: CliSurroundings,
): Promise<void> {
  const { clock = systemClock } = around;
  const quit = new AbortController();
  await using tracing = await startTracing(plan);
  await using sidecar = new Sidecar({
    clock,
    logger,
    observers: tracing.observers,
    drainMs: plan.drainMs,
    onQuit: () => quit.abort(),
    version: ownVersion(),
    flags: plan.flags,
  });
  const stop = AbortSignal.any([around.signal, quit.signal]);
  stop.addEventListener("abort", () => sidecar.drain(), { once: true });
  around.onReopen?.(() => sidecar.reopenLogs());
  const first = use(sidecar, snapshot);
  const settled = reloadWhenAsked(first, sidecar, plan, around);
  await first;
  await aborted(stop);
  await settled();
  logger.info("draining");
  const endAtMs = clock.now() + plan.drainMs;
  while (sidecar.plane.active > 0 && clock.now() < endAtMs) await sleep(20, { clock });
}

async function use(sidecar: Sidecar, snapshot: Snapshot): Promise<void> {
  await sidecar.apply(snapshot);
  const { logger, plane, adminPort } = sidecar;
  // Told to stop before it was warm.
  if (plane.state === "draining") return;
  for (const [name, { address }] of snapshot.listeners) {
    logger.info(`${name}: ${address}:${plane.portOf(name)}, configuration ${snapshot.version}`);
  }
  if (adminPort !== undefined) logger.info(`admin: ${snapshot.admin?.address}:${adminPort}`);
}

// One after the other, behind the first; what is in force stays so while the file is wrong. The
// function settles when none is under way.
function reloadWhenAsked(
  first: Promise<void>,
  sidecar: Sidecar,
  plan: Plan,
  around: CliSurroundings,
): () => Promise<void> {
  const { logger } = sidecar;
  let reloading: Promise<void> = first.catch(() => {});
  const reload = async (): Promise<void> => {
    const next = await load(plan, logger).catch((error: Error) => {
      sidecar.noteRejected();
      throw error;
    });
    await use(sidecar, next);
  };
  around.onReload(() => {
    reloading = reloading.then(reload).catch((error: Error) => {
      logger.error(`compendium-sidecar: the configuration stays as it was: ${error.message}`);
    });
  });
  return () => reloading;
}

interface Tracing extends AsyncDisposable {
  readonly observers: readonly RequestObserver[];
}

async function startTracing({ otlpEndpoint, serviceName }: Plan): Promise<Tracing> {
  if (otlpEndpoint === undefined) return { observers: [], [Symbol.asyncDispose]: async () => {} };
  // Only here: whoever sends no spans need not install what makes them.
  const { startOtlp } = await import("./observe/otlp.ts");
  return startOtlp({ endpoint: otlpEndpoint, serviceName });
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

function ownVersion(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
