// What every limiter promises, wherever it keeps its numbers. `describeLimiter` runs the same
// sentences on each of them; all answers are awaited, and time passes when the rig says so.
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { Decision, Reservation } from "../src/decision.ts";
import * as rules from "../src/index.ts";
import type { TakeOptions } from "../src/options.ts";
import type { Rule } from "../src/rule.ts";
import { describeBadInput } from "./contract-bad-input.ts";

type Awaitable<T> = T | PromiseLike<T>;

/** The verbs of a limiter, synchronous or not. */
export interface Limiter {
  readonly name: string;
  readonly rules: readonly Rule[];
  take(key?: string, cost?: number, options?: TakeOptions): Awaitable<Decision>;
  peek(key?: string, cost?: number, options?: Pick<TakeOptions, "rules">): Awaitable<Decision>;
  reserve(key?: string, cost?: number, waitMsMax?: number): Awaitable<Reservation>;
  refund(key?: string, cost?: number): Awaitable<void>;
  release(key: string | undefined, lease: number): Awaitable<boolean>;
  reset(key?: string): Awaitable<void>;
  setRules(rules: Rule | readonly Rule[]): void;
}

/** A place where limiters live. */
export interface Rig {
  /** A limiter that shares nothing with those made before. */
  limiter(rules: Rule | readonly Rule[]): Awaitable<Limiter>;
  /** Takes from several limiters, or from none. */
  takeTogether(
    parts: readonly { limiter: Limiter; key?: string; cost?: number }[],
  ): Awaitable<Decision>;
  /** Lets whole ms pass. */
  advance(ms: number): Awaitable<void>;
  close?(): Awaitable<void>;
}

const LIMIT = 6;
const WINDOW_MS = 1_200;

/** Each algorithm with a capacity of 6. */
const algorithms: readonly Rule[] = [
  rules.tokenBucket({ limit: LIMIT, windowMs: WINDOW_MS, reserveMsMax: WINDOW_MS }),
  rules.gcra({ limit: LIMIT, windowMs: WINDOW_MS, reserveMsMax: WINDOW_MS }),
  rules.fixedWindow({ limit: LIMIT, windowMs: WINDOW_MS, reserveMsMax: WINDOW_MS }),
  rules.slidingWindowLog({ limit: LIMIT, windowMs: WINDOW_MS, reserveMsMax: WINDOW_MS }),
  rules.slidingWindowCounter({ limit: LIMIT, windowMs: WINDOW_MS, reserveMsMax: WINDOW_MS }),
  rules.conservativeSlidingCounter({ limit: LIMIT, windowMs: WINDOW_MS, reserveMsMax: WINDOW_MS }),
  rules.leakyBucketQueue({ limit: LIMIT, windowMs: WINDOW_MS, queue: LIMIT - 1 }),
  rules.concurrencyLimit({ limit: LIMIT, leaseMs: WINDOW_MS }),
];

/** Runs the contract on limiters that `make` makes a place for. */
export function describeLimiter(name: string, make: () => Awaitable<Rig>): void {
  describe(name, () => {
    let rig: Rig | undefined;
    const open = async () => {
      rig ??= await make();
      return rig;
    };
    afterAll(async () => rig?.close?.());
    for (const rule of algorithms) describeAlgorithm(rule, open);
    describeReservations(open);
    describeTogether(open);
    describeChoices(open);
    describeBadInput(async (rule) => (await open()).limiter(rule));
  });
}

function describeAlgorithm(rule: Rule, open: () => Promise<Rig>): void {
  describe(rule.algorithm, () => {
    let rig: Rig;
    let limiter: Limiter;
    beforeEach(async () => {
      rig = await open();
      limiter = await rig.limiter(rule);
    });

    test("holds what it holds: all at once, or one by one, and no more", async () => {
      expect(await limiter.take("whole", LIMIT)).toMatchObject({ allowed: true, remaining: 0 });
      for (let left = LIMIT - 1; left >= 0; left--) {
        expect(await limiter.take("single")).toMatchObject({ allowed: true, remaining: left });
      }
      for (const key of ["whole", "single"]) {
        const decision = await limiter.take(key);
        expect(decision).toMatchObject({ allowed: false, outcome: "denied", remaining: 0 });
        expect(decision.rule).toBe(rule);
      }
    });

    test("retryAfterMs is enough, and one ms less is not", async () => {
      for (const cost of [1, 4, LIMIT]) {
        await limiter.take("a", LIMIT);
        const { retryAfterMs } = await limiter.take("a", cost);
        expect(retryAfterMs).toBeGreaterThan(0);
        await rig.advance(retryAfterMs - 1);
        expect((await limiter.peek("a", cost)).allowed).toBe(false);
        await rig.advance(1);
        expect((await limiter.take("a", cost)).allowed).toBe(true);
        await limiter.reset("a");
      }
    });

    test("after resetMs a key is as if it had never been seen, and one ms before it is not", async () => {
      for (const cost of [1, LIMIT]) {
        const { resetMs } = await limiter.take("a", cost);
        await rig.advance(resetMs - 1);
        expect(await limiter.peek("a")).not.toEqual(await limiter.peek("new"));
        await rig.advance(1);
        expect(await limiter.peek("a")).toEqual(await limiter.peek("new"));
      }
    });

    test("takes nothing when it denies, and nothing when it peeks", async () => {
      await limiter.take("a", 4);
      for (let i = 0; i < 3; i++) {
        expect(await limiter.take("a", 3)).toMatchObject({ allowed: false, remaining: 2 });
        expect(await limiter.peek("a", 2)).toMatchObject({ allowed: true, remaining: 2 });
      }
      expect(await limiter.take("a", 2)).toMatchObject({ allowed: true, remaining: 0 });
    });

    test("waiting never helps what costs more than it holds", async () => {
      const decision = await limiter.take("a", LIMIT + 1);
      expect(decision).toMatchObject({
        allowed: false,
        outcome: "too-costly",
        retryAfterMs: Infinity,
        remaining: LIMIT,
      });
    });

    const takesBack = !["leaky-bucket-queue", "concurrency-limit"].includes(rule.algorithm);
    test("gives back what is refunded, and never more than was taken", async () => {
      await limiter.take("a", 5);
      await limiter.refund("a", 2);
      // A turn that nobody uses passes, and a place ends with its lease.
      expect((await limiter.peek("a")).remaining).toBe(takesBack ? 3 : 1);
      await limiter.refund("a", 100);
      expect((await limiter.peek("a")).remaining).toBe(takesBack ? LIMIT : 1);
      await limiter.refund("never seen", 100);
      expect((await limiter.peek("never seen")).remaining).toBe(LIMIT);
    });

    test("keeps keys apart, and the limit of all from all of them", async () => {
      await limiter.take("a", LIMIT);
      await limiter.take(undefined, 2);
      expect((await limiter.take("b", LIMIT)).allowed).toBe(true);
      expect((await limiter.peek("undefined")).remaining).toBe(LIMIT);
      expect((await limiter.peek()).remaining).toBe(4);
      await limiter.reset("a");
      expect((await limiter.peek("a")).remaining).toBe(LIMIT);
      expect((await limiter.peek("b")).remaining).toBe(0);
    });

    test("charges a request once that comes again with its idempotency key", async () => {
      const idempotencyKey = "f81d4fae";
      const first = await limiter.take("a", 4, { idempotencyKey });
      expect(await limiter.take("a", 4, { idempotencyKey })).toEqual(first);
      expect((await limiter.peek("a")).remaining).toBe(2);
      // Another's, and one that was denied before.
      expect((await limiter.take("b", 4, { idempotencyKey })).allowed).toBe(true);
      expect((await limiter.peek("b")).remaining).toBe(2);
      expect((await limiter.take("a", 3, { idempotencyKey: "denied" })).allowed).toBe(false);
      await limiter.reset("a");
      expect((await limiter.take("a", 3, { idempotencyKey: "denied" })).allowed).toBe(true);
    });
  });
}

function describeReservations(open: () => Promise<Rig>): void {
  describe("reserve", () => {
    for (const rule of algorithms.filter(({ reserveMsMax }) => reserveMsMax > 0)) {
      test(`${rule.algorithm}: takes now what may go later, as soon as it fits`, async () => {
        const rig = await open();
        const limiter = await rig.limiter(rule);
        await limiter.take("a", LIMIT);
        const first = (await limiter.peek("a", 2)).retryAfterMs;
        // Near enough to be reserved.
        await rig.advance(Math.max(1, first - WINDOW_MS + 200));
        const { retryAfterMs } = await limiter.peek("a", 2);
        const refused = await limiter.reserve("a", 2, retryAfterMs - 1);
        expect(refused).toEqual({ allowed: false, retryAfterMs: 1 });
        await rig.advance(1);
        const reservation = await limiter.reserve("a", 2, retryAfterMs - 1);
        expect(reservation.allowed).toBe(true);
        if (!reservation.allowed) return;
        expect(Math.ceil(reservation.waitMs)).toBe(retryAfterMs - 1);
        // Others stand in line behind it, until it is given back: once.
        expect((await limiter.peek("a", 2)).retryAfterMs).toBeGreaterThanOrEqual(retryAfterMs - 1);
        await rig.advance(Math.ceil(reservation.waitMs));
        expect((await limiter.peek("a", 6)).allowed).toBe(false);
      });
    }

    test("a place is given back once, though it is cancelled twice", async () => {
      const rig = await open();
      const limiter = await rig.limiter(rules.tokenBucket({ limit: 5, windowMs: 1_000 }));
      await limiter.take("a", 2);
      const reservation = await limiter.reserve("a", 1);
      if (!reservation.allowed) throw new Error("must be granted");
      expect(reservation.waitMs).toBe(0);
      await reservation.cancel();
      await reservation.cancel();
      expect((await limiter.peek("a")).remaining).toBe(3);
    });

    test("a leaky bucket's queue tells its turns, one interval apart", async () => {
      const rig = await open();
      const limiter = await rig.limiter(rules.leakyBucketQueue({ limit: 10, windowMs: 1_000 }));
      const turns = [];
      for (let i = 0; i < 4; i++) turns.push((await limiter.take("a")).delayMs);
      expect(turns).toEqual([0, 100, 200, 300]);
      expect(await limiter.reserve("a", 1, 350)).toEqual({ allowed: false, retryAfterMs: 50 });
      await rig.advance(50);
      expect(await limiter.reserve("a", 1, 350)).toMatchObject({ allowed: true, waitMs: 350 });
    });
  });
}

function describeTogether(open: () => Promise<Rig>): void {
  describe("decided together", () => {
    const perSecond = rules.tokenBucket({ name: "second", limit: 3, windowMs: 1_000 });
    const perMinute = rules.slidingWindowLog({ name: "minute", limit: 4, windowMs: 60_000 });

    test("several rules are charged only if all allow", async () => {
      const rig = await open();
      const limiter = await rig.limiter([perSecond, perMinute]);
      expect(await limiter.take("a", 3)).toMatchObject({ allowed: true, remaining: 0 });
      const decision = await limiter.take("a", 2);
      expect(decision).toMatchObject({ allowed: false, retryAfterMs: 60_000 });
      expect(decision.rule).toBe(perMinute);
      await rig.advance(1_000);
      // Had the bucket been charged by the refusal, two of its tokens would be missing.
      expect(await limiter.take("a", 1)).toMatchObject({ allowed: true, remaining: 0 });
      await rig.advance(59_000);
      expect(await limiter.take("a", 3)).toMatchObject({ allowed: true });
    });

    test("several limiters are charged only if all allow", async () => {
      const rig = await open();
      const users = await rig.limiter(perSecond);
      const service = await rig.limiter(perMinute);
      const ask = (user: string, cost: number) =>
        rig.takeTogether([
          { limiter: users, key: user, cost },
          { limiter: service, cost },
        ]);
      expect(await ask("a", 3)).toMatchObject({ allowed: true, remaining: 0 });
      expect(await ask("b", 2)).toMatchObject({ allowed: false, remaining: 1 });
      expect((await users.peek("b")).remaining).toBe(3);
      expect(await ask("a", 1)).toMatchObject({ allowed: false });
      expect((await service.peek()).remaining).toBe(1);
      expect(await ask("b", 1)).toMatchObject({ allowed: true, remaining: 0 });
    });
  });
}

function describeChoices(open: () => Promise<Rig>): void {
  describe("limits that change", () => {
    const small = rules.gcra({ limit: 4, windowMs: 1_000 });
    const large = rules.gcra({ limit: 10, windowMs: 1_000 });

    test("what has been taken stays taken under other rules", async () => {
      const limiter = await (await open()).limiter(large);
      await limiter.take("a", 3);
      limiter.setRules(small);
      expect(limiter.rules).toEqual([small]);
      expect((await limiter.peek("a")).remaining).toBe(1);
      limiter.setRules(large);
      expect((await limiter.peek("a")).remaining).toBe(7);
    });

    test("a request may bring the rules of its key along", async () => {
      const limiter = await (await open()).limiter(small);
      const decision = await limiter.take("paying", 8, { rules: large });
      expect(decision).toMatchObject({ allowed: true, remaining: 2 });
      expect(decision.rule).toBe(large);
      expect((await limiter.take("free", 8)).outcome).toBe("too-costly");
    });

    test("a place in flight is held until it is released, or its lease has run out", async () => {
      const rig = await open();
      const limiter = await rig.limiter(rules.concurrencyLimit({ limit: 2, leaseMs: 1_000 }));
      const { lease: first } = await limiter.take("a");
      const { lease: second } = await limiter.take("a");
      expect((await limiter.take("a")).allowed).toBe(false);
      expect(await limiter.release("a", first)).toBe(true);
      expect(await limiter.release("a", first)).toBe(false);
      expect(await limiter.release("b", second)).toBe(false);
      expect((await limiter.peek("a")).remaining).toBe(1);
      await rig.advance(1_000);
      expect(await limiter.release("a", second)).toBe(false);
      expect((await limiter.peek("a")).remaining).toBe(2);
    });
  });
}
