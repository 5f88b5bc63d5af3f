// The command line, as a function: arguments in, lines and an exit code out, so that a test needs
// no process for it. bin.ts gives it a real one. The flags are Envoy's.
//
// Exit codes: 0 after a clean stop, 1 when a configuration or a port cannot be had, 2 for a wrong
// argument.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Clock, sleep, systemClock } from "@compendium/runtime";
import { checkAbilities } from "./abilities.ts";
import { NodeCodec } from "./codec/node/node-codec.ts";
import { compileText } from "./config/compile.ts";
import { SidecarConfigError } from "./config/config-error.ts";
import type { Snapshot } from "./config/snapshot.ts";
import { DataPlane } from "./listener/data-plane.ts";

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
  /** Default: the process's. */
  readonly clock?: Clock;
}

const HELP = `compendium-sidecar: the data plane of a service mesh

  -c, --config-path FILE   the configuration: Envoy's bootstrap, in YAML or JSON (see XDS.md)
  --config-yaml TEXT       the same, as an argument
  --mode MODE              serve (default), or validate: check the configuration and exit
  --drain-time-s N         how long requests may take to end after SIGTERM (default 600)
  --help                   this text

SIGHUP reads the file again: connections stay, requests under way keep what they began with.`;

interface Plan {
  readonly read: () => Promise<string>;
  readonly mode: "serve" | "validate";
  readonly drainMs: number;
}

/** Runs until the signal aborts and returns the exit code; every resource is given back then. */
export async function runCli(args: readonly string[], around: CliSurroundings): Promise<number> {
  let plan: Plan | undefined;
  try {
    plan = readPlan(args);
  } catch (error) {
    around.err(`compendium-sidecar: ${(error as Error).message.split(/\. To specify|\n/, 1)[0]}`);
    return 2;
  }
  if (plan === undefined) {
    around.out(HELP);
    return 0;
  }
  try {
    const snapshot = await load(plan, around);
    if (plan.mode === "serve") await serve(plan, snapshot, around);
    else around.out(`the configuration is sound: ${snapshot.version}`);
    return 0;
  } catch (error) {
    if (!(error instanceof SidecarConfigError || (error as NodeJS.ErrnoException).code))
      throw error;
    around.err(`compendium-sidecar: ${(error as Error).message}`);
    return 1;
  }
}

async function load({ read }: Plan, { err }: CliSurroundings): Promise<Snapshot> {
  const snapshot = compileText(await read(), ({ path, message }) => err(`${path}: ${message}`));
  checkAbilities(snapshot);
  return snapshot;
}

async function serve(plan: Plan, snapshot: Snapshot, around: CliSurroundings): Promise<void> {
  const { out, err, signal, clock = systemClock } = around;
  await using plane = new DataPlane({ codec: new NodeCodec({ clock }), clock });
  const use = async (next: Snapshot): Promise<void> => {
    await plane.apply(next);
    for (const [name, { address }] of next.listeners) {
      out(`${name}: ${address}:${plane.portOf(name)}, configuration ${next.version}`);
    }
  };
  await use(snapshot);
  let reloading: Promise<void> = Promise.resolve();
  around.onReload(() => {
    // What is in force stays so while the file is wrong.
    reloading = reloading
      .then(async () => use(await load(plan, around)))
      .catch((error: Error) => {
        err(`compendium-sidecar: the configuration stays as it was: ${error.message}`);
      });
  });
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  await reloading;
  plane.drain();
  out("draining");
  const endAtMs = clock.now() + plan.drainMs;
  while (plane.active > 0 && clock.now() < endAtMs) await sleep(20, { clock });
}

// Undefined asks for help.
function readPlan(args: readonly string[]): Plan | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "config-path": { type: "string", short: "c" },
      "config-yaml": { type: "string" },
      mode: { type: "string", default: "serve" },
      "drain-time-s": { type: "string", default: "600" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return undefined;
  const { "config-path": file, "config-yaml": text, mode } = values;
  if ((file === undefined) === (text === undefined)) {
    throw new TypeError("one of --config-path and --config-yaml is needed; see --help");
  }
  if (mode !== "serve" && mode !== "validate") {
    throw new TypeError(`--mode must be serve or validate, got "${mode}"`);
  }
  const seconds = Number(values["drain-time-s"]);
  if (!(seconds >= 0 && seconds <= 86_400)) {
    throw new TypeError(`--drain-time-s must be in [0, 86400], got "${values["drain-time-s"]}"`);
  }
  const read = async (): Promise<string> =>
    file === undefined ? (text as string) : await readFile(file, "utf8");
  return { read, mode, drainMs: seconds * 1_000 };
}
