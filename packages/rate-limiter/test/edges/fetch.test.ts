// A limit around fetch: turns, the server's advice, aborts and bounds, in virtual time.
import {
  fixedWindow,
  leakyBucketQueue,
  RateLimiter,
  type Rule,
  tokenBucket,
} from "@compendium/rate-limiter";
import {
  type LimitedFetchOptions,
  limitedFetch,
  RateLimitedError,
} from "@compendium/rate-limiter/fetch";
import { limitedHandler } from "@compendium/rate-limiter/http";
import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TestServer, until } from "./servers.ts";

const URL_A = "https://a.example/x";

interface Sent {
  readonly url: string;
  readonly atMs: number;
}

// A server in this process: it notes what comes when, and answers as told.
function setup(rule: Rule, options: LimitedFetchOptions = {}) {
  const clock = new ManualClock({ nowMs: 5_000 });
  const limiter = new RateLimiter(rule, { clock });
  const sent: Sent[] = [];
  const answers: Response[] = [];
  const fetch = async (input: string | URL | Request) => {
    const url = typeof input === "object" && "url" in input ? input.url : String(input);
    sent.push({ url, atMs: clock.now() - 5_000 });
    return answers.shift() ?? new Response("fine");
  };
  const send = limitedFetch(limiter, { fetch, clock, ...options });
  const times = () => sent.map(({ atMs }) => atMs);
  return { clock, limiter, sent, times, answers, send };
}

const says = (status: number, headers: Record<string, string>) =>
  new Response(null, { status, headers });
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => "sent",
    (error) => (error instanceof RateLimitedError ? error.retryAfterMs : error),
  );

describe("turns", () => {
  test("requests within the limit are sent at once, the others in their turn", async () => {
    const rule = tokenBucket({ limit: 2, windowMs: 1_000, reserveMsMax: 1_000 });
    const { clock, send, times } = setup(rule);
    const all = Array.from({ length: 5 }, () => send(URL_A));
    await clock.advanceAsync(10_000);
    for (const response of await Promise.all(all)) expect(response.status).toBe(200);
    expect(times()).toEqual([0, 0, 500, 1_000, 1_500]);
  });

  test("a rule without reserveMsMax: a request comes back when its limit allows it", async () => {
    const { clock, send, times } = setup(fixedWindow({ limit: 2, windowMs: 1_000 }));
    const all = Array.from({ length: 5 }, () => send(URL_A));
    await clock.advanceAsync(10_000);
    await Promise.all(all);
    expect(times()).toEqual([0, 0, 1_000, 1_000, 2_000]);
  });

  test("a leaky bucket's queue paces them", async () => {
    const rule = leakyBucketQueue({ limit: 10, windowMs: 1_000, queue: 100 });
    const { clock, limiter, send, times } = setup(rule);
    const all = Array.from({ length: 4 }, () => send(URL_A));
    await clock.advanceAsync(10_000);
    await Promise.all(all);
    expect(times()).toEqual([0, 100, 200, 300]);
    // Each has asked once, and its turn was its own from then on.
    expect(limiter.stats().decisions).toMatchObject({ allowed: 4, denied: 0 });
  });

  test.each([
    ["reserved", tokenBucket({ limit: 1, windowMs: 1_000, reserveMsMax: 1_000 })],
    ["not reserved", tokenBucket({ limit: 1, windowMs: 1_000 })],
    ["queued", leakyBucketQueue({ limit: 1, windowMs: 1_000, queue: 100 })],
  ])(
    "%s: a turn beyond waitMsMax rejects at once, and says when it would come",
    async (_, rule) => {
      const { clock, send, sent } = setup(rule, { waitMsMax: 999 });
      await send(URL_A);
      expect(await outcome(send(URL_A))).toBe(1_000);
      expect([sent.length, clock.pendingTimers]).toEqual([1, 0]);
      clock.advance(1);
      const second = send(URL_A);
      await clock.advanceAsync(999);
      expect((await second).status).toBe(200);
    },
  );

  test("what never fits rejects at once", async () => {
    const { send } = setup(tokenBucket({ limit: 1, windowMs: 1_000 }), { cost: 2 });
    expect(await outcome(send(URL_A))).toBe(Infinity);
  });

  test("in any interval no more than the limit is sent, and nothing that is sent waited too long", async () => {
    const rules = fc.record({
      limit: fc.integer({ min: 1, max: 5 }),
      windowMs: fc.integer({ min: 10, max: 1_000 }),
      reserveMsMax: fc.integer({ min: 0, max: 10 }),
    });
    const gaps = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 20 });
    const waits = fc.integer({ min: 0, max: 3_000 });
    await fc.assert(
      fc.asyncProperty(rules, gaps, waits, async (options, gaps, waitMsMax) => {
        const { clock, send, times } = setup(tokenBucket(options), { waitMsMax });
        const asked: Promise<unknown>[] = [];
        const waitedMs: number[] = [];
        for (const gap of gaps) {
          const atMs = clock.now();
          const ended = send(URL_A).then(
            () => waitedMs.push(clock.now() - atMs),
            () => expect(clock.now() - atMs).toBeLessThanOrEqual(waitMsMax),
          );
          asked.push(ended);
          await clock.advanceAsync(gap);
        }
        await clock.advanceAsync(5_000);
        await Promise.all(asked);
        for (const each of waitedMs) expect(each).toBeLessThanOrEqual(waitMsMax);
        const { limit, windowMs } = options;
        const sent = times();
        for (let first = 0; first < sent.length; first++) {
          for (let last = first; last < sent.length; last++) {
            const spanMs = sent[last]! - sent[first]!;
            const most = limit + Math.floor((limit * spanMs) / windowMs);
            expect(last - first + 1).toBeLessThanOrEqual(most);
          }
        }
      }),
    );
  });
});

describe("keys", () => {
  test("each origin has a limit of its own; a key says otherwise", async () => {
    const rule = tokenBucket({ limit: 1, windowMs: 1_000 });
    const { send } = setup(rule, { waitMsMax: 0 });
    const urls = [URL_A, "https://b.example/x", "https://a.example:8443/x", "https://a.example/y"];
    const ends = [];
    for (const url of urls) ends.push(await outcome(send(url)));
    expect(ends).toEqual(["sent", "sent", "sent", 1_000]);
    const one = setup(rule, { waitMsMax: 0, key: () => undefined });
    expect([await outcome(one.send(URL_A)), await outcome(one.send("https://b.example/"))]).toEqual(
      ["sent", 1_000],
    );
  });

  test("a Request and a URL are taken as fetch takes them", async () => {
    const { send, sent } = setup(tokenBucket({ limit: 9, windowMs: 1_000 }));
    await send(new Request(URL_A));
    await send(new URL(URL_A));
    expect(sent.map(({ url }) => url)).toEqual([URL_A, URL_A]);
  });
});

describe("the server's advice", () => {
  const generous = tokenBucket({ limit: 1_000, windowMs: 1_000 });

  test.each([
    ["429 with Retry-After", says(429, { "retry-after": "3" }), 3_000],
    ["503 with a date", says(503, { "retry-after": "Sat, 01 Jan 2000 00:00:09 GMT" }), 4_000],
    ["nothing left", says(200, { ratelimit: '"hour";r=0;t=7' }), 7_000],
    ["nothing left of one of two", says(200, { ratelimit: '"a";r=5;t=9, "b";r=0;t=2' }), 2_000],
    ["§7: Retry-After counts", says(429, { "retry-after": "3", ratelimit: '"a";r=0;t=9' }), 3_000],
    ["something left", says(200, { ratelimit: '"hour";r=1;t=7' }), 0],
    ["§7: malformed", says(200, { ratelimit: '"hour";r=0;t=7;' }), 0],
    ["§7.3: from a cache", says(200, { ratelimit: '"hour";r=0;t=7', age: "2" }), 0],
    ["Retry-After of another status", says(301, { "retry-after": "3" }), 0],
    ["Retry-After that is none", says(429, { "retry-after": "5.5" }), 0],
    ["more than is reasonable", says(429, { "retry-after": "9999999999" }), 20_000],
  ])("%s: the next request waits %#", async (_, answer, waitMs) => {
    const { clock, send, answers, times } = setup(generous, { pauseMsMax: 20_000 });
    // The wall clock of the manual clock shows 2000-01-01 when it begins, five seconds before.
    expect(clock.wallMs()).toBe(Date.UTC(2000, 0, 1));
    clock.stepWall(5_000);
    answers.push(answer);
    expect((await send(URL_A)).status).toBe(answer.status);
    const next = send(URL_A);
    const other = send("https://b.example/");
    await clock.advanceAsync(30_000);
    await Promise.all([next, other]);
    expect(times().toSorted((a, b) => a - b)).toEqual([0, 0, waitMs]);
  });

  test("a pause beyond waitMsMax rejects at once, and says when it is over", async () => {
    const { send, answers, sent } = setup(generous, { waitMsMax: 2_000 });
    answers.push(says(429, { "retry-after": "3" }));
    await send(URL_A);
    expect(await outcome(send(URL_A))).toBe(3_000);
    expect(sent.length).toBe(1);
  });

  test("a pause is never shortened by an answer that comes later", async () => {
    const { clock, send, answers, times } = setup(generous);
    answers.push(says(429, { "retry-after": "5" }), says(429, { "retry-after": "1" }));
    await Promise.all([send(URL_A), send(URL_A)]);
    const next = send(URL_A);
    await clock.advanceAsync(30_000);
    await next;
    expect(times()).toEqual([0, 0, 5_000]);
  });

  test("who waits for a turn when a pause begins waits for both, at the limiter's pace", async () => {
    const rule = tokenBucket({ limit: 1, windowMs: 1_000, reserveMsMax: 1_000 });
    const { clock, send, answers, times } = setup(rule);
    answers.push(says(429, { "retry-after": "5" }));
    const all = Array.from({ length: 3 }, () => send(URL_A));
    await clock.advanceAsync(30_000);
    await Promise.all(all);
    expect(times()).toEqual([0, 5_000, 6_000]);
  });

  test("a turn that falls into a pause is given back", async () => {
    const rule = tokenBucket({ limit: 2, windowMs: 20_000, reserveMsMax: 20_000 });
    const { clock, send, answers, times } = setup(rule);
    answers.push(says(429, { "retry-after": "15" }));
    const all = Array.from({ length: 3 }, () => send(URL_A));
    await clock.advanceAsync(60_000);
    await Promise.all(all);
    // The third had its turn after 10 s; kept, its next would have come after 20 s.
    expect(times()).toEqual([0, 0, 15_000]);
  });

  test("only so many keys that stay away are remembered", async () => {
    const { send, answers } = setup(generous, { pausedKeysMax: 2, waitMsMax: 0 });
    for (const host of ["a", "b", "c"]) {
      answers.push(says(429, { "retry-after": "60" }));
      await send(`https://${host}.example/`);
    }
    const ends = [];
    for (const host of ["c", "b", "a"]) ends.push(await outcome(send(`https://${host}.example/`)));
    expect(ends).toEqual([60_000, 60_000, "sent"]);
  });
});

describe("bounds and aborts", () => {
  const slow = tokenBucket({ limit: 1, windowMs: 10_000, reserveMsMax: 10_000 });

  test.each([
    ["a turn", slow, undefined],
    ["a limit", tokenBucket({ limit: 1, windowMs: 10_000 }), undefined],
    ["a pause", tokenBucket({ limit: 9, windowMs: 1_000 }), says(429, { "retry-after": "9" })],
  ])(
    "an abort ends the wait for %s in the same turn, and gives it back",
    async (_, rule, answer) => {
      const { clock, limiter, send, answers, sent } = setup(rule);
      if (answer !== undefined) answers.push(answer);
      await send(URL_A);
      const before = limiter.peek("https://a.example").retryAfterMs;
      const abort = new AbortController();
      const waiting = outcome(send(URL_A, { signal: abort.signal }));
      await clock.advanceAsync(0);
      expect(clock.pendingTimers).toBe(1);
      abort.abort("enough");
      expect(await waiting).toBe("enough");
      expect([clock.pendingTimers, sent.length]).toEqual([0, 1]);
      expect(limiter.peek("https://a.example").retryAfterMs).toBe(before);
    },
  );

  test("a signal that is aborted already is not asked about; a Request brings its own", async () => {
    const { limiter, send } = setup(slow);
    expect(await outcome(send(URL_A, { signal: AbortSignal.abort("no") }))).toBe("no");
    const request = new Request(URL_A, { signal: AbortSignal.abort() });
    expect(await outcome(send(request))).toMatchObject({ name: "AbortError" });
    expect(limiter.stats().keys).toBe(0);
  });

  test("no more than waitingMax wait; the others reject at once", async () => {
    const { clock, send } = setup(slow, { waitingMax: 1 });
    await send(URL_A);
    const second = send(URL_A);
    expect(await outcome(send(URL_A))).toBe(undefined);
    await clock.advanceAsync(10_000);
    await second;
  });

  test("fetch's own failures are fetch's own, and free the place", async () => {
    const failing = () => Promise.reject(new TypeError("fetch failed"));
    const { send } = setup(tokenBucket({ limit: 9, windowMs: 1_000 }), {
      fetch: failing,
      waitingMax: 1,
    });
    for (let i = 0; i < 3; i++) expect(await outcome(send(URL_A))).toBeInstanceOf(TypeError);
  });

  test("what is no limiter, and options out of range, are refused", () => {
    const limiter = new RateLimiter(slow);
    expect(() => limitedFetch({} as RateLimiter)).toThrow(/must have a method "acquire"/);
    for (const options of [{ waitMsMax: -1 }, { waitingMax: 0 }, { pauseMsMax: NaN }]) {
      expect(() => limitedFetch(limiter, options)).toThrow(RangeError);
    }
  });
});

test("against a server of our own: what it refuses once, it is not asked again too early", async () => {
  const clock = new ManualClock();
  const theirs = new RateLimiter(fixedWindow({ limit: 2, windowMs: 3_500 }), { clock });
  const handler = limitedHandler(theirs, (_request, response) => response.end("fine"));
  await using server = await TestServer.listen(handler);
  const ours = new RateLimiter(tokenBucket({ limit: 100, windowMs: 1_000 }), { clock });
  const send = limitedFetch(ours, { clock });
  const get = () => send(server.url, { headers: { connection: "close" } });
  expect([(await get()).status, (await get()).status]).toEqual([200, 200]);
  // The second answer has said that nothing is left: nobody asks before that is over.
  const next = get();
  await until(() => clock.pendingTimers === 1);
  expect(server.requests).toBe(2);
  await clock.advanceAsync(4_000);
  expect((await next).status).toBe(200);
  expect(theirs.stats().decisions.denied).toBe(0);
  await server.drained();
});
