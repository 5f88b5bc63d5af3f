// The server fails in every way that a process or a network can. The store's clock stands still
// until the test moves it: what settles settles without a timer, or by `timeoutMs`, to the ms.
import { setImmediate as turn } from "node:timers/promises";
import { FaultProxy } from "@compendium/chaos";
import { requireOrSkip } from "@compendium/metrics/testing";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Outcome } from "../../src/decision.ts";
import { slidingWindowLog } from "../../src/index.ts";
import { RedisRateLimiter } from "../../src/redis.ts";
import { count, decisionsOn, Rig, TIMEOUT_MS } from "./rig.ts";
import { freePort, redisServer, startServer } from "./server.ts";

beforeEach((context) => requireOrSkip(context, redisServer));

describe("a server that is stopped", () => {
  test("delays a decision by the timeout and no longer, and decides again when it goes on", async () => {
    await using server = await startServer();
    await using rig = new Rig(server.port);
    expect(await rig.take()).toBe("allowed");
    server.process.kill("SIGSTOP");
    const waiting = await rig.send(50);
    expect(rig.store.stats().callsUnanswered).toBe(1);
    rig.clock.advance(TIMEOUT_MS - 1);
    await turn();
    expect(rig.store.stats().failures.STORE_TIMEOUT).toBe(0);
    rig.clock.advance(1);
    expect(count(await Promise.all(waiting), "store-closed")).toBe(50);
    // Known to be silent, it is not asked: the clock stands still, and this settles all the same.
    expect(await rig.take()).toBe("store-closed");
    expect(rig.store.stats().failures).toMatchObject({ STORE_TIMEOUT: 50, STORE_UNAVAILABLE: 1 });
    expect(rig.limiter.stats().decisions["store-closed"]).toBe(51);
    expect(rig.clock.pendingTimers).toBe(0);
    server.process.kill("SIGCONT");
    // Known: 1. Unknown: the 50, which had been sent. The one after them had not.
    expect(await rig.charged()).toBe(51);
    expect(await rig.take()).toBe("allowed");
  });

  test("is given up after ten timeouts; nothing is sent again on the next connection", async () => {
    await using server = await startServer();
    await using rig = new Rig(server.port);
    expect(await rig.take()).toBe("allowed");
    server.process.kill("SIGSTOP");
    const waiting = await rig.send(5);
    rig.clock.advance(10 * TIMEOUT_MS + 1);
    expect(count(await Promise.all(waiting), "store-closed")).toBe(5);
    expect(await rig.take()).toBe("store-closed");
    await vi.waitFor(() => expect(rig.store.stats().callsUnanswered).toBe(0));
    server.process.kill("SIGCONT");
    const charged = await rig.charged();
    expect(charged).toBeLessThanOrEqual(6);
    const calls = await decisionsOn(server.client());
    expect(calls).toBeLessThanOrEqual(rig.store.stats().calls);
  });

  test("holds no more calls than callsMax; the others fail at once", async () => {
    await using server = await startServer();
    await using rig = new Rig(server.port, { callsMax: 3, batchMax: 1 });
    expect(await rig.take()).toBe("allowed");
    server.process.kill("SIGSTOP");
    const waiting: Promise<Outcome>[] = [];
    for (let i = 0; i < 3; i++) waiting.push(...(await rig.send(1)));
    for (let i = 0; i < 100; i++) expect(await rig.take()).toBe("store-closed");
    expect(rig.store.stats()).toMatchObject({
      callsUnanswered: 3,
      failures: { STORE_UNAVAILABLE: 100 },
    });
    rig.clock.advance(TIMEOUT_MS);
    expect(count(await Promise.all(waiting), "store-closed")).toBe(3);
    server.process.kill("SIGCONT");
    expect(await rig.charged()).toBe(4);
  });
});

describe("a server that is killed", () => {
  test("fails what it had, at once, and is asked again when another stands in its place", async () => {
    await using server = await startServer();
    await using rig = new Rig(server.port);
    for (let i = 0; i < 3; i++) expect(await rig.take()).toBe("allowed");
    server.process.kill("SIGSTOP");
    const waiting = await rig.send(10);
    await server.kill();
    expect(count(await Promise.all(waiting), "store-closed")).toBe(10);
    expect(await rig.take()).toBe("store-closed");
    expect(rig.store.stats().failures).toMatchObject({ STORE_LOST: 10, STORE_UNAVAILABLE: 1 });
    await using another = await startServer([], server.port);
    expect(another.port).toBe(server.port);
    // It knows neither the script nor the counts, and nobody sends it what the first was asked.
    expect(await rig.charged()).toBe(0);
    expect(await rig.take()).toBe("allowed");
    expect(rig.store.stats().scriptLoads).toBe(2);
  });

  test("loses the script alone: it is loaded again, and nothing is charged twice", async () => {
    await using server = await startServer();
    await using rig = new Rig(server.port, { batchMax: 1 });
    expect(await rig.take()).toBe("allowed");
    const operator = server.client();
    for (let round = 0; round < 5; round++) {
      const takes = Array.from({ length: 20 }, () => rig.take());
      await operator.script("FLUSH");
      expect(count(await Promise.all(takes), "allowed")).toBe(20);
    }
    expect(rig.store.stats().scriptLoads).toBeGreaterThan(1);
    expect(await rig.charged()).toBe(101);
  });
});

describe("a network that is cut", () => {
  test("loses the reply: asked again with its idempotency key, it is charged once", async () => {
    await using server = await startServer();
    await using proxy = await FaultProxy.listen({ upstream: { port: server.port } });
    await using rig = new Rig(proxy.address.port);
    expect(await rig.take()).toBe("allowed");
    await proxy.set({ downstream: { blackhole: true } });
    const lost = rig.take("order-1");
    const alsoLost = rig.take();
    await vi.waitFor(() => expect(proxy.stats().downstream.bytesHeld).toBeGreaterThan(0));
    rig.clock.advance(TIMEOUT_MS);
    expect([await lost, await alsoLost]).toEqual(["store-closed", "store-closed"]);
    // The server has decided, and said so to nobody.
    proxy.resetConnections();
    await proxy.heal();
    expect(await rig.charged()).toBe(3);
    expect(await rig.take("order-1")).toBe("allowed");
    expect(await rig.charged()).toBe(3);
    expect(await rig.take("order-2")).toBe("allowed");
    expect(await rig.charged()).toBe(4);
  });

  test("loses requests again and again: charged is what was allowed, and at most what is unknown", async () => {
    await using server = await startServer();
    await using proxy = await FaultProxy.listen({ upstream: { port: server.port } });
    await using rig = new Rig(proxy.address.port, { policy: "open", batchMax: 2 });
    const outcomes: Outcome[] = [await rig.take()];
    for (let round = 0; round < 20; round++) {
      const takes = Array.from({ length: 6 }, () => rig.take());
      await turn();
      if (round % 2 === 0) proxy.resetConnections();
      outcomes.push(...(await Promise.all(takes)));
      if (round % 2 === 1) await rig.charged();
    }
    const charged = await rig.charged();
    const allowed = count(outcomes, "allowed");
    const unknown = rig.store.stats().failures.STORE_LOST;
    expect(count(outcomes, "store-open")).toBeGreaterThanOrEqual(unknown);
    expect(charged).toBeGreaterThanOrEqual(allowed);
    expect(charged).toBeLessThanOrEqual(allowed + unknown);
    const calls = await decisionsOn(server.client());
    expect(calls).toBeLessThanOrEqual(rig.store.stats().calls);
  });
});

describe("a server that cannot be reached", () => {
  test("from the start: each decision is the policy's, without waiting for the timeout", async () => {
    const port = await freePort();
    await using closed = new Rig(port);
    await using open = new Rig(port, { policy: "open" });
    for (let i = 0; i < 3; i++) {
      expect(await closed.take()).toBe("store-closed");
      expect(await open.take()).toBe("store-open");
    }
    expect(closed.errors.every((it) => it.startsWith("STORE_UNAVAILABLE"))).toBe(true);
    await using server = await startServer([], port);
    expect(server.port).toBe(port);
    expect(await closed.charged()).toBe(0);
    expect(await closed.take()).toBe("allowed");
  });

  test("with a wrong password: no decision is made, and none is left waiting", async () => {
    await using server = await startServer(["--requirepass", "right"]);
    await using wrong = new Rig(server.port, { password: "wrong" });
    const takes = await wrong.send(3);
    wrong.clock.advance(TIMEOUT_MS);
    expect(count(await Promise.all(takes), "store-closed")).toBe(3);
    await using right = new Rig(server.port, { password: "right" });
    expect(await right.charged()).toBe(0);
  });

  test("the processes of a fleet, each by its own share, stay within the limit", async () => {
    const port = await freePort();
    const outcomes: Outcome[] = [];
    for (let process = 0; process < 4; process++) {
      await using rig = new Rig(port, { policy: { localShare: 0.25 } });
      const rule = slidingWindowLog({ limit: 10, windowMs: 60_000 });
      const limiter = new RedisRateLimiter(rule, {
        store: rig.store,
        onStoreFailure: { localShare: 0.25 },
        clock: rig.clock,
      });
      for (let i = 0; i < 10; i++) outcomes.push((await limiter.take("ann")).outcome);
    }
    expect(count(outcomes, "store-local-allowed")).toBe(8);
    expect(count(outcomes, "store-local-denied")).toBe(32);
  });
});
