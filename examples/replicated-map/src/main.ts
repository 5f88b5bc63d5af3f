// One member of a replicated map: a disk, a network, the state machine, and HTTP in front.
//
//   node --conditions=@compendium/source src/main.ts --id 1 --http 127.0.0.1:8001 --data map-1 \
//     --members 1=127.0.0.1:7001,2=127.0.0.1:7002,3=127.0.0.1:7003
//
// The order at the end matters: first nothing new is accepted, then the node ends well, which hands
// leadership to another member; so the group does not have to notice that its leader is gone.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { registerRaftNode } from "@compendium/raft/metrics";
import { PeerLinks, RaftNode } from "@compendium/raft/node";
import { systemClock, systemRandom, type Transport } from "@compendium/runtime";
import { NodeFiles, NodeTransport } from "@compendium/runtime/node";
import { Registry } from "prom-client";
import { parseCommandLine, type Settings, USAGE, UsageError } from "./command-line.ts";
import { createService } from "./http-service.ts";
import { MapMachine } from "./map-machine.ts";

async function makeTransport({ grpc, tls }: Settings): Promise<Transport> {
  if (!grpc) return new NodeTransport();
  // Imported on demand: a member that speaks plain TCP need not load gRPC.
  const { GrpcTransport } = await import("@compendium/raft/grpc");
  if (tls === null) return new GrpcTransport();
  const { ca, certificate, key } = tls;
  const pem = { ca: readFileSync(ca), certificate: readFileSync(certificate) };
  return new GrpcTransport({ tls: { ...pem, key: readFileSync(key) } });
}

async function run(settings: Settings): Promise<void> {
  const { id, members, listen, http, folder } = settings;
  const machine = new MapMachine();
  const transport = await makeTransport(settings);
  const world = { clock: systemClock, random: systemRandom };
  const network = new PeerLinks({ ...world, transport, address: listen, group: "map" });
  const files = new NodeFiles(folder);
  const stands = { id, machine, files, folder: "raft", network };
  const node = await RaftNode.open({ ...stands, bootstrap: members });
  const registry = new Registry();
  registerRaftNode(registry, node, { group: "map" });

  const server = createServer(createService({ node, machine, registry }));
  server.listen(http.port, http.host, () => {
    process.send?.("listening");
    console.log(`member ${id} (pid ${process.pid}) answers on http://${http.host}:${http.port}`);
  });

  const end = () => {
    server.close();
    void node.close();
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, end);
  process.once("disconnect", end); // whoever started it is gone
  server.once("error", (error) => {
    console.error(`member ${id}: ${error.message}`);
    process.exitCode = 1;
    end();
  });

  const failure = await node.closed;
  if (failure !== undefined) {
    console.error(`member ${id} has stopped: ${failure.message}`);
    process.exitCode = 1;
  }
  server.close();
  server.closeAllConnections();
  if (process.connected) process.disconnect();
}

try {
  await run(parseCommandLine(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
