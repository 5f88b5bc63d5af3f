// Six nodes, three of them replicas, in containers: the contract, and what a fail-over does to a
// limit. Replication is asynchronous: what a master has charged and not yet replicated is forgotten
// with it, and can be admitted a second time. The limiter itself charges nothing twice.
import { requireOrSkip } from "@compendium/metrics/testing";
import { Cluster } from "ioredis";
import { Network, type StartedNetwork } from "testcontainers";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { fixedWindow } from "../../src/index.ts";
import { RedisRateLimiter, RedisStore } from "../../src/redis.ts";
import { hashSlot } from "../../src/stores/hash-slot.ts";
import { describeLimiter } from "../contract.ts";
import { makeRedisRig } from "../redis/contract-rig.ts";
import { docker, dockerEngine, type StartedServer, startContainer } from "./containers.ts";

const COMMAND = [
  ...["redis-server", "--cluster-enabled", "yes", "--cluster-node-timeout", "1000"],
  ...["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"],
];

let network: StartedNetwork;
let nodes: StartedServer[] = [];
const clusters: Cluster[] = [];

const addressOf = (node: StartedServer) => node.container.getIpAddress(network.getName());

function client(): Cluster {
  const startup = nodes.map((node) => ({ host: addressOf(node), port: 6379 }));
  const made = new Cluster(startup, {
    clusterRetryStrategy: () => 100,
    slotsRefreshInterval: 500,
    slotsRefreshTimeout: 2_000,
  });
  made.on("error", () => {});
  clusters.push(made);
  return made;
}

async function ask(node: StartedServer, ...words: string[]): Promise<string> {
  const { output } = await node.container.exec(["redis-cli", ...words]);
  return String(output);
}

beforeAll(async () => {
  if (!dockerEngine.present) return;
  network = await new Network().start();
  nodes = await Promise.all(
    Array.from({ length: 6 }, () =>
      startContainer("redis:7", (it) => it.withNetwork(network).withCommand(COMMAND)),
    ),
  );
  const addresses = nodes.map((node) => `${addressOf(node)}:6379`);
  const options = ["--cluster-replicas", "1", "--cluster-yes"];
  const created = await ask(nodes[0]!, "--cluster", "create", ...addresses, ...options);
  expect(created).toContain("All 16384 slots covered");
  for (const node of nodes) {
    const replication = /connected_slaves:1|master_link_status:up/;
    await vi.waitFor(
      async () => expect(await ask(node, "info", "replication")).toMatch(replication),
      {
        timeout: 30_000,
        interval: 200,
      },
    );
    await vi.waitFor(async () => expect(await ask(node, "cluster", "info")).toContain("state:ok"), {
      timeout: 30_000,
      interval: 200,
    });
  }
});

beforeEach((context) => requireOrSkip(context, dockerEngine));

afterAll(async () => {
  for (const made of clusters) made.disconnect();
  await Promise.allSettled(nodes.map((node) => node.stop()));
  await network?.stop();
});

describeLimiter("RedisRateLimiter in a cluster of six nodes", () => makeRedisRig(client()));

describe("a fail-over", () => {
  test("is over without a restart; what is charged is what was allowed, but for the unreplicated", async () => {
    const LIMIT = 1_000_000;
    await using store = new RedisStore(client(), { timeoutMs: 100 });
    const limiter = new RedisRateLimiter(fixedWindow({ limit: LIMIT, windowMs: 86_400_000 }), {
      store,
      onStoreFailure: "closed",
    });
    const allowed = async () => (await limiter.take("ann")).outcome === "allowed";
    await vi.waitFor(async () => expect(await allowed()).toBe(true), { timeout: 30_000 });
    let count = 1;
    for (let i = 0; i < 500; i++) if (await allowed()) count++;
    const unknownBefore = unknown();
    const master = await masterOf(hashSlot("ann"));
    docker("kill", master.container.getId());
    const downAtMs = performance.now();
    let attempts = 0;
    while (!(await allowed())) {
      attempts++;
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (performance.now() - downAtMs > 60_000) break;
    }
    const downMs = Math.round(performance.now() - downAtMs);
    count++;
    for (let i = 0; i < 100; i++) if (await allowed()) count++;
    const { remaining } = await limiter.peek("ann");
    const charged = LIMIT - remaining;
    const lost = count - charged;
    console.log(
      `fail-over: ${downMs} ms without decisions (${attempts} asked), ` +
        `${lost} of ${count} admitted were forgotten`,
    );
    expect(charged).toBeLessThanOrEqual(count + unknown());
    // One at a time, each answered before the next is asked: there is little to be lost.
    expect(lost).toBeLessThan(50);
    expect(unknownBefore).toBeLessThan(5);

    function unknown(): number {
      const { STORE_TIMEOUT, STORE_LOST } = store.stats().failures;
      return STORE_TIMEOUT + STORE_LOST;
    }
  });
});

async function masterOf(slot: number): Promise<StartedServer> {
  const lines = (await ask(nodes[0]!, "cluster", "nodes")).split("\n");
  const line = lines.find((it) => {
    const [, , flags = "", , , , , , ...ranges] = it.split(" ");
    const isOwner = ranges.some((range) => {
      const [from, to = from] = range.split("-").map(Number);
      return slot >= from! && slot <= to!;
    });
    return flags.includes("master") && isOwner;
  });
  const address = line?.split(" ")[1]?.split(":")[0];
  return nodes.find((node) => addressOf(node) === address)!;
}
