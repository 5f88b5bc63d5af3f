// A Redis server of a test's own: on a free port of 127.0.0.1, nothing on disk, gone with the test.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Need } from "@compendium/metrics/testing";
import { Redis } from "ioredis";

/** redis-server on the PATH. */
export const redisServer: Need = {
  name: "redis",
  present: spawnSync("redis-server", ["--version"]).status === 0,
  how: "apt-get install redis-server",
};

interface ClientOptions {
  enableAutoPipelining?: boolean;
  password?: string;
}

/** A running server. */
export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly process: ChildProcess;
  /** A client that says nothing when the server is gone. */
  client(options?: ClientOptions): Redis;
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>;
}

/** Starts a server, on a port of its own unless one is given. */
export async function startServer(args: readonly string[] = [], port?: number): Promise<Server> {
  const listensOn = port ?? (await freePort());
  // What a node of a cluster knows of the others is kept in a file, whatever else is kept.
  const folder = mkdtempSync(join(tmpdir(), "compendium-redis-"));
  const memory = ["--save", "", "--appendonly", "no", "--dir", folder];
  const address = ["--bind", "127.0.0.1", "--port", String(listensOn)];
  const child = spawn("redis-server", [...address, ...memory, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await untilReady(child);
  const clients: Redis[] = [];
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  return {
    port: listensOn,
    process: child,
    client: (options = {}) => {
      const client = new Redis({ ...options, port: listensOn, host: "127.0.0.1" });
      client.on("error", () => {});
      clients.push(client);
      return client;
    },
    kill,
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.disconnect();
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

async function untilReady(child: ChildProcess): Promise<void> {
  let log = "";
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on("data", (chunk) => {
      log = `${log}${chunk}`.slice(-4096);
      if (log.includes("Ready to accept connections")) resolve();
    });
    child.on("exit", () => reject(new Error(`redis-server has ended:\n${log}`)));
    child.on("error", reject);
  });
}
