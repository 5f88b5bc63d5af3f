// A Redis Cluster of a test's own: masters as processes on 127.0.0.1, slots in equal shares. (Six
// nodes in containers, with replicas, are in ../integration.)
import { Cluster, type Redis } from "ioredis";
import { freePort, type Server, startServer } from "./server.ts";

export const SLOTS = 16_384;

export interface LocalCluster extends AsyncDisposable {
  readonly nodes: readonly Server[];
  /** A client of each node, to speak to it alone. */
  readonly admins: readonly Redis[];
  /** The node that has the slot, by its place. */
  ownerOf(slot: number): Promise<number>;
  client(): Cluster;
}

export async function startCluster(masters: number): Promise<LocalCluster> {
  const nodes = await Promise.all(Array.from({ length: masters }, startNode));
  const admins = nodes.map((node) => node.client());
  for (const [i, admin] of admins.entries()) {
    const first = Math.ceil((i * SLOTS) / masters);
    const last = Math.ceil(((i + 1) * SLOTS) / masters) - 1;
    await admin.cluster("ADDSLOTSRANGE", first, last);
    await admin.call("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
    const { port, busPort } = nodes[0]!;
    if (i > 0) await admin.call("CLUSTER", "MEET", "127.0.0.1", String(port), String(busPort));
  }
  for (const admin of admins) await untilWhole(admin, masters);
  const clients: Cluster[] = [];
  return {
    nodes,
    admins,
    ownerOf: async (slot) => {
      const ranges = await admins[0]!.cluster("SLOTS");
      const [, , owner] = ranges.find(([from, to]) => from <= slot && slot <= to)!;
      const port = owner![1];
      return nodes.findIndex((node) => node.port === port);
    },
    client: () => {
      const client = new Cluster([{ host: "127.0.0.1", port: nodes[0]!.port }], {
        slotsRefreshTimeout: 10_000,
      });
      client.on("error", () => {});
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.disconnect();
      for (const node of nodes) await node[Symbol.asyncDispose]();
    },
  };
}

type Node = Server & { busPort: number };

async function startNode(): Promise<Node> {
  const busPort = await freePort();
  const bus = ["--cluster-port", String(busPort), "--cluster-node-timeout", "5000"];
  const server = await startServer(["--cluster-enabled", "yes", ...bus]);
  return Object.assign(server, { busPort });
}

async function untilWhole(admin: Redis, masters: number): Promise<void> {
  for (;;) {
    const info = String(await admin.cluster("INFO"));
    if (info.includes("cluster_state:ok") && info.includes(`cluster_size:${masters}`)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
