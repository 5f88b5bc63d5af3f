// A command, run to its end; and what an end-to-end test may ask of the machine.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import type { Need } from "@compendium/metrics/testing";
import { describe } from "vitest";

/** The repository's root, where docker-compose.yml is. */
export const rootFolder: string = fileURLToPath(new URL("../../../../", import.meta.url));

/**
 * What a change need not wait for: the same experiment once more by k6, and controls that have to
 * fail. `COMPENDIUM_E2E=brief` (`.ci/run`) leaves it out; every other run, and every night, has it.
 */
export function describeNightly(name: string, define: () => void): void {
  const { COMPENDIUM_E2E: extent } = process.env;
  if (extent !== "brief") describe(name, define);
}

/** How a command ended, and all that it said, in order. */
export interface Ended {
  code: number | null;
  output: string;
}

/** Runs a command in the repository's root; killed, and `code` null, after `timeoutMs`. */
export function run(
  command: readonly [string, ...string[]],
  { env = {}, timeoutMs = 60_000 }: { env?: Record<string, string>; timeoutMs?: number } = {},
): Promise<Ended> {
  const [file, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: rootFolder,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

/** A port of 127.0.0.1 that nobody listens on now. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** A Docker engine that answers, with compose 2. */
export function docker(): Need {
  return {
    name: "docker",
    present: works("docker", "info") && works("docker", "compose", "version"),
    how: "start Docker, with its compose plugin (https://docs.docker.com/get-started/get-docker/)",
  };
}

/** A Redis server that can be started. */
export function redis(): Need {
  return {
    name: "redis",
    present: works("redis-server", "--version"),
    how: "it is a package of its own (Debian: apt-get install redis-server)",
  };
}

/** A Redis of the test's own, on a port of 127.0.0.1, that keeps nothing. */
export async function startRedis(): Promise<AsyncDisposable & { url: string }> {
  const port = await freePort();
  const flags = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = spawn("redis-server", flags, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(server, "exit");
  for await (const line of server.stdout) {
    if (String(line).includes("Ready to accept connections")) break;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.kill();
      await exited;
    },
  };
}

/** k6 2 on the PATH: an earlier one strips no types. */
export function k6(): Need {
  const { stdout } = spawnSync("k6", ["version"], { encoding: "utf8" });
  return {
    name: "k6",
    present: /\bv([2-9]|\d\d)\./.test(stdout ?? ""),
    how: "install k6 2 (https://grafana.com/docs/k6/latest/set-up/install-k6/)",
  };
}

function works(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore", timeout: 20_000 }).status === 0;
}
