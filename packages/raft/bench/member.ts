// A member of the benched group, as a process: what `processes.ts` starts, and asks over the
// channel between them. The leader proposes to itself, so that what is measured is the group and
// not a client's way to it.
import { parseArgs } from "node:util";
import { GrpcTransport } from "@compendium/raft/grpc";
import { PeerLinks, RaftNode } from "@compendium/raft/node";
import { systemClock, systemRandom } from "@compendium/runtime";
import { NodeFiles, NodeTransport } from "@compendium/runtime/node";

/** What a member is asked. */
export type Question =
  | { readonly ask: "status" }
  | { readonly ask: "cpu" }
  /** So many proposals or reads, so many of them at a time. */
  | { readonly ask: "propose" | "read"; readonly count: number; readonly inFlight: number }
  /** Proposes until one succeeds. */
  | { readonly ask: "first success" };

/** What it answers; `latencies` in milliseconds. */
export interface Answer {
  readonly leads?: boolean;
  readonly lead?: number;
  readonly committed?: number;
  readonly cpuUs?: number;
  readonly tookMs?: number;
  readonly latencies?: readonly number[];
  readonly syncMs?: number;
}

const DATA = new Uint8Array(100).fill(120);
const machine = {
  apply: () => new Uint8Array(),
  snapshot: () => new Uint8Array(),
  restore: () => {},
};

const { values } = parseArgs({
  options: {
    id: { type: "string", default: "1" },
    members: { type: "string", default: "" },
    folder: { type: "string", default: "" },
    grpc: { type: "boolean", default: false },
  },
});
const id = Number(values.id);
const bootstrap = new Map(
  values.members.split(",").map((pair) => {
    const [member, address] = pair.split("=") as [string, string];
    return [Number(member), address];
  }),
);
const transport = values.grpc ? new GrpcTransport() : new NodeTransport();
const address = bootstrap.get(id) as string;
const world = { clock: systemClock, random: systemRandom };
const network = new PeerLinks({ ...world, transport, address, group: "bench" });
const files = new NodeFiles(values.folder);
const node = await RaftNode.open({ id, machine, files, folder: "raft", network, bootstrap });

process.on("message", async (question: Question) => process.send?.(await answer(question)));
process.on("disconnect", () => process.exit());
process.send?.({});

async function answer(question: Question): Promise<Answer> {
  switch (question.ask) {
    case "status": {
      const { role, lead, committed } = node.status();
      return { leads: role === "leader", lead, committed };
    }
    case "cpu": {
      const { user, system } = process.cpuUsage();
      return { cpuUs: user + system };
    }
    case "propose":
      return await many(question, () => node.propose(DATA));
    case "read":
      return await many(question, () => node.read());
    case "first success":
      return await firstSuccess();
  }
}

async function many(
  { count, inFlight }: { count: number; inFlight: number },
  once: () => Promise<unknown>,
): Promise<Answer> {
  const latencies: number[] = [];
  const before = node.stats().wal.syncMs;
  const startedAt = performance.now();
  let begun = 0;
  const run = async (): Promise<void> => {
    while (begun++ < count) {
      const at = performance.now();
      await once();
      latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, run));
  const tookMs = performance.now() - startedAt;
  return { tookMs, latencies, syncMs: node.stats().wal.syncMs - before };
}

// A proposal that was sent to a leader who is gone is lost with it: so there are always new ones.
async function firstSuccess(): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const propose = (): void => {
    node.propose(DATA, { timeoutMs: 30_000 }).then(
      () => resolve({}),
      () => {},
    );
  };
  propose();
  const timer = setInterval(propose, 10);
  const success = await promise;
  clearInterval(timer);
  return success;
}
