import { CircuitBreaker, type CircuitBreakerOptions } from "@compendium/circuit-breaker";
import { expect, test } from "vitest";

const NOT_NUMBERS = [Number.NaN, "5", null, {}];
const LONGEST_MS = 2 ** 53 - 1;

// For each option: what it takes, what it refuses, and the words that give the range.
const ranges: [keyof CircuitBreakerOptions, unknown[], unknown[], string][] = [
  ["minimumCalls", [1, 100], [0, -1, 1.5, 1e7], "from 1 to 1000000"],
  ["failureRateThreshold", [0.001, 1], [0, -0.5, 1.01, 50], "above 0, up to 1"],
  ["slowAfterMs", [0.5, 1e9], [0, -1, Infinity], "above 0"],
  ["consecutiveFailures", [1, Infinity], [0, -1, 1.5], "from 1, or Infinity"],
  ["openForMs", [1, LONGEST_MS], [0, 0.5, -1, Infinity], "from 1 to 2^53 - 1"],
  ["openGrowth", [1, 10], [0.9, 10.1, Infinity], "from 1 to 10"],
  ["openForMsMax", [30_000, LONGEST_MS], [0, -1, Infinity], "from 1 to 2^53 - 1"],
  ["openJitter", [0, 1], [-0.1, 1.1], "from 0 to 1"],
  ["halfOpenCalls", [1, 1_000], [0, 1_001, 2.5], "from 1 to 1000"],
  ["halfOpenForMs", [1, LONGEST_MS], [0, -1, Infinity], "from 1 to 2^53 - 1"],
  ["inFlightMax", [1, Infinity], [0, -1, 1.5], "from 1, or Infinity"],
];

const make = (options: unknown) => () => new CircuitBreaker(options as CircuitBreakerOptions);

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return error.message;
  }
  throw new Error("neither a RangeError nor a TypeError");
}

test.each(ranges)("%s is refused out of range, with its name, value and range", (...row) => {
  const [name, good, bad, range] = row;
  for (const value of good) expect(make({ [name]: value })).not.toThrow();
  for (const value of [...bad, ...NOT_NUMBERS.filter((value) => value !== null)]) {
    expect(make({ [name]: value })).toThrow(RangeError);
    const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
    const message = messageOf(make({ [name]: value }));
    expect(message).toContain(name);
    expect(message).toContain(range);
    expect(message).toContain(`got ${shown}`);
  }
});

test("slowRateThreshold is a share, and needs to know what is slow", () => {
  const slowAfterMs = 100;
  for (const slowRateThreshold of [0.01, 1]) make({ slowAfterMs, slowRateThreshold })();
  for (const slowRateThreshold of [0, 1.01, Number.NaN]) {
    expect(make({ slowAfterMs, slowRateThreshold })).toThrow(RangeError);
  }
  expect(make({ slowRateThreshold: 0.5 })).toThrow(/slowRateThreshold needs slowAfterMs or isSlow/);
  expect(make({ slowAfterMs, isSlow: () => true })).toThrow(TypeError);
});

const windows: [object | string, RegExp][] = [
  [{ kind: "count", calls: 0 }, /window\.calls .* from 1 to 1000000, got 0/],
  [{ kind: "count", calls: 1_000_001 }, /window\.calls .* got 1000001/],
  [{ kind: "count" }, /window\.calls .* got undefined/],
  [{ kind: "time", durationMs: 0 }, /window\.durationMs .* from 1 to 86400000, got 0/],
  [{ kind: "time", durationMs: 100, buckets: 1 }, /window\.buckets .* from 2 to 1000, got 1/],
  [{ kind: "time", durationMs: 100, calls: 5 }, /unknown option window\.calls/],
  [{ kind: "count", calls: 5, buckets: 5 }, /unknown option window\.buckets/],
  [{ kind: "calls" }, /window\.kind must be "count" or "time", got "calls"/],
  ["last 10", /window must be an object/],
];

test.each(windows)("the window %j is refused", (window, message) => {
  expect(messageOf(make({ window }))).toMatch(message);
});

test("an option that is misspelt is refused, or it would leave its default in force", () => {
  expect(make({ failureRateTreshold: 0.1 })).toThrow(/unknown option failureRateTreshold/);
  expect(make({ failureRateTreshold: 0.1 })).toThrow(TypeError);
});

test("options that cannot both be meant are refused", () => {
  const window = { kind: "count", calls: 5 };
  expect(make({ window, minimumCalls: 6 })).toThrow(/minimumCalls must be at most .* 6/);
  expect(make({ openForMs: 100, openForMsMax: 99 })).toThrow(/openForMsMax must be at least/);
});

test("what should be a name or a function and is not is refused", () => {
  expect(make({ name: "" })).toThrow(/name must be a non-empty string/);
  expect(make({ name: 7 })).toThrow(TypeError);
  expect(make({ isFailure: 1 })).toThrow(/isFailure must be a function, got 1/);
  expect(make({ isSlow: true })).toThrow(/isSlow must be a function/);
  expect(make({ clock: {} })).toThrow(/clock\.now must be a function/);
  expect(make({ clock: null })).toThrow(/clock\.now must be a function/);
  expect(make({ random: {} })).toThrow(/random\.below must be a function/);
});

test("the smallest window lowers the default of minimumCalls to its own size", async () => {
  const breaker = new CircuitBreaker({ window: { kind: "count", calls: 1 } });
  await breaker.call(() => Promise.reject(new Error("down"))).catch(() => {});
  expect(breaker.state).toBe("open");
});

test("the longest rest with the widest jitter is one that chance can draw", async () => {
  const openForMs = LONGEST_MS;
  const breaker = new CircuitBreaker({ openForMs, openJitter: 1, consecutiveFailures: 1 });
  const permit = breaker.acquire();
  if (permit.admitted) permit.fail();
  expect(breaker.state).toBe("open");
});

test("breakers of one family do not influence each other", () => {
  const options = { consecutiveFailures: 1 };
  const [one, other] = [new CircuitBreaker(options), new CircuitBreaker(options)];
  const permit = one.acquire();
  if (permit.admitted) permit.fail();
  expect([one.state, other.state]).toEqual(["open", "closed"]);
});
