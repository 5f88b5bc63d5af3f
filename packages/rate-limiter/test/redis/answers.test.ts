// A server that answers, but with an error: each call of the limiter settles with the policy's
// decision, and what could not be written is charged to nobody.

import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { requireOrSkip } from "@compendium/metrics/testing";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { fixedWindow, gcra, slidingWindowLog } from "../../src/index.ts";
import { RedisRateLimiter } from "../../src/redis.ts";
import { count, Rig, TIMEOUT_MS } from "./rig.ts";
import { redisServer, startServer } from "./server.ts";

beforeEach((context) => requireOrSkip(context, redisServer));

describe("a server that answers with an error", () => {
  test("a key of somebody else's type fails its own decision, and no other of the call", async () => {
    await using server = await startServer();
    await using rig = new Rig(server.port);
    await server.client().rpush("limit:{bob}:rate-limiter:fixed-window", "not ours");
    const { limiter } = rig;
    const decisions = await Promise.all(["ann", "bob", "ann", "eve"].map((it) => limiter.take(it)));
    expect(decisions.map((it) => it.outcome)).toEqual([
      "allowed",
      "store-closed",
      "allowed",
      "allowed",
    ]);
    expect(rig.store.stats()).toMatchObject({ calls: 1, failures: { STORE_ERROR: 1 } });
    expect(rig.errors).toEqual([expect.stringMatching(/^STORE_ERROR: .*WRONGTYPE/)]);
    expect(await rig.charged()).toBe(2);
  });

  test("of several windows, one of somebody else's type keeps the others from being charged", async () => {
    await using server = await startServer();
    await using rig = new Rig(server.port);
    const client = server.client();
    const rules = [
      fixedWindow({ limit: 5, windowMs: 60_000 }),
      gcra({ limit: 5, windowMs: 60_000 }),
    ];
    const limiter = new RedisRateLimiter(rules, { store: rig.store, onStoreFailure: "closed" });
    await client.rpush("limit:{bob}:rate-limiter:gcra", "not ours");
    expect((await limiter.take("bob")).outcome).toBe("store-closed");
    await client.del("limit:{bob}:rate-limiter:gcra");
    expect((await limiter.peek("bob")).remaining).toBe(5);
  });

  test("a server that is out of memory charges nothing, and says so", async () => {
    await using server = await startServer();
    await using rig = new Rig(server.port);
    const client = server.client();
    const log = new RedisRateLimiter(slidingWindowLog({ limit: 5, windowMs: 60_000 }), {
      store: rig.store,
      onStoreFailure: "closed",
    });
    await log.take("ann");
    expect(await rig.take()).toBe("allowed");
    await client.config("SET", "maxmemory", "1");
    const decisions = await Promise.all([rig.take(), log.take("ann"), rig.take()]);
    expect(decisions).toEqual([
      "store-closed",
      expect.objectContaining({ outcome: "store-closed" }),
      "store-closed",
    ]);
    expect(rig.store.stats().failures.STORE_ERROR).toBe(3);
    await client.config("SET", "maxmemory", "0");
    expect(await rig.charged()).toBe(1);
    expect((await log.peek("ann")).remaining).toBe(4);
  });

  test("a replica, which only reads, charges nothing; it can still tell who is over the limit", async () => {
    await using server = await startServer();
    await using rig = new Rig(server.port);
    const client = server.client();
    const limiter = new RedisRateLimiter(fixedWindow({ limit: 1, windowMs: 60_000 }), {
      store: rig.store,
      name: "small",
      onStoreFailure: "closed",
    });
    await limiter.take("ann");
    // Of nobody in particular, and so it stays what it was.
    await client.config("SET", "replica-serve-stale-data", "yes");
    await client.replicaof("127.0.0.1", 1);
    expect((await limiter.take("bob")).outcome).toBe("store-closed");
    expect(rig.errors).toEqual([]);
    expect(rig.store.stats().failures.STORE_ERROR).toBe(1);
    expect((await limiter.take("ann")).outcome).toBe("denied");
    await client.replicaof("NO", "ONE");
    expect((await limiter.peek("bob")).remaining).toBe(1);
  });

  test("a server that is still loading: within the timeout, and nobody is left waiting", async () => {
    await using loading = await startLoading();
    await using rig = new Rig(loading.port);
    const takes = await rig.send(3);
    await vi.waitFor(() => expect(loading.commands).toBeGreaterThan(0));
    rig.clock.advance(TIMEOUT_MS);
    expect(count(await Promise.all(takes), "store-closed")).toBe(3);
    expect(rig.clock.pendingTimers).toBe(0);
  });
});

/** Something that answers every command as a server does that is reading its data from a disk. */
async function startLoading(): Promise<AsyncDisposable & { port: number; commands: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      const commands = String(bytes).match(/^\*\d+\r\n/gm)?.length ?? 0;
      loading.commands += commands;
      socket.write("-LOADING Redis is loading the dataset in memory\r\n".repeat(commands));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const loading = {
    port: (server.address() as { port: number }).port,
    commands: 0,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return loading;
}
