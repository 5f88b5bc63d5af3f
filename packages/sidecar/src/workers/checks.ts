// What can be known of a document before any worker sees it.
import { createServer } from "node:net";
import { type Problem, SidecarConfigError } from "../config/config-error.ts";
import type { ListenerConfig } from "../config/listener-config.ts";
import type { Snapshot } from "../config/snapshot.ts";
import { divide } from "./divide.ts";

/**
 * Whether several workers can run this at all.
 *
 * @throws SidecarConfigError when they cannot
 */
export function checkDivisible(snapshot: Snapshot, workers: number): void {
  const problems: Problem[] = [];
  for (const { name, port } of snapshot.listeners.values()) {
    if (port !== 0) continue;
    const message = `has port 0, and each of ${workers} workers would get another one`;
    const next = "name a port, or run one worker";
    problems.push({ path: `listener ${name}`, message, next });
  }
  if (problems.length > 0) throw new SidecarConfigError(problems);
  divide(snapshot, { index: 0, workers });
}

/**
 * Whether nobody else listens where the workers will. They share their ports with whoever shares
 * his, another proxy of this user that was started by mistake, say: the kernel would give each of
 * them a part of the connections, and nobody would be told.
 *
 * @param before what is in force: its addresses are ours
 * @throws Error with the code EADDRINUSE, or whatever the system says
 */
export async function checkAddresses(
  { listeners }: Snapshot,
  before: Snapshot | undefined,
): Promise<void> {
  const own = new Set([...(before?.listeners.values() ?? [])].map(({ port }) => port));
  for (const listener of listeners.values()) {
    if (!own.has(listener.port)) await checkAddress(listener);
  }
}

async function checkAddress({ address: host, port }: ListenerConfig): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => server.close(() => resolve()));
  });
}
