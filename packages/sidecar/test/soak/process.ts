// The command as a process of its own, with a document in a file.
import { spawn } from "node:child_process";
import path from "node:path";
import type { Files } from "../tls/files.ts";

export interface RunningProcess extends Disposable {
  /** By the listener's name; "admin" for the admin interface. */
  readonly ports: ReadonlyMap<string, number>;
  /** Asks it to end, as a supervisor does. */
  stop(): void;
  /** How it ended, and what it said on stderr. */
  readonly ended: Promise<{ readonly code: number | null; readonly said: string }>;
}

const bin = path.join(import.meta.dirname, "../../src/bin.ts");

/** Settles when all of its listeners are open. */
export async function startProcess(files: Files, document: object): Promise<RunningProcess> {
  const file = files.write("sidecar.json", JSON.stringify(document));
  const args = ["--conditions=@compendium/source", bin, "-c", file, "--drain-time-s", "30"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [out, said] = ["", ""];
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const ended = new Promise<{ code: number | null; said: string }>((resolve) => {
    child.on("exit", (code) => resolve({ code, said }));
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      out += chunk;
      // The last of the lines that say where it listens.
      if (/^admin: /m.test(out)) resolve();
    });
    void ended.then(({ code }) => reject(new Error(`ended with ${code}: ${said}`)));
  });
  const lines = out.matchAll(/^(\w+): 127\.0\.0\.1:(\d+)/gm);
  return {
    ports: new Map(Array.from(lines, ([, name = "", port]) => [name, Number(port)])),
    stop: () => void child.kill("SIGTERM"),
    ended,
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}
