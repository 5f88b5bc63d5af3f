// The service in the test's own process: HTTP over loopback, in front of a node that a test gives
// it, or of a group of one member with a folder of its own.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { registerRaftNode } from "@compendium/raft/metrics";
import { PeerLinks, RaftNode } from "@compendium/raft/node";
import { systemClock, systemRandom } from "@compendium/runtime";
import { NodeFiles, NodeTransport } from "@compendium/runtime/node";
import { Registry } from "prom-client";
import { createService } from "../src/http-service.ts";
import { MapMachine } from "../src/map-machine.ts";

/** A service that listens. */
export interface Served extends AsyncDisposable {
  readonly machine: MapMachine;
  ask(method: string, place: string, options?: Omit<RequestInit, "method">): Promise<Response>;
}

/** Serves a node that is only made up. */
export async function serve(node: Partial<RaftNode>, machine = new MapMachine()): Promise<Served> {
  const registry = new Registry();
  return await listen(node as RaftNode, machine, registry);
}

/** Serves a group of one. */
export async function serveAlone(): Promise<Served & { readonly node: RaftNode }> {
  const folder = mkdtempSync(path.join(tmpdir(), "replicated-map-test-"));
  const machine = new MapMachine();
  const address = "127.0.0.1:0";
  const transport = new NodeTransport();
  const world = { clock: systemClock, random: systemRandom, transport };
  const network = new PeerLinks({ ...world, address, group: "map" });
  const files = new NodeFiles(folder);
  const bootstrap = new Map([[1, address]]);
  const times = { electionTimeoutMs: 40, heartbeatMs: 20 };
  const stands = { id: 1, machine, files, folder: "raft", network, bootstrap, ...times };
  const node = await RaftNode.open({ ...stands, segmentBytes: 2 ** 20 });
  const registry = new Registry();
  registerRaftNode(registry, node);
  const served = await listen(node, machine, registry);
  return {
    ...served,
    node,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await node.close();
      await transport.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function listen(node: RaftNode, machine: MapMachine, registry: Registry): Promise<Served> {
  const server = createServer(createService({ node, machine, registry }));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    machine,
    ask: (method, place, options) =>
      fetch(`http://127.0.0.1:${port}${place}`, { ...options, method }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}
