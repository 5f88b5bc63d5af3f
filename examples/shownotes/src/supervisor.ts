// The process behind `npm start`: starts the services, runs the first comparison, then keeps a
// light load going and does what keys and the page ask for. Everything else is its child, and ends
// with it.
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { flushCompileCache } from "node:module";
import { constants } from "node:os";
import type { Command, Listen } from "./command-line.ts";
import { type Experiment, sideExperiments } from "./experiments.ts";
import { listenKeys } from "./keys.ts";
import { Lab, type LabState } from "./lab.ts";
import { startRegions } from "./live-presence.ts";
import { LiveRegistry } from "./live-registry.ts";
import { startMeshedRegions } from "./mesh-regions.ts";
import { MeshStacks } from "./mesh-stacks.ts";
import { createPublicHandler } from "./public.ts";
import { LivePresence, RemotePresence } from "./public-presence.ts";
import { scenario } from "./scenario.ts";
import { listenOn } from "./service.ts";
import { ChildStacks, RemoteStack, type StackSource } from "./stack.ts";
import { Terminal } from "./terminal.ts";
import { X3RemoteStacks } from "./x3-stacks.ts";
import { x6Scenario } from "./x6-scenario.ts";

const PORTS_TRIED = 20;
// Children have 4.5 s for a decent end. Whatever still hangs then ends with this process.
const STOP_MS_MAX = 4_800;
const STATUS_EVERY_MS = 2_000;

type SupervisorCommand = Extract<Command, { name: "demo" | "lab" }>;

/**
 * Runs the demo (its own children) or the lab (services elsewhere) until it is told to stop.
 * `source` is where the services come from, if not from where the command says; `sides` are the
 * experiments beside X1, if not the usual ones.
 */
export async function runSupervisor(
  command: SupervisorCommand,
  source?: StackSource,
  sides: readonly Experiment[] = sidesOf(command),
): Promise<void> {
  const terminal = new Terminal(process.stdout);
  const say = (line: string) => terminal.say(line);
  // The demo that stays up has seats and regions. Elsewhere, that is for whoever started the edge.
  const isDemo = command.name === "demo" && !command.once && source === undefined;
  const { mesh } = command;
  const registry = isDemo ? new LiveRegistry(say, { mesh }) : undefined;
  const regions = mesh ? startMeshedRegions : startRegions;
  const presence = isDemo
    ? new LivePresence(x6Scenario.regions, say, regions)
    : remotePresence(command);
  const lab = new Lab(source ?? sourceOf(command, say, registry), scenario, say, sides);
  const besides = [registry, presence].filter((it) => it !== undefined);
  const stop = createStop([lab, ...besides], terminal);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // A comparison that was cut short has shown nothing: the usual code for "ended by a signal".
    process.on(signal, () => void stop(command.once ? 128 + constants.signals[signal] : 0));
  }
  // Nobody reads any more (`npm start | head`).
  process.stdout.on("error", () => void stop(0));
  if (command.once) return void (await stop(await runOnce(lab, command)));
  await runUntilStopped(lab, command, { stop, terminal, presence });
  // Not before: the first comparison has the machine for itself.
  await Promise.all(besides.map((it) => it.start()));
}

function remotePresence(command: SupervisorCommand): RemotePresence | undefined {
  const urls = command.name === "lab" ? command.presenceUrls : undefined;
  return urls && new RemotePresence(x6Scenario.regions, urls);
}

function sourceOf(
  command: SupervisorCommand,
  say: (line: string) => void,
  registry: LiveRegistry | undefined,
): StackSource {
  if (command.name === "lab") {
    return new RemoteStack(command.edgeUrls[0], command.previewUrl, command.entryUrl);
  }
  const urls = registry && (() => registry.urls());
  return command.mesh ? new MeshStacks(say, urls) : new ChildStacks(say, urls);
}

function sidesOf(command: SupervisorCommand): readonly Experiment[] {
  const { apartMs, mesh } = command;
  const flooded =
    command.name === "lab" && command.billingUrl !== undefined
      ? new X3RemoteStacks(command.edgeUrls, command.billingUrl)
      : undefined;
  return sideExperiments({ flooded, apartMs, mesh });
}

type Presence = LivePresence | RemotePresence;
type Stop = (code: number) => Promise<void>;

// Ends the demo decently; asked a second time, at once.
function createStop(running: readonly { stop(): Promise<void> }[], terminal: Terminal): Stop {
  let stopping = false;
  return async (code) => {
    if (stopping) process.exit(code);
    stopping = true;
    setTimeout(() => process.exit(code), STOP_MS_MAX).unref();
    terminal.status("");
    await Promise.all(running.map((it) => it.stop()));
    process.exit(code);
  };
}

// Returns the exit code.
async function runOnce(
  lab: Lab,
  { experiments, jsonFile }: Pick<SupervisorCommand, "experiments" | "jsonFile">,
): Promise<number> {
  const figures: object[] = [];
  let objected = false;
  for (const id of experiments) {
    const { objections, result } = await lab.run(id);
    figures.push({ id: id.toUpperCase(), ...result, objections });
    objected ||= objections.length > 0;
  }
  if (jsonFile !== undefined) {
    const written = figures.length === 1 ? figures[0] : { experiments: figures };
    await writeFile(jsonFile, `${JSON.stringify(written, null, 2)}\n`);
  }
  return objected ? 1 : 0;
}

async function runUntilStopped(
  lab: Lab,
  command: SupervisorCommand,
  { stop, terminal, presence }: { stop: Stop; terminal: Terminal; presence?: Presence | undefined },
): Promise<void> {
  const say = (line: string) => terminal.say(line);
  const server = createServer(createPublicHandler(lab, () => void stop(0), presence));
  const port = await listenPublic(server, command, say);
  // Whatever ends this process, the next start is a warm one.
  flushCompileCache();
  const { host } = command;
  say(`Shownotes is at http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}/`);
  listenKeys(process.stdin, { lab, presence, stop: () => void stop(0), say });
  const status = async () => terminal.status(formatStatus(await lab.state()));
  if (process.stdout.isTTY) setInterval(() => void status(), STATUS_EVERY_MS).unref();
  await lab.runExperiment().catch((error: Error) => say(error.message));
}

// The port that was asked for must be free. The usual one gives way to the next, and says so.
async function listenPublic(
  server: Server,
  { host, port, portGiven }: Listen & { portGiven: boolean },
  say: (line: string) => void,
): Promise<number> {
  for (let tried = port; ; tried++) {
    try {
      return await listenOn(server, { host, port: tried });
    } catch (error) {
      if (portGiven || tried >= port + PORTS_TRIED || !isTaken(error)) throw error;
      say(`port ${tried} is taken; trying ${tried + 1}`);
    }
  }
}

function isTaken(error: unknown): boolean {
  return ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE";
}

function formatStatus({ busy, recent, breaker, inFlight, queued }: LabState): string {
  if (breaker === null) return busy ? "  working …" : "  no services are running";
  if (recent === null) return "";
  const share = `${(100 * recent.withinShare).toFixed(1)} %`;
  const p99 = Number.isFinite(recent.p99Ms) ? `${recent.p99Ms.toFixed(0)} ms` : "never";
  const places = `${inFlight} in flight, ${queued} waiting`;
  return `  notes within 1 s: ${share}, p99 ${p99}; breaker ${breaker.state}; ${places}`;
}
