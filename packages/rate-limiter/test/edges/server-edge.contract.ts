// What every HTTP edge must do, whatever framework it is for: one suite, run on each of them, on
// real servers. How requests wait and end is in server-edge-life.contract.ts.
import { fixedWindow, gcra, tokenBucket } from "@compendium/rate-limiter";
import type { Limiter } from "@compendium/rate-limiter/http";
import { parseList } from "structured-headers";
import { afterEach, describe, expect, test } from "vitest";
import { byUser, distant, type MakeServer, Rig, type TestOptions } from "./edge-rig.ts";
import { describeEnds, describeRefunds, describeTurns } from "./server-edge-life.contract.ts";

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
    expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
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
    expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
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

  test("what `refuse` throws is a 500", async () => {
    const limiter = rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    await rig.start(limiter, { refuse: broken });
    expect(await rig.statuses(2)).toEqual([200, 500]);
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

  test("what onDecision throws is told to onError, and changes nothing", async () => {
    const told: unknown[] = [];
    const onError = (error: unknown) => told.push((error as Error).message) > 0;
    const limiter = rig.limiter(fixedWindow({ limit: 1, windowMs: 60_000 }));
    await rig.start(limiter, { onDecision: broken, onError });
    expect(await rig.statuses(2)).toEqual([200, 429]);
    expect(told.length).toBe(2);
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
