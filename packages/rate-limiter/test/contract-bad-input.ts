// The part of the contract about misuse: a typed error names the field and the value, and nothing
// is stored. Whatever can be said in a language without types is said here.
import { describe, expect, test } from "vitest";
import type { Decision, Reservation } from "../src/decision.ts";
import { fixedWindow, tokenBucket } from "../src/index.ts";
import type { Rule } from "../src/rule.ts";

type Verbs = {
  take(...given: unknown[]): unknown;
  peek(...given: unknown[]): unknown;
  reserve(...given: unknown[]): unknown;
  refund(...given: unknown[]): unknown;
  reset(...given: unknown[]): unknown;
  release(...given: unknown[]): unknown;
  setRules(...given: unknown[]): unknown;
};

/** Texts that some store, header or object would trip over; each is a key like any other. */
export const STRANGE_KEYS: readonly string[] = [
  " ",
  "\0",
  "a\nb\r\nc",
  "{a}{b",
  "}{",
  "a:b:c",
  "__proto__",
  "constructor",
  "toString",
  "ключ 🗝️ 👩‍👩‍👧",
  "﷽",
  "0",
  "-1",
  "NaN",
  "undefined",
  "null",
  "*",
  "x".repeat(1024),
];

const NO_KEYS: readonly unknown[] = [
  "",
  "x".repeat(1025),
  "x".repeat(2 ** 20),
  "half \ud83d of a pair",
  "\udc00",
  null,
  0,
  1,
  Number.NaN,
  true,
  1n,
  {},
  [],
  ["a"],
  Symbol("a"),
  () => "a",
  Object.create(null),
];

const NO_COSTS: readonly unknown[] = [
  0,
  -1,
  -0,
  0.5,
  1.000_000_1,
  Number.NaN,
  Infinity,
  -Infinity,
  2 ** 53,
  1e308,
  "1",
  "",
  null,
  true,
  1n,
  {},
  [1],
  Symbol("1"),
  Object.create(null),
];

/** Runs the sentences about misuse on limiters that `make` makes. */
export function describeBadInput(make: (rule: Rule) => PromiseLike<unknown>): void {
  const rule = tokenBucket({ limit: 5, windowMs: 1_000, reserveMsMax: 1_000 });
  const open = async () => (await make(rule)) as Verbs;

  describe("misuse", () => {
    test("any well-formed text of 1 to 1024 characters is a key of its own", async () => {
      const limiter = await open();
      for (const key of STRANGE_KEYS) {
        expect(await limiter.take(key, 5)).toMatchObject({ allowed: true, remaining: 0 });
      }
      for (const key of STRANGE_KEYS) {
        expect(await limiter.take(key)).toMatchObject({ allowed: false });
      }
      expect(await limiter.peek()).toMatchObject({ remaining: 5 });
    });

    test("what is no key is refused by every verb, and stores nothing", async () => {
      const limiter = await open();
      for (const key of NO_KEYS) {
        for (const verb of ["take", "peek", "reserve", "refund", "reset"] as const) {
          await misuse(async () => limiter[verb](key), /^key must/);
        }
        await misuse(async () => limiter.take(key, 1, { idempotencyKey: "a" }), /^key must/);
      }
      expect(await limiter.peek()).toMatchObject({ remaining: 5, resetMs: 0 });
    });

    test("what is no cost is refused by every verb, and charges nothing", async () => {
      const limiter = await open();
      for (const cost of NO_COSTS) {
        for (const verb of ["take", "peek", "reserve", "refund"] as const) {
          await misuse(async () => limiter[verb]("a", cost), /^cost must be a whole number from 1/);
        }
      }
      expect(await limiter.peek("a")).toMatchObject({ remaining: 5, resetMs: 0 });
    });

    test("what is no idempotency key, wait or rule is refused, and charges nothing", async () => {
      const limiter = await open();
      for (const idempotencyKey of ["", "x".repeat(257), "\ud800", null, 5, {}, Symbol("a")]) {
        await misuse(async () => limiter.take("a", 1, { idempotencyKey }), /^idempotencyKey must/);
      }
      for (const waitMsMax of [-1, Number.NaN, 1_001, Infinity, null, "5", 5n, {}]) {
        await misuse(async () => limiter.reserve("a", 1, waitMsMax), /^waitMsMax must/);
      }
      const others = fixedWindow({ limit: 1, windowMs: 1 });
      for (const rules of [null, 5, "rule", {}, [], [null], others, [rule, others], [rule, rule]]) {
        await misuse(async () => limiter.take("a", 1, { rules }), /rule/);
        await misuse(async () => limiter.setRules(rules), /rule/);
      }
      await misuse(async () => limiter.release("a", 1), /no concurrency limit/);
      expect(await limiter.peek("a")).toMatchObject({ remaining: 5, resetMs: 0 });
    });
  });
}

async function misuse(run: () => unknown, message: RegExp): Promise<void> {
  let answer: Decision | Reservation | unknown;
  try {
    answer = await run();
  } catch (error) {
    expect(error).toSatisfy((it) => it instanceof RangeError || it instanceof TypeError);
    const text = (error as Error).message;
    expect(text).toMatch(message);
    // Short enough for a log, and on one line.
    expect(text.length).toBeLessThan(400);
    expect(text).not.toContain("\n");
    return;
  }
  expect.fail(`must be refused, was answered: ${JSON.stringify(answer)}`);
}
