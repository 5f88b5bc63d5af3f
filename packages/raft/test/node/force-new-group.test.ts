// The last resort: one disk of a group is left, and begins a new one.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SeededRandom, systemClock } from "@compendium/runtime";
import { NodeFiles, NodeTransport } from "@compendium/runtime/node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { forceNewGroup, PeerLinks, RaftNode } from "../../src/node/index.ts";
import { encodeCommand, KvMachine } from "../group/kv-machine.ts";

let folder: string;
const open: RaftNode[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "raft-recovery-"));
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((node) => node.close()));
  rmSync(folder, { recursive: true });
});

interface Start {
  readonly id: number;
  readonly group: string;
  readonly port: number;
  readonly bootstrap?: ReadonlyMap<number, string>;
}

async function start({ id, group, port, bootstrap }: Start) {
  const machine = new KvMachine();
  const network = new PeerLinks({
    transport: new NodeTransport(),
    address: `127.0.0.1:${port}`,
    group,
    clock: systemClock,
    random: new SeededRandom(id),
  });
  const files = new NodeFiles(folder);
  const times = { heartbeatMs: 20, electionTimeoutMs: 200, timeoutMs: 30_000 };
  const options = { id, machine, files, folder: `n${id}`, network, ...times };
  const node = await RaftNode.open({ ...options, ...(bootstrap && { bootstrap }) });
  open.push(node);
  return { node, machine, address: network.address };
}

// Ports that were free a moment ago: a group's addresses must be known before it begins.
async function freePorts(count: number): Promise<number[]> {
  const transport = new NodeTransport();
  const taken = Array.from({ length: count }, () => transport.listen("127.0.0.1:0", () => {}));
  const listeners = await Promise.all(taken);
  await Promise.all(listeners.map((listener) => listener.close()));
  return listeners.map(({ address }) => Number(address.split(":").at(-1)));
}

test("one disk that is left begins a new group with all that it held", async () => {
  const ports = await freePorts(5);
  const [one = 0, two = 0, three = 0, again = 0, fourth = 0] = ports;
  const bootstrap = new Map([one, two, three].map((port, at) => [at + 1, `127.0.0.1:${port}`]));
  const members = await Promise.all(
    [one, two, three].map((port, at) => start({ id: at + 1, group: "old", port, bootstrap })),
  );
  const [first] = members;
  const session = await first?.node.openSession();
  for (const value of ["1 ", "2 ", "3 "]) {
    await session?.propose(encodeCommand({ f: "append", key: "seen", value }));
  }
  await first?.node.read();
  await Promise.all(open.splice(0).map((node) => node.close()));

  const files = new NodeFiles(folder);
  const scratch = { id: 1, machine: new KvMachine(), files, folder: "n1" };
  const began = await forceNewGroup({ ...scratch, address: `127.0.0.1:${again}` });
  const alone = await start({ id: 1, group: "new", port: again });
  await alone.node.read();
  expect(alone.machine.get("seen")).toBe("1 2 3 ");
  const { group, sessions, applied } = alone.node.status();
  expect([...group.keys()]).toEqual([1]);
  expect([sessions, applied >= began]).toEqual([1, true]);

  // Ids of the old group are spent; others join as always.
  await expect(alone.node.addLearner(2, "127.0.0.1:1")).rejects.toThrow(/2 was removed/);
  const joining = await start({ id: 4, group: "new", port: fourth });
  await alone.node.addLearner(4, joining.address);
  await joining.node.read();
  expect(joining.machine.get("seen")).toBe("1 2 3 ");
});

test("where there is no log, nothing is begun", async () => {
  const files = new NodeFiles(folder);
  await files.makeFolder("n1");
  const options = { id: 1, machine: new KvMachine(), files, folder: "n1", address: "a:1" };
  await expect(forceNewGroup(options)).rejects.toThrow(/"n1" holds no log/);
  expect(await files.list("n1")).toEqual([]);
});
