// The fields of draft-ietf-httpapi-ratelimit-headers-11, read by a parser of somebody else's, over
// any limiter at all.
import {
  concurrencyLimit,
  conservativeSlidingCounter,
  type Decision,
  fixedWindow,
  gcra,
  leakyBucketQueue,
  RateLimiter,
  type Rule,
  slidingWindowCounter,
  slidingWindowLog,
  tokenBucket,
} from "@compendium/rate-limiter";
import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { type Item, type List, parseList } from "structured-headers";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../../src/refusal.ts";
import { fieldsOf } from "../../src/response-fields.ts";

const INTEGER_MAX = 999_999_999_999_999;
const windows = fc.oneof(
  fc.integer({ min: 1, max: 2_000 }),
  fc.integer({ min: 1, max: 315_576_000_000 }),
);
const shape = fc.record({
  limit: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000 })),
  windowMs: windows,
  name: fc.stringMatching(/^[\w.-]{1,64}$/),
});

const makers: readonly ((options: { limit: number; windowMs: number; name: string }) => Rule)[] = [
  (options) => tokenBucket(options),
  (options) => tokenBucket({ ...options, burst: 3 }),
  (options) => gcra(options),
  fixedWindow,
  slidingWindowLog,
  slidingWindowCounter,
  (options) => conservativeSlidingCounter(options),
  (options) => leakyBucketQueue({ ...options, queue: 5 }),
  ({ limit, windowMs, name }) => concurrencyLimit({ limit, name, leaseMs: windowMs }),
];
const rules = fc.tuple(fc.constantFrom(...makers), shape).map(([make, options]) => make(options));
// A decision has one lease, and so a limiter one concurrency limit at most.
const several = fc
  .uniqueArray(rules, { selector: ({ name }) => name, minLength: 1, maxLength: 3 })
  .filter((rules) => rules.filter((it) => it.algorithm === "concurrency-limit").length <= 1);
const steps = fc.array(
  fc.record({ pauseMs: fc.integer({ min: 0, max: 3_000 }), cost: fc.integer({ min: 1, max: 8 }) }),
  { minLength: 1, maxLength: 40 },
);

const read = (decision: Decision, rules: readonly Rule[], name: string): List => {
  const field = fieldsOf(decision, rules, {}).find(([it]) => it === name);
  return parseList(field?.[1] ?? "");
};
const parameter = (list: List, name: string) => (list[0] as Item)[1].get(name);
const isWhole = (value: unknown, min: number) =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= INTEGER_MAX;

describe("properties", () => {
  test("§3.1, §4.1: String items, whole parameters, the policy of the binding rule among them", () => {
    fc.assert(
      fc.property(several, steps, (rules, steps) => {
        const clock = new ManualClock();
        const limiter = new RateLimiter(rules, { clock });
        for (const { pauseMs, cost } of steps) {
          clock.advance(pauseMs);
          const decision = limiter.take("ada", cost);
          const policies = read(decision, limiter.rules, "RateLimit-Policy");
          expect(policies.map(([name]) => name)).toEqual(rules.map(({ name }) => name));
          for (const [, parameters] of policies as Item[]) {
            expect(isWhole(parameters.get("q"), 1)).toBe(true);
            const isPlaces = parameters.get("qu") === "concurrent-requests";
            expect(isPlaces ? !parameters.has("w") : isWhole(parameters.get("w"), 1)).toBe(true);
          }
          const [item, ...others] = read(decision, limiter.rules, "RateLimit") as Item[];
          expect([item?.[0], others]).toEqual([decision.rule.name, []]);
          const [left, windowS] = [item?.[1].get("r"), item?.[1].get("t")];
          expect(isWhole(left, 0) && (left as number) <= decision.rule.limit).toBe(true);
          expect(windowS === undefined || isWhole(windowS, 1)).toBe(true);
        }
      }),
    );
  });

  test("whoever waits as Retry-After says is let in, and §6: it is no earlier than t", () => {
    fc.assert(
      fc.property(rules, steps, (rule, steps) => {
        fc.pre(rule.algorithm !== "concurrency-limit");
        const clock = new ManualClock();
        const limiter = new RateLimiter(rule, { clock });
        for (const { pauseMs, cost } of steps) {
          clock.advance(pauseMs);
          const decision = limiter.take("ada", cost);
          if (decision.allowed) continue;
          const seconds = refusalOf(decision).headers["retry-after"];
          expect(seconds === undefined).toBe(cost > rule.capacity);
          if (seconds === undefined) continue;
          expect(Number(seconds)).toBe(Math.max(1, Math.ceil(decision.retryAfterMs / 1000)));
          expect(parameter(read(decision, [rule], "RateLimit"), "t")).toBe(Number(seconds));
          clock.advance(Number(seconds) * 1000);
          expect(limiter.take("ada", cost).allowed).toBe(true);
        }
      }),
    );
  });

  test("whoever has used up r and waits t is let in", () => {
    fc.assert(
      fc.property(rules, steps, (rule, steps) => {
        fc.pre(rule.algorithm !== "concurrency-limit");
        const clock = new ManualClock();
        const limiter = new RateLimiter(rule, { clock });
        for (const { pauseMs, cost } of steps) {
          clock.advance(pauseMs);
          const decision = limiter.take("ada", cost);
          if (!decision.allowed || decision.remaining > 0) continue;
          const field = read(decision, [rule], "RateLimit");
          expect(parameter(field, "r")).toBe(0);
          clock.advance(Number(parameter(field, "t")) * 1000);
          expect(limiter.take("ada").allowed).toBe(true);
        }
      }),
    );
  });

  test("§8.5: of a limit that fills steadily, r / t is no faster than its own pace", () => {
    const steady = rules.filter(({ algorithm }) =>
      ["token-bucket", "gcra", "leaky-bucket-queue"].includes(algorithm),
    );
    fc.assert(
      fc.property(steady, steps, (rule, steps) => {
        const clock = new ManualClock();
        const limiter = new RateLimiter(rule, { clock });
        for (const { pauseMs } of steps) {
          clock.advance(pauseMs);
          const field = read(limiter.take("ada"), [rule], "RateLimit");
          const [left, windowS] = [parameter(field, "r"), parameter(field, "t")] as number[];
          if (left === 0) continue;
          expect(left! / windowS!).toBeLessThanOrEqual(rule.limit / (rule.windowMs / 1000));
        }
      }),
    );
  });
});

test("a window shorter than a second is shown as one, of a second and a half as two", () => {
  const policy = (windowMs: number) => {
    const limiter = new RateLimiter(fixedWindow({ limit: 10, windowMs }));
    return fieldsOf(limiter.take(), limiter.rules, {})[0]?.[1];
  };
  expect(policy(100)).toBe('"fixed-window";q=10;w=1');
  expect(policy(1_000)).toBe('"fixed-window";q=10;w=1');
  expect(policy(1_500)).toBe('"fixed-window";q=10;w=2');
});

test("a limiter that says to come back at once is shown as one second", () => {
  const limiter = new RateLimiter(fixedWindow({ limit: 1, windowMs: 1_000 }));
  const denied: Decision = {
    ...limiter.take(),
    allowed: false,
    outcome: "denied",
    retryAfterMs: 0,
  };
  expect(refusalOf(denied).headers["retry-after"]).toBe("1");
});

test("RFC 9651 §3.3.1: a limit beyond fifteen digits is shown as the largest there is", () => {
  const limiter = new RateLimiter(fixedWindow({ limit: 2 ** 52, windowMs: 1_000 }));
  const fields = fieldsOf(limiter.take(), limiter.rules, { legacyFields: true });
  expect(fields.map(([, value]) => value).slice(0, 2)).toEqual([
    `"fixed-window";q=${INTEGER_MAX};w=1`,
    `"fixed-window";r=${INTEGER_MAX};t=1`,
  ]);
  parseList(fields[0]?.[1] ?? "");
});

test("RFC 9651 §3.3.3: the name of a rule of your own is made a String", () => {
  const limiter = new RateLimiter(fixedWindow({ limit: 1, windowMs: 1_000 }));
  const rule: Rule = Object.create(limiter.rules[0]!, { name: { value: 'say "hé\\\n' } });
  const [, limit] = fieldsOf({ ...limiter.take(), rule }, [rule], {});
  expect(parseList(limit?.[1] ?? "")[0]?.[0]).toBe('say "h?\\?');
});
