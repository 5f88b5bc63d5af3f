// The life of a request at every HTTP edge: it waits for its turn, it ends, its client goes away.
import { concurrencyLimit, fixedWindow, leakyBucketQueue } from "@compendium/rate-limiter";
import type { Limiter } from "@compendium/rate-limiter/http";
import { expect, test } from "vitest";
import { byUser, distant, type Rig } from "./edge-rig.ts";
import { gate, turns, until } from "./servers.ts";

/** Waiting for a turn. */
export function describeTurns(rig: Rig): void {
  const queued = (options = {}) =>
    rig.limiter(leakyBucketQueue({ limit: 1, windowMs: 1_000, queue: 3, ...options }));

  test("a request in a queue waits for its turn, and not a millisecond longer", async () => {
    let handled = 0;
    await rig.start(queued(), {}, () => String(++handled));
    await rig.get();
    const second = rig.get();
    await until(() => rig.clock.pendingTimers === 1);
    await rig.clock.advanceAsync(999);
    expect(handled).toBe(1);
    await rig.clock.advanceAsync(1);
    expect([(await second).status, handled]).toEqual([200, 2]);
  });

  test("a turn further away than delayMsMax is refused, and given back", async () => {
    await rig.start(queued(), { delayMsMax: 1_500 });
    await rig.get();
    const second = rig.get();
    await until(() => rig.clock.pendingTimers === 1);
    for (let i = 0; i < 5; i++) {
      const refused = await rig.get();
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    }
    // Half a second later the next turn is near enough, as told: 2,000 - 500 = 1,500.
    await rig.clock.advanceAsync(500);
    const third = rig.get();
    await until(() => rig.clock.pendingTimers === 2);
    await rig.clock.advanceAsync(1_500);
    expect([(await second).status, (await third).status]).toEqual([200, 200]);
  });

  test("no more than waitingMax wait; the others are refused, and lose their turn", async () => {
    const limiter = queued();
    await rig.start(limiter, { waitingMax: 1 });
    await rig.get();
    const second = rig.get();
    await until(() => rig.clock.pendingTimers === 1);
    expect((await rig.get()).status).toBe(429);
    // Given back, it would be given to the next, who would go with somebody that waits.
    expect(limiter.peek("127.0.0.1").delayMs).toBe(3_000);
    await rig.clock.advanceAsync(3_000);
    expect((await second).status).toBe(200);
    const third = rig.get();
    expect((await third).status).toBe(200);
  });

  test("a client that goes away while it waits is never handled, and leaves no timer", async () => {
    let handled = 0;
    await rig.start(queued(), { waitingMax: 1 }, () => String(++handled));
    await rig.get();
    const socket = rig.socket();
    await until(() => rig.clock.pendingTimers === 1);
    socket.resetAndDestroy();
    await until(() => rig.clock.pendingTimers === 0);
    // Its place is free for another, its turn is not.
    const next = rig.get();
    await until(() => rig.clock.pendingTimers === 1);
    await rig.clock.advanceAsync(1_999);
    expect(handled).toBe(1);
    await rig.clock.advanceAsync(1);
    expect([(await next).status, handled]).toEqual([200, 2]);
  });
}

/** The end of a request, and its place. */
export function describeEnds(rig: Rig): void {
  const places = (limit = 1) => rig.limiter(concurrencyLimit({ limit, leaseMs: 3_600_000 }));

  test("a place is free again when the answer has been sent, whatever it was", async () => {
    await rig.start(places(), {}, ({ header }) => ({ status: Number(header("x-status")) }));
    for (const status of [200, 404, 500]) {
      expect((await rig.get({ "x-status": String(status) })).status).toBe(status);
    }
  });

  test("in flight, others are refused for a second: places come free, leases are long", async () => {
    const limiter = places();
    const { opened, open } = gate();
    await rig.start(limiter, {}, async () => {
      await opened;
      return "done";
    });
    const first = rig.get();
    await until(() => limiter.peek("127.0.0.1").allowed === false);
    const refused = await rig.get();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(refused.headers.get("ratelimit-policy")).toBe(
      '"concurrency-limit";q=1;qu="concurrent-requests"',
    );
    expect(refused.headers.get("ratelimit")).toBe('"concurrency-limit";r=0');
    open();
    await first;
    await until(() => limiter.peek("127.0.0.1").allowed);
  });

  test("a client that goes away frees its place, exactly once", async () => {
    const limiter = places(2);
    const released: boolean[] = [];
    const watched: Limiter = {
      name: "watched",
      rules: limiter.rules,
      take: (key, cost) => limiter.take(key, cost),
      release: (key, lease) => released.push(limiter.release(key, lease)),
    };
    const { opened: running, open: run } = gate();
    const { opened, open } = gate();
    await rig.start(watched, {}, async () => {
      run();
      await opened;
      return "nobody hears this";
    });
    const socket = rig.socket();
    await running;
    socket.destroy();
    await until(() => released.length > 0);
    open();
    await (await rig.get()).text();
    await until(() => released.length === 2);
    expect(released).toEqual([true, true]);
    expect(limiter.peek("127.0.0.1").remaining).toBe(2);
  });

  test("a client that goes away before a distant limiter answers is not handled", async () => {
    const limiter = places();
    const { opened, open } = gate();
    let asked = 0;
    let handled = 0;
    const slow: Limiter = {
      ...distant(limiter),
      take: async (key, cost) => {
        asked++;
        await opened;
        return limiter.take(key, cost);
      },
    };
    await rig.start(slow, {}, () => String(++handled));
    const socket = rig.socket();
    await until(() => asked === 1);
    socket.resetAndDestroy();
    await new Promise((resolve) => socket.once("close", resolve));
    // The server hears of it when its loop has come round.
    await turns();
    open();
    await until(() => limiter.stats().decisions.allowed === 1);
    await until(() => limiter.peek("127.0.0.1").allowed);
    expect((await rig.get()).status).toBe(200);
    expect(handled).toBe(1);
  });
}

/** What is given back. */
export function describeRefunds(rig: Rig): void {
  test("refundIf: only failed sign-ins count", async () => {
    const limiter = rig.limiter(fixedWindow({ limit: 2, windowMs: 60_000 }));
    await rig.start(limiter, { key: byUser, refundIf: (status) => status < 400 }, ({ header }) => ({
      status: Number(header("x-status")),
    }));
    const signIn = (status: number) => rig.get({ "x-user": "ada", "x-status": String(status) });
    for (let i = 0; i < 5; i++) {
      expect((await signIn(200)).status).toBe(200);
      await until(() => limiter.peek("ada").remaining === 2);
    }
    for (const status of [401, 401, 429]) expect((await signIn(401)).status).toBe(status);
  });

  test("whoever hangs up before the answer gets nothing back", async () => {
    const limiter = rig.limiter(fixedWindow({ limit: 2, windowMs: 60_000 }));
    const { opened: running, open: run } = gate();
    const { opened, open } = gate();
    let finished = false;
    await rig.start(limiter, { refundIf: (status) => status < 400 }, async () => {
      run();
      await opened;
      finished = true;
      return "signed in";
    });
    const socket = rig.socket();
    await running;
    socket.resetAndDestroy();
    await turns();
    open();
    await until(() => finished);
    await turns();
    expect(limiter.peek("127.0.0.1").remaining).toBe(1);
  });

  test("what cannot be given back is told to onError, after the answer", async () => {
    const limiter = rig.limiter(fixedWindow({ limit: 2, windowMs: 60_000 }));
    const told: string[] = [];
    const onError = (error: unknown) => told.push((error as Error).message) > 0;
    const failures = [
      () => {
        throw new Error("here");
      },
      () => Promise.reject(new Error("far")),
    ];
    const failing = { ...distant(limiter), refund: () => failures.shift()?.() };
    await rig.start(failing, { refundIf: () => true, onError });
    expect(await rig.statuses(2)).toEqual([200, 200]);
    await until(() => told.length === 2);
    expect(told).toEqual(["here", "far"]);
  });

  test("refundIf is refused where nothing can be given back", async () => {
    const refundIf = () => true;
    const starting = (limiter: Limiter) =>
      expect(async () => await rig.start(limiter, { refundIf })).rejects;
    const queue = rig.limiter(leakyBucketQueue({ limit: 1, windowMs: 1_000 }));
    await starting(queue).toThrow("has a leaky-bucket-queue, which takes nothing back");
    const { name, rules } = queue;
    const take = () => queue.take();
    await starting({ name, rules, take }).toThrow('refundIf: rate-limiter has no "refund"');
  });
}
