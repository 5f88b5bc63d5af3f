// What every HTTP edge must do, whatever framework it is for: one suite, run on each of them, on real
// servers, with limiters whose time stands still until it is moved.
import { connect } from "node:net";
import {
  concurrencyLimit,
  type Decision,
  fixedWindow,
  gcra,
  leakyBucketQueue,
  RateLimiter,
  type Rule,
  tokenBucket,
} from "@compendium/rate-limiter";
import type { Limiter, Refusal } from "@compendium/rate-limiter/http";
import { ManualClock } from "@compendium/runtime";
import { parseList } from "structured-headers";
import { afterEach, describe, expect, test } from "vitest";
import { gate, type TestServer, until } from "./servers.ts";

/** What a handler can see and do, in every framework. */
export interface TestExchange {
  /** A request header. */
  header(name: string): string | undefined;
}

/** Answers "/"; `{ status }` for other than 200. */
export type TestHandler = (exchange: TestExchange) => TestAnswer | Promise<TestAnswer>;
type TestAnswer = string | { status: number };

/** Options that the suite sets; requests are seen through {@link TestExchange}. */
export interface TestOptions {
  key?: (exchange: TestExchange) => string | undefined;
  cost?: number | ((exchange: TestExchange) => number);
  skip?: (exchange: TestExchange) => boolean;
  rules?: (exchange: TestExchange) => Rule | readonly Rule[] | undefined;
  refundIf?: (status: number) => boolean;
  refuse?: (refusal: Refusal) => Refusal;
  onDecision?: (decision: Decision) => void;
  onError?: (error: unknown) => boolean;
  delayMsMax?: number;
  waitingMax?: number;
  standardFields?: boolean;
  legacyFields?: boolean;
  clock?: ManualClock;
}

/** Starts a server of some framework, with a handler behind limits, outermost first. */
export type MakeServer = (
  limits: readonly (readonly [limiter: Limiter, options: TestOptions])[],
  handler: TestHandler,
) => Promise<TestServer>;

/** The suite's options, for a framework's own requests. */
export function optionsFor<R>(options: TestOptions, seen: (request: R) => TestExchange) {
  const { key, cost, skip, rules, ...others } = options;
  return {
    ...others,
    ...(key && { key: (request: R) => key(seen(request)) }),
    ...(cost !== undefined && {
      cost: typeof cost === "function" ? (request: R) => cost(seen(request)) : cost,
    }),
    ...(skip && { skip: (request: R) => skip(seen(request)) }),
    ...(rules && { rules: (request: R) => rules(seen(request)) }),
  };
}

class Rig {
  readonly clock = new ManualClock({ nowMs: 5_000 });
  readonly #make: MakeServer;
  readonly #fetched: Response[] = [];
  #server: TestServer | undefined;

  constructor(make: MakeServer) {
    this.#make = make;
  }

  get url(): string {
    return this.#server?.url ?? "";
  }

  limiter(rules: Rule | readonly Rule[], options = {}): RateLimiter {
    return new RateLimiter(rules, { clock: this.clock, ...options });
  }

  async start(
    limiter: Limiter | readonly (readonly [Limiter, TestOptions])[],
    options: TestOptions = {},
    handler: TestHandler = () => "fine",
  ): Promise<void> {
    const limits = Array.isArray(limiter) ? limiter : [[limiter, options]];
    this.#server = await this.#make(
      limits.map(([limiter, options]) => [limiter, { clock: this.clock, ...options }]),
      handler,
    );
  }

  async get(headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(this.url, { headers: { connection: "close", ...headers } });
    this.#fetched.push(response);
    return response;
  }

  async statuses(count: number, headers: Record<string, string> = {}): Promise<number[]> {
    const statuses: number[] = [];
    for (let i = 0; i < count; i++) statuses.push((await this.get(headers)).status);
    return statuses;
  }

  /** A client that can hang up. */
  socket() {
    const socket = connect(Number(new URL(this.url).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    return socket;
  }

  // Hangs, and so fails, if a socket is left.
  async stop(): Promise<void> {
    await Promise.all(this.#fetched.splice(0).map((each) => each.bodyUsed || each.arrayBuffer()));
    await this.#server?.drained();
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }
}

/** Runs the contract on one edge. */
export function describeServerEdge(name: string, make: MakeServer): void {
  describe(name, () => {
    const rig = new Rig(make);
    afterEach(() => rig.stop());
    describeDecisions(rig);
    describeFields(rig);
    describeKeys(rig);
    describeChoices(rig);
    describeMistakes(rig);
    describeTurns(rig);
    describeEnds(rig);
    describeRefunds(rig);
  });
}

const byUser = (exchange: TestExchange) => exchange.header("x-user");

function describeDecisions(rig: Rig): void {
  test("lets through up to the limit; then 429 with Retry-After, until it has passed", async () => {
    await rig.start(rig.limiter(fixedWindow({ limit: 2, windowMs: 9_001 })));
    expect(await rig.statuses(2)).toEqual([200, 200]);
    const refused = await rig.get();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "10"]);
    rig.clock.advance(9_000);
    expect((await rig.get()).headers.get("retry-after")).toBe("1");
    rig.clock.advance(1);
    expect((await rig.get()).status).toBe(200);
  });

  test("§5.1: a refusal is a problem of the type quota-exceeded, naming the policy", async () => {
    await rig.start(rig.limiter(gcra({ limit: 1, windowMs: 1_000, name: "per-second" })));
    await rig.get();
    const response = await rig.get();
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toEqual({
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      title: "Quota Exceeded",
      status: 429,
      "violated-policies": ["per-second"],
    });
  });

  test("a request that never fits is 429 without Retry-After", async () => {
    await rig.start(rig.limiter(tokenBucket({ limit: 5, windowMs: 1_000 })), { cost: 6 });
    const response = await rig.get();
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, null]);
    expect(response.headers.get("ratelimit")).toBe('"token-bucket";r=5');
  });

  test("§5.2: no room for another key is a 503 of the server's own", async () => {
    const limiter = rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 }), { keysMax: 1 });
    await rig.start(limiter, { key: byUser });
    await rig.get({ "x-user": "ada" });
    const response = await rig.get({ "x-user": "bob" });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(response.headers.get("ratelimit")).toBe(null);
    expect(((await response.json()) as { type: string }).type).toMatch(
      /#temporary-reduced-capacity$/,
    );
  });

  test("a limiter that answers later is waited for", async () => {
    const limiter = rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    await rig.start(distant(limiter));
    expect(await rig.statuses(2)).toEqual([200, 429]);
  });

  test("onDecision is told of every decision", async () => {
    const told: string[] = [];
    await rig.start(rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 })), {
      onDecision: ({ outcome }) => told.push(outcome),
    });
    await rig.statuses(2);
    expect(told).toEqual(["allowed", "denied"]);
  });
}

function describeFields(rig: Rig): void {
  test("§3, §4: answers carry the policies, and what is left of the one that binds", async () => {
    const rules = [
      fixedWindow({ limit: 2, windowMs: 10_000, name: "burst" }),
      fixedWindow({ limit: 1_000, windowMs: 86_400_000, name: "daily" }),
    ];
    await rig.start(rig.limiter(rules));
    const { headers } = await rig.get();
    expect(headers.get("ratelimit-policy")).toBe('"burst";q=2;w=10, "daily";q=1000;w=86400');
    expect(headers.get("ratelimit")).toBe('"burst";r=1;t=10');
    await rig.get();
    const refused = await rig.get();
    expect(refused.headers.get("ratelimit")).toBe('"burst";r=0;t=10');
    expect(refused.headers.get("ratelimit-policy")).toContain("daily");
  });

  test("two limits on one answer are two members of one list", async () => {
    await rig.start([
      [rig.limiter(fixedWindow({ limit: 9, windowMs: 1_000, name: "site" })), {}],
      [rig.limiter(fixedWindow({ limit: 1, windowMs: 1_000, name: "route" })), {}],
    ]);
    const names = (response: Response) =>
      parseList(response.headers.get("ratelimit") ?? "").map(([name]) => name);
    expect(names(await rig.get()).toSorted()).toEqual(["route", "site"]);
    const refused = await rig.get();
    expect([refused.status, names(refused).toSorted()]).toEqual([429, ["route", "site"]]);
  });

  test("fields of choice: none, or the old ones", async () => {
    await rig.start(rig.limiter(fixedWindow({ limit: 3, windowMs: 7_000 })), {
      standardFields: false,
      legacyFields: true,
    });
    const { headers } = await rig.get();
    const old = ["limit", "remaining", "reset"].map((it) => headers.get(`x-ratelimit-${it}`));
    expect(old).toEqual(["3", "2", "7"]);
    expect([headers.get("ratelimit"), headers.get("ratelimit-policy")]).toEqual([null, null]);
  });
}

function describeKeys(rig: Rig): void {
  test("keys have limits of their own; those without a key share one", async () => {
    await rig.start(rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 })), { key: byUser });
    expect(await rig.statuses(2, { "x-user": "ada" })).toEqual([200, 429]);
    expect(await rig.statuses(2, { "x-user": "bob" })).toEqual([200, 429]);
    expect(await rig.statuses(2)).toEqual([200, 429]);
  });

  test("without an option the key is the client's address", async () => {
    const keys: unknown[] = [];
    const limiter = rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    await rig.start({
      name: "seen",
      rules: limiter.rules,
      take: (key, cost) => {
        keys.push(key);
        return limiter.take(key, cost);
      },
    });
    await rig.get();
    expect(keys).toEqual(["127.0.0.1"]);
  });

  test.each([
    ["empty", ""],
    ["too long", "k".repeat(1_025)],
  ])("a key from a header that is %s is 400, and counts for nobody", async (_, key) => {
    const limiter = rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    await rig.start(limiter, { key: (exchange) => exchange.header("x-key") ?? "" });
    const response = await rig.get({ "x-key": key });
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(limiter.stats().keys).toBe(0);
  });

  test("a key with half of a surrogate pair is 400", async () => {
    const limiter = rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    await rig.start(limiter, { key: () => "half \ud800" });
    expect((await rig.get()).status).toBe(400);
  });
}

function describeChoices(rig: Rig): void {
  test("cost by request; a cost of 0 passes unasked", async () => {
    await rig.start(rig.limiter(fixedWindow({ limit: 5, windowMs: 60_000 })), {
      cost: (exchange) => Number(exchange.header("x-cost")),
    });
    const first = await rig.get({ "x-cost": "4" });
    expect(first.headers.get("ratelimit")).toContain(";r=1;");
    expect((await rig.get({ "x-cost": "2" })).status).toBe(429);
    const free = await rig.get({ "x-cost": "0" });
    expect([free.status, free.headers.get("ratelimit")]).toEqual([200, null]);
  });

  test("what is skipped is neither charged nor marked", async () => {
    const limiter = rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    await rig.start(limiter, { skip: (exchange) => exchange.header("x-probe") === "1" });
    const skipped = await rig.get({ "x-probe": "1" });
    expect([skipped.status, skipped.headers.get("ratelimit-policy")]).toEqual([200, null]);
    expect(await rig.statuses(2)).toEqual([200, 429]);
  });

  test("rules of a customer's own", async () => {
    const small = fixedWindow({ limit: 1, windowMs: 60_000, name: "small" });
    const large = fixedWindow({ limit: 9, windowMs: 60_000, name: "large" });
    await rig.start(rig.limiter(small), {
      key: byUser,
      rules: (exchange) => (exchange.header("x-user") === "ada" ? large : undefined),
    });
    expect(await rig.statuses(2, { "x-user": "bob" })).toEqual([200, 429]);
    expect(await rig.statuses(2, { "x-user": "ada" })).toEqual([200, 200]);
    const { headers } = await rig.get({ "x-user": "ada" });
    expect(headers.get("ratelimit-policy")).toBe('"large";q=9;w=60');
    expect(headers.get("ratelimit")).toContain('"large";r=6');
  });

  test("another answer in the place of a refusal", async () => {
    await rig.start(rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 })), {
      refuse: ({ headers, decision }) => ({
        status: 503,
        headers: { ...headers, "content-type": "text/plain" },
        body: `come back in ${decision?.retryAfterMs} ms`,
        decision,
      }),
    });
    await rig.get();
    const response = await rig.get();
    expect([response.status, await response.text()]).toEqual([503, "come back in 60000 ms"]);
    expect(response.headers.get("content-type")).toBe("text/plain");
    expect(response.headers.get("retry-after")).toBe("60");
  });
}

function describeMistakes(rig: Rig): void {
  const broken = () => {
    throw new Error("password is hunter2");
  };

  test("what a function of yours throws is a 500, and nobody is let through", async () => {
    let handled = 0;
    await rig.start(rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 })), { key: broken }, () =>
      String(handled++),
    );
    const response = await rig.get();
    expect([response.status, handled]).toEqual([500, 0]);
  });

  test("a limiter that throws or rejects is told to onError, which may let through", async () => {
    const told: unknown[] = [];
    const limiter = rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    let isDistant = false;
    const options = {
      onError: (error: unknown) => {
        told.push((error as Error).message);
        return isDistant;
      },
    };
    const take = () => (isDistant ? Promise.reject(new Error("far")) : broken());
    await rig.start({ name: "broken", rules: limiter.rules, take }, options);
    expect((await rig.get()).status).toBe(500);
    isDistant = true;
    expect((await rig.get()).status).toBe(200);
    expect(told).toEqual(["password is hunter2", "far"]);
  });

  test("what is no limiter, and options out of range, are refused at once", async () => {
    const limiter = rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    const starting = (limiter: unknown, options: TestOptions = {}) =>
      expect(async () => await rig.start(limiter as Limiter, options)).rejects;
    await starting({}).toThrow('limiter must have a method "take", got [object Object]');
    await starting(limiter, { cost: 1.5 }).toThrow(/cost must be a whole number from 0 to/);
    await starting(limiter, { delayMsMax: -1 }).toThrow(/delayMsMax must be a whole number/);
    await starting(limiter, { waitingMax: NaN }).toThrow(/waitingMax must be a whole number/);
  });
}

function describeTurns(rig: Rig): void {
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

  test("no more than waitingMax wait; the others are refused", async () => {
    await rig.start(queued(), { waitingMax: 1 });
    await rig.get();
    const second = rig.get();
    await until(() => rig.clock.pendingTimers === 1);
    expect((await rig.get()).status).toBe(429);
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

function describeEnds(rig: Rig): void {
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
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    open();
    await until(() => limiter.stats().decisions.allowed === 1);
    await until(() => limiter.peek("127.0.0.1").allowed);
    expect((await rig.get()).status).toBe(200);
    expect(handled).toBe(1);
  });
}

function describeRefunds(rig: Rig): void {
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
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    open();
    await until(() => finished);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(limiter.peek("127.0.0.1").remaining).toBe(1);
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

function distant(limiter: RateLimiter): Limiter {
  return {
    name: limiter.name,
    rules: limiter.rules,
    take: async (key, cost) => limiter.take(key, cost),
    refund: async (key, cost) => limiter.refund(key, cost),
    release: async (key, lease) => limiter.release(key, lease),
  };
}
