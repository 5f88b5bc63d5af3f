// The process behind `npm start`: starts the services, runs the first comparison, then keeps a
// light load going and does what keys and the page ask for. Everything else is its child, and ends
// with it.
import { createServer, type Server } from "node:http";
import { flushCompileCache } from "node:module";
import type { Command, Listen } from "./command-line.ts";
import { listenKeys } from "./keys.ts";
import { Lab } from "./lab.ts";
import { createPublicHandler } from "./public.ts";
import { scenario } from "./scenario.ts";
import { listenOn } from "./service.ts";
import { ChildStacks, RemoteStack } from "./stack.ts";

const PORTS_TRIED = 20;

/** Runs the demo (its own children) or the lab (services elsewhere) until it is told to stop. */
export async function runSupervisor(
  command: Extract<Command, { name: "demo" | "lab" }>,
): Promise<void> {
  const say = (line: string) => console.log(line);
  const source =
    command.name === "demo"
      ? new ChildStacks(say)
      : new RemoteStack(command.edgeUrl, command.previewUrl);
  const lab = new Lab(source, scenario, say);

  const stop = async (code: number) => {
    await lab.stop();
    process.exit(code);
  };
  process.on("SIGINT", () => void stop(0));
  process.on("SIGTERM", () => void stop(0));
  process.on("SIGHUP", () => void stop(0));
  if (command.once) {
    const comparison = await lab.runExperiment();
    await stop(comparison.objections.length === 0 ? 0 : 1);
    return;
  }
  const server = createServer(createPublicHandler(lab, stop));
  const port = await listenPublic(server, command, say);
  // Whatever ends this process, the next start is a warm one.
  flushCompileCache();
  say(`Shownotes is at http://127.0.0.1:${port}/`);
  await lab.runExperiment();
  listenKeys(lab, stop, say);
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
