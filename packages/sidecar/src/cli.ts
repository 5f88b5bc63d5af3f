// The command line, as a function: arguments in, lines and an exit code out, so that a test needs
// no process for it. bin.ts gives it a real one.
//
// Exit codes: 0 after a clean stop, 1 when a configuration, a port or a library cannot be had, or
// workers keep ending, 2 for a wrong argument.
import { readFileSync } from "node:fs";
import { type Clock, systemClock } from "@compendium/runtime";
import { HELP, type Plan, readPlan } from "./cli-plan.ts";
import { compileText } from "./config/compile.ts";
import { SidecarConfigError } from "./config/config-error.ts";
import { Logger } from "./observe/logger.ts";
import { type Loaded, type Served, startServed } from "./served.ts";
import { checkDivisible } from "./workers/checks.ts";

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
    const loaded = await load(plan, logger);
    if (plan.mode === "serve") await serve(plan, loaded, logger, around);
    else around.out(`the configuration is sound: ${loaded.snapshot.version}`);
    return 0;
  } catch (error) {
    if (!(error instanceof SidecarConfigError || (error as NodeJS.ErrnoException).code))
      throw error;
    around.err(`compendium-sidecar: ${(error as Error).message}`);
    return 1;
  }
}

async function load({ read, workers }: Plan, logger: Logger): Promise<Loaded> {
  const text = await read();
  const snapshot = compileText(text, ({ path, message }) => logger.warning(`${path}: ${message}`));
  if (workers > 1) checkDivisible(snapshot, workers);
  return { text, snapshot };
}

async function serve(
  plan: Plan,
  loaded: Loaded,
  logger: Logger,
  around: CliSurroundings,
): Promise<void> {
  const { clock = systemClock, out, err } = around;
  const quit = new AbortController();
  let failure: Error | undefined;
  await using served = await startServed({
    plan,
    logger,
    clock,
    out,
    err,
    onQuit: () => quit.abort(),
    onHopeless: (error) => {
      failure = error;
      quit.abort();
    },
    version: ownVersion(),
  });
  const stop = AbortSignal.any([around.signal, quit.signal]);
  stop.addEventListener("abort", () => served.drain(), { once: true });
  around.onReopen?.(() => served.reopenLogs());
  const first = served.apply(loaded);
  const settled = reloadWhenAsked(first, { served, logger, plan, around });
  await first.catch((error) => {
    // Told to stop before it was warm: whatever that has broken off is no failure.
    if (!stop.aborted) throw error;
  });
  await aborted(stop);
  await settled();
  logger.info("draining");
  await served.drained();
  if (failure !== undefined) throw failure;
}

interface Reloading {
  readonly served: Served;
  readonly logger: Logger;
  readonly plan: Plan;
  readonly around: CliSurroundings;
}

// One after the other, behind the first; what is in force stays so while the file is wrong. The
// function settles when none is under way.
function reloadWhenAsked(
  first: Promise<void>,
  { served, logger, plan, around }: Reloading,
): () => Promise<void> {
  let reloading: Promise<void> = first.catch(() => {});
  const reload = async (): Promise<void> => {
    const next = await load(plan, logger).catch((error: Error) => {
      served.noteRejected();
      throw error;
    });
    await served.apply(next);
  };
  around.onReload(() => {
    reloading = reloading.then(reload).catch((error: Error) => {
      logger.error(`compendium-sidecar: the configuration stays as it was: ${error.message}`);
    });
  });
  return () => reloading;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

function ownVersion(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
