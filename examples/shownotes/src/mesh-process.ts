// A sidecar as a process of the demo: packages/sidecar's data plane on one file of configuration.
// SIGHUP has it read the file again: a sound one is in force for the next request, a wrong one
// changes nothing. SIGTERM lets what is under way end. In compose the package's own command does
// the same.
import { readFile } from "node:fs/promises";
import { compileText, Sidecar } from "@compendium/sidecar";
import type { SidecarProcess } from "./command-line.ts";
import { LISTENER } from "./mesh-config.ts";
import { superviseFromAbove } from "./service.ts";

const DRAIN_MS = 4_000;
const POLL_MS = 20;

/** Runs it until it is told to stop. Rejects when its file, or a port, cannot be had. */
export async function runSidecar({ configFile }: SidecarProcess): Promise<void> {
  const sidecar = new Sidecar();
  let last = useFile(sidecar, configFile);
  process.on("SIGHUP", () => {
    // One after the other: the newest file is the one that stays.
    last = last
      .then(() => useFile(sidecar, configFile))
      .catch((error: Error) => {
        console.error(`sidecar: the configuration stays as it was: ${error.message}`);
      });
  });
  const drain = () => void drainAndExit(sidecar);
  process.on("SIGTERM", drain);
  superviseFromAbove(drain);
  await last;
  const port = sidecar.plane.portOf(LISTENER);
  if (port === undefined) throw new Error(`${configFile} has no listener "${LISTENER}"`);
  process.send?.({ port });
  if (process.send === undefined) console.log(`sidecar listens on port ${port}`);
}

async function useFile(sidecar: Sidecar, file: string): Promise<void> {
  const compiled = readFile(file, "utf8").then((text) => compileText(text, () => {}));
  // Whoever has asked for it looks at the numbers.
  compiled.catch(() => sidecar.noteRejected());
  await sidecar.apply(await compiled);
}

async function drainAndExit(sidecar: Sidecar): Promise<void> {
  sidecar.drain();
  const endAt = performance.now() + DRAIN_MS;
  while (sidecar.plane.active > 0 && performance.now() < endAt) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  process.exit(0);
}
