// A cluster: what is decided together lies in one slot, whatever the key looks like; and while
// slots move from node to node, nothing is charged twice and nothing is lost.
import { setImmediate as turn } from "node:timers/promises";
import { requireOrSkip } from "@compendium/metrics/testing";
import { ManualClock } from "@compendium/runtime";
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Decision } from "../../src/decision.ts";
import { fixedWindow, gcra, slidingWindowLog } from "../../src/index.ts";
import { LimiterKeys } from "../../src/limiter-keys.ts";
import { RedisRateLimiter, RedisStore } from "../../src/redis.ts";
import { hashSlot } from "../../src/stores/hash-slot.ts";
import { describeLimiter } from "../contract.ts";
import { STRANGE_KEYS } from "../contract-bad-input.ts";
import { type LocalCluster, startCluster } from "./cluster.ts";
import { makeRedisRig } from "./contract-rig.ts";
import { redisServer } from "./server.ts";

let cluster: LocalCluster;

beforeAll(async () => {
  if (redisServer.present) cluster = await startCluster(3);
});

beforeEach((context) => requireOrSkip(context, redisServer));

afterAll(() => cluster?.[Symbol.asyncDispose]());

describeLimiter("RedisRateLimiter in a cluster", () => makeRedisRig(cluster.client()));

const hostileKey = fc.oneof(
  fc.constantFrom(
    ...STRANGE_KEYS,
    "{}",
    "{}{a}",
    "a{b}c{d}e",
    "{{a}}",
    "}",
    "%7B",
    "[a]",
    "*",
    "%2A",
  ),
  fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom(..."{}[]%*:/ab\n\0é🗝") }),
  fc.string({ minLength: 1, maxLength: 40, unit: "binary" }).filter((it) => it.isWellFormed()),
);

describe("slots", () => {
  test("hashSlot is CLUSTER KEYSLOT, for whatever a key may be", async () => {
    const rules = [fixedWindow({ limit: 1, windowMs: 1 }), gcra({ limit: 1, windowMs: 1 })];
    const [admin] = cluster.admins;
    await fc.assert(
      fc.asyncProperty(fc.array(hostileKey, { minLength: 20, maxLength: 40 }), async (keys) => {
        const names = new LimiterKeys("limit", "a", undefined);
        const stored = keys.flatMap((key) => {
          const tag = names.tagOf(key);
          const all = [...names.windowsOf(key, tag, rules), names.answerOf(key, tag, "{x}")];
          return all.map((name) => [name, hashSlot(tag)] as const);
        });
        const slots = await Promise.all(stored.map(([name]) => admin!.cluster("KEYSLOT", name)));
        expect(slots).toEqual(stored.map(([, slot]) => slot));
      }),
      { numRuns: 60 },
    );
  });

  test("hostile keys share no state, and none is lost", async () => {
    const rules = [
      fixedWindow({ limit: 1000, windowMs: 86_400_000 }),
      slidingWindowLog({ limit: 1000, windowMs: 86_400_000 }),
    ];
    await using store = new RedisStore(cluster.client(), { timeoutMs: 10_000 });
    const limiter = new RedisRateLimiter(rules, { store, name: "hostile" });
    const keys = new Set([...STRANGE_KEYS, ...fc.sample(hostileKey, { numRuns: 400, seed: 1 })]);
    const asked = [...keys].slice(0, 400);
    const takes = asked.map((key, i) =>
      limiter.take(key, i + 1, { idempotencyKey: [...key].slice(0, 9).join("") }),
    );
    expect((await Promise.all(takes)).every((it) => it.outcome === "allowed")).toBe(true);
    const left = await Promise.all(asked.map((key) => limiter.peek(key)));
    expect(left.map((it) => it.remaining)).toEqual(asked.map((_, i) => 1000 - (i + 1)));
    expect((await limiter.peek()).remaining).toBe(1000);
    expect(store.stats().failures.STORE_ERROR).toBe(0);
  });

  test("keys of different partitions are not decided together", async () => {
    await using store = new RedisStore(cluster.client(), { timeoutMs: 10_000 });
    const limiter = new RedisRateLimiter(gcra({ limit: 1, windowMs: 1000 }), { store });
    const other = new RedisRateLimiter(gcra({ limit: 1, windowMs: 1000 }), { store, name: "b" });
    const together = (key: string, otherKey?: string) =>
      RedisRateLimiter.takeTogether([
        { limiter, key },
        { limiter: other, ...(otherKey !== undefined && { key: otherKey }) },
      ]);
    await expect(together("ann", "bob")).rejects.toThrow(TypeError);
    await expect(together("ann")).rejects.toThrow(/must share a partition/);
    expect((await together("ann", "ann")).allowed).toBe(true);
  });
});

describe("a node that is stopped", () => {
  test("takes down its own keys and no others, and comes back", async () => {
    const clock = new ManualClock();
    await using store = new RedisStore(cluster.client(), { clock, timeoutMs: 100, callsMax: 20 });
    const limiter = new RedisRateLimiter(gcra({ limit: 1_000_000, windowMs: 1000 }), {
      store,
      name: "stopped",
      onStoreFailure: "closed",
      clock,
    });
    const users = Array.from({ length: 60 }, (_, i) => `user-${i}`);
    const owners = await Promise.all(users.map((user) => cluster.ownerOf(hashSlot(user))));
    const theirs = users.filter((_, i) => owners[i] === 0).slice(0, 15);
    const others = users.filter((_, i) => owners[i] !== 0);
    const take = async (user: string) => (await limiter.take(user)).outcome;
    // Connected to every node.
    for (const user of users) {
      await vi.waitFor(async () => expect(await take(user)).toBe("allowed"), { timeout: 10_000 });
    }
    cluster.nodes[0]!.process.kill("SIGSTOP");
    const waiting = theirs.map(take);
    for (const user of others) expect(await take(user)).toBe("allowed");
    clock.advance(100);
    for (const outcome of await Promise.all(waiting)) expect(outcome).toBe("store-closed");
    // Its keys are not asked for any more: no room is taken from the others.
    for (let i = 0; i < 100; i++) expect(await take(theirs[i % 15]!)).toBe("store-closed");
    for (const user of others) expect(await take(user)).toBe("allowed");
    expect(store.stats().callsUnanswered).toBe(15);
    cluster.nodes[0]!.process.kill("SIGCONT");
    for (const user of users) {
      await vi.waitFor(async () => expect(await take(user)).toBe("allowed"), { timeout: 10_000 });
    }
    expect(store.stats().callsUnanswered).toBe(0);
  });

  test("is connected to anew when it has been silent for long", async () => {
    const clock = new ManualClock();
    const client = cluster.client();
    await using store = new RedisStore(client, { clock, timeoutMs: 100 });
    const limiter = new RedisRateLimiter(gcra({ limit: 1_000_000, windowMs: 1000 }), {
      store,
      name: "silent",
      onStoreFailure: "closed",
      clock,
    });
    const take = async () => (await limiter.take("ann")).outcome;
    await vi.waitFor(async () => expect(await take()).toBe("allowed"), { timeout: 10_000 });
    const { process } = cluster.nodes[await cluster.ownerOf(hashSlot("ann"))]!;
    process.kill("SIGSTOP");
    const waiting = take();
    await turn();
    clock.advance(1001);
    expect(await waiting).toBe("store-closed");
    expect(await take()).toBe("store-closed");
    await vi.waitFor(() => expect(store.stats().callsUnanswered).toBe(0), { timeout: 10_000 });
    process.kill("SIGCONT");
    const asked = async () => {
      const outcome = take();
      for (let i = 0; i < 10; i++) await turn();
      clock.advance(100);
      expect(await outcome).toBe("allowed");
    };
    await vi.waitFor(asked, { timeout: 10_000 });
  });
});

describe("slots that move", () => {
  const LIMIT = 1_000_000;
  const daily = fixedWindow({ limit: LIMIT, windowMs: 86_400_000 });

  test("MOVED and ASK are followed under load: exactly what was allowed is charged", async () => {
    await using store = new RedisStore(cluster.client(), { timeoutMs: 10_000, batchMax: 4 });
    const limiter = new RedisRateLimiter(daily, {
      store,
      name: "moving",
      onStoreFailure: "closed",
    });
    const keys = ["ann", "bob", "eve"];
    const decisions: Promise<Decision>[] = [];
    let isMoving = true;
    const load = async () => {
      while (isMoving) {
        for (const key of keys) decisions.push(limiter.take(key));
        await turn();
        if (decisions.length % 300 === 0) await Promise.all(decisions);
      }
    };
    const loading = load();
    for (let round = 0; round < 3; round++) {
      for (const key of keys) await moveSlot(hashSlot(key));
    }
    isMoving = false;
    await loading;
    const outcomes = (await Promise.all(decisions)).map((it) => it.outcome);
    expect(new Set(outcomes)).toEqual(new Set(["allowed"]));
    const left = await Promise.all(keys.map((key) => limiter.peek(key)));
    const charged = left.reduce((sum, { remaining }) => sum + LIMIT - remaining, 0);
    expect(charged).toBe(outcomes.length);
    expect(await redirections("ASK")).toBeGreaterThan(0);
    expect(await redirections("MOVED")).toBeGreaterThan(0);
  });

  test("a node that has lost the script loads it again, and nothing is charged twice", async () => {
    await using store = new RedisStore(cluster.client(), { timeoutMs: 10_000, batchMax: 4 });
    const limiter = new RedisRateLimiter(daily, {
      store,
      name: "flushed",
    });
    for (let round = 0; round < 5; round++) {
      const takes = Array.from({ length: 60 }, (_, i) => limiter.take(`user-${i % 6}`));
      await cluster.admins[round % 3]!.script("FLUSH");
      for (const { outcome } of await Promise.all(takes)) expect(outcome).toBe("allowed");
    }
    for (let i = 0; i < 6; i++) {
      expect((await limiter.peek(`user-${i}`)).remaining).toBe(LIMIT - 50);
    }
    expect(store.stats().scriptLoads).toBeGreaterThan(3);
  });

  async function redirections(kind: "ASK" | "MOVED"): Promise<number> {
    const stats = await Promise.all(cluster.admins.map((admin) => admin.info("errorstats")));
    const counts = stats.map((it) => new RegExp(`errorstat_${kind}:count=(\\d+)`).exec(it)?.[1]);
    return counts.reduce((sum, it) => sum + Number(it ?? 0), 0);
  }

  // As redis-cli --cluster reshard does: both nodes are told, keys migrate, then all are told.
  async function moveSlot(slot: number): Promise<void> {
    const from = await cluster.ownerOf(slot);
    const to = (from + 1) % cluster.nodes.length;
    const ids = await Promise.all(cluster.admins.map((admin) => admin.cluster("MYID")));
    const [source, target] = [cluster.admins[from]!, cluster.admins[to]!];
    await target.call("CLUSTER", "SETSLOT", String(slot), "IMPORTING", String(ids[from]));
    await source.call("CLUSTER", "SETSLOT", String(slot), "MIGRATING", String(ids[to]));
    await turn();
    for (const key of await source.cluster("GETKEYSINSLOT", slot, 100)) {
      await source.migrate("127.0.0.1", cluster.nodes[to]!.port, key, 0, 5000);
    }
    for (let i = 0; i < 5; i++) await turn();
    for (const admin of [target, source, ...cluster.admins]) {
      await admin.call("CLUSTER", "SETSLOT", String(slot), "NODE", String(ids[to]));
    }
  }
});
