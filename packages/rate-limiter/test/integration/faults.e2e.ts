// What an operator's machine does to a server: paused, killed, taken off its network. By the clock
// on the wall, with the timeout as the bound and ten times as much for a busy machine.
import { requireOrSkip } from "@compendium/metrics/testing";
import { Redis } from "ioredis";
import { Network, type StartedNetwork } from "testcontainers";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { fixedWindow } from "../../src/index.ts";
import { RedisRateLimiter, RedisStore } from "../../src/redis.ts";
import { docker, dockerEngine, type StartedServer, startContainer } from "./containers.ts";

const TIMEOUT_MS = 100;
const SLACK_MS = 10 * TIMEOUT_MS;
const LIMIT = 1_000_000;
let network: StartedNetwork;
let server: StartedServer;
let client: Redis;

beforeAll(async () => {
  if (!dockerEngine.present) return;
  network = await new Network().start();
  server = await startContainer("redis:7", (container) => container.withNetwork(network));
  // The address inside the network: a port that is mapped outside would stay open without it.
  const host = server.container.getIpAddress(network.getName());
  client = new Redis({ host, port: 6379, lazyConnect: true, retryStrategy: () => 50 });
});

beforeEach((context) => requireOrSkip(context, dockerEngine));

afterAll(async () => {
  client?.disconnect();
  await server?.stop();
  await network?.stop();
});

const faults: [string, (id: string) => void, (id: string) => void][] = [
  ["paused", (id) => docker("pause", id), (id) => docker("unpause", id)],
  [
    "taken off its network",
    (id) => docker("network", "disconnect", network.getName(), id),
    // Alone on it, it gets its address again.
    (id) => docker("network", "connect", network.getName(), id),
  ],
  ["killed", (id) => docker("kill", id), (id) => docker("start", id)],
];

test.each(faults)(
  "%s: delays no decision beyond the bound, and comes back",
  async (name, harm, heal) => {
    await using store = new RedisStore(client, { timeoutMs: TIMEOUT_MS });
    const limiter = new RedisRateLimiter(fixedWindow({ limit: LIMIT, windowMs: 86_400_000 }), {
      store,
      name: name.replaceAll(" ", "-"),
      onStoreFailure: "closed",
    });
    const outcomes: string[] = [];
    let longestMs = 0;
    const take = async () => {
      const askedAtMs = performance.now();
      const { outcome } = await limiter.take("ann");
      longestMs = Math.max(longestMs, performance.now() - askedAtMs);
      outcomes.push(outcome);
      return outcome;
    };
    await vi.waitFor(async () => expect(await take()).toBe("allowed"), { timeout: 30_000 });
    const id = server.container.getId();
    harm(id);
    const takes = [];
    for (let i = 0; i < 50; i++) {
      takes.push(take());
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await Promise.all(takes);
    expect(outcomes.slice(-50)).toEqual(Array.from({ length: 50 }, () => "store-closed"));
    expect(longestMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
    heal(id);
    await vi.waitFor(async () => expect(await take()).toBe("allowed"), { timeout: 30_000 });
    const { remaining } = await limiter.peek("ann");
    const allowed = outcomes.filter((it) => it === "allowed").length;
    // One that was killed has forgotten everything but the last.
    const known = name === "killed" ? 1 : allowed;
    const { STORE_TIMEOUT, STORE_LOST } = store.stats().failures;
    expect(LIMIT - remaining).toBeGreaterThanOrEqual(known);
    expect(LIMIT - remaining).toBeLessThanOrEqual(known + STORE_TIMEOUT + STORE_LOST);
  },
);
