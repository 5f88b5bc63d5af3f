// When a request is tried again, and after how long: Envoy's retry_on, sentence by sentence
// (router_filter, "x-envoy-retry-on"), and what the breaker says to it.
import assert from "node:assert/strict";
import { ManualClock } from "@compendium/runtime";
import type { ResponseHead } from "../../src/codec/codec.ts";
import { Fields } from "../../src/codec/fields.ts";
import type { Thresholds } from "../../src/config/cluster-config.ts";
import type { RetryConfig, RetryOn } from "../../src/config/route-config.ts";
import type { Failure } from "../../src/router/attempt.ts";
import type { Subject } from "./subject.ts";
import { policy } from "./world.ts";

type Traps = Readonly<Record<string, (subject: Subject) => void | Promise<void>>>;

const conditions: readonly RetryOn[] = [
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
];

const answer = (status: number, ...flat: string[]): ResponseHead => {
  return { status, fields: new Fields(flat) };
};

const failure = (reason: Failure["reason"], more: Partial<Failure> = {}): Failure => {
  const hasSentHead = !reason.startsWith("connect-") && reason !== "overflow";
  return { reason, detail: "", isReused: false, hasSentHead, hasResponse: false, ...more };
};

const wallMs = Date.UTC(2026, 0, 1);

function makeState(
  { retries, breakers }: Subject,
  more: Partial<RetryConfig>,
  limits: Partial<Thresholds> = {},
  below: (n: number) => number = (n) => n - 1,
) {
  const state = new retries.RetryState(policy(more), { below }, new ManualClock({ wallMs }));
  const breaker = new breakers.Breakers({
    connectionsMax: 99,
    pendingMax: 99,
    requestsMax: 999,
    retriesMax: 99,
    retryBudget: undefined,
    ...limits,
  });
  return { state, breaker };
}

/** The conditions that name this. */
function naming(
  subject: Subject,
  ask: (made: ReturnType<typeof makeState>) => { readonly kind: string },
): RetryOn[] {
  return conditions.filter((condition) => {
    const made = makeState(subject, { on: new Set([condition]), statusCodes: new Set([404]) });
    return ask(made).kind === "retry";
  });
}

export const retryTraps: Traps = {
  "each condition names the answers that it names in Envoy, and no others"(subject) {
    const rows: [ResponseHead, RetryOn[]][] = [
      [answer(200), []],
      [answer(500), ["5xx"]],
      [answer(501), ["5xx"]],
      [answer(502), ["5xx", "gateway-error"]],
      [answer(503), ["5xx", "gateway-error"]],
      [answer(504), ["5xx", "gateway-error"]],
      [answer(505), ["5xx"]],
      [answer(404), ["retriable-status-codes"]],
      [answer(409), ["retriable-4xx"]],
      [answer(429), []],
      [answer(200, "grpc-status", "0"), []],
      [answer(200, "grpc-status", "1"), ["cancelled"]],
      [answer(200, "grpc-status", "4"), ["deadline-exceeded"]],
      [answer(200, "grpc-status", "8"), ["resource-exhausted"]],
      [answer(200, "grpc-status", "13"), ["internal"]],
      [answer(200, "grpc-status", "14"), ["unavailable"]],
      [answer(200, "grpc-status", "2"), []],
      // Another Envoy says that there was too much: more is no answer to it.
      [answer(503, "x-envoy-ratelimited", "true"), []],
    ];
    for (const [head, expected] of rows) {
      const named = naming(subject, ({ state, breaker }) => state.askAfterResponse(head, breaker));
      assert.deepEqual(named, expected, `${head.status} ${head.fields.flat}`);
    }
  },

  "each condition names the failures that it names in Envoy, and no others"(subject) {
    const any: RetryOn[] = ["5xx", "gateway-error", "reset"];
    const before: RetryOn[] = [...any, "reset-before-request"];
    const rows: [Failure, RetryOn[]][] = [
      [failure("overflow"), []],
      [failure("closed", { hasSentHead: false }), []],
      [failure("local"), []],
      [failure("connect-failure"), [...before, "connect-failure"]],
      [failure("connect-timeout"), [...before, "connect-failure"]],
      [failure("refused"), [...any, "refused-stream"]],
      [failure("cancelled"), any],
      [failure("connection-failure"), any],
      [failure("connection-termination"), any],
      [failure("protocol-error"), any],
    ];
    for (const [failed, expected] of rows) {
      const named = naming(subject, ({ state, breaker }) => state.askAfterFailure(failed, breaker));
      assert.deepEqual(new Set(named), new Set(expected), failed.reason);
    }
  },

  "a try that took too long is a reset; one that goes on beside another needs no name"(subject) {
    const asked = (isHedged: boolean) =>
      naming(subject, ({ state, breaker }) => state.askAfterTryTimeout(breaker, isHedged));
    assert.deepEqual(asked(false), ["5xx", "gateway-error", "reset"]);
    assert.deepEqual(asked(true), conditions);
    const none = makeState(subject, { on: new Set() });
    assert.equal(none.state.askAfterTryTimeout(none.breaker, true).kind, "keep");
    // Nobody has failed yet, so there is nothing to wait for.
    const { state, breaker } = makeState(subject, {});
    assert.deepEqual(state.askAfterTryTimeout(breaker, true), { kind: "retry", afterMs: 0 });
  },

  "num_retries are granted, then it is said that they are used up"(subject) {
    const { state, breaker } = makeState(subject, { retries: 3 });
    const kinds = Array.from(
      { length: 5 },
      () => state.askAfterResponse(answer(503), breaker).kind,
    );
    assert.deepEqual(kinds, ["retry", "retry", "retry", "exhausted", "exhausted"]);
    assert.equal(breaker.active("retries"), 3);
    assert.equal(state.retries, 3);
    const never = makeState(subject, { retries: 0 });
    assert.equal(never.state.askAfterResponse(answer(503), never.breaker).kind, "exhausted");
    const without = new subject.retries.RetryState(
      undefined,
      { below: () => 0 },
      new ManualClock(),
    );
    assert.equal(without.askAfterResponse(answer(503), breaker).kind, "keep");
    assert.equal(without.hasLeft, false);
  },

  "a breaker that refuses is told apart, and has nothing to be given back"(subject) {
    const { state, breaker } = makeState(subject, { retries: 9 }, { retriesMax: 2 });
    const ask = () => state.askAfterFailure(failure("connect-failure"), breaker).kind;
    assert.deepEqual([ask(), ask(), ask()], ["retry", "retry", "overflow"]);
    assert.deepEqual([breaker.active("retries"), breaker.refused("retries")], [2, 1]);
    breaker.give("retries");
    assert.equal(ask(), "retry");
  },

  "a budget is a share of what is under way, and never less than its minimum"(subject) {
    const retryBudget = { percent: 20, retriesMin: 3 };
    const { state, breaker } = makeState(subject, { retries: 99 }, { retryBudget, retriesMax: 0 });
    const grant = () => state.askAfterResponse(answer(503), breaker).kind === "retry";
    let granted = 0;
    while (grant()) granted++;
    assert.equal(granted, 3);
    for (let i = 0; i < 50; i++) breaker.take("requests");
    while (grant()) granted++;
    assert.equal(granted, 10);
  },

  "the n-th pause is anywhere below base · 2^(n-1), and below the maximum"(subject) {
    const backoff = { baseMs: 25, maxMs: 250 };
    const bounds: number[] = [];
    const { state, breaker } = makeState(subject, { retries: 6, backoff }, {}, (n) => {
      bounds.push(n);
      return n - 1;
    });
    const pauses = Array.from({ length: 6 }, () => pauseOf(state, breaker));
    assert.deepEqual(bounds, [25, 50, 100, 200, 250, 250]);
    assert.deepEqual(pauses, [24, 49, 99, 199, 249, 249]);
  },

  "Retry-After is obeyed up to its bound, seconds or a date, with up to half as much again"(
    subject,
  ) {
    const at = (seconds: number) => new Date(wallMs + seconds * 1_000).toUTCString();
    const rows: [string, number, number][] = [
      ["2", 10_000, 2_999],
      ["10", 10_000, 14_999],
      // Beyond the bound, and what is no time: the ordinary pause.
      ["11", 10_000, 24],
      ["soon", 10_000, 24],
      ["-1", 10_000, 24],
      ["1e3", 10_000, 24],
      ["99999999999", 10_000, 24],
      [at(4), 10_000, 5_999],
      [at(40), 10_000, 24],
      // At once, or in the past, is no leave to come without a pause.
      ["0", 10_000, 24],
      [at(-60), 10_000, 24],
      // Envoy's default: it is not looked at.
      ["2", 0, 24],
      ["0", 0, 24],
    ];
    for (const [value, retryAfterMsMax, expected] of rows) {
      const { state, breaker } = makeState(subject, { retryAfterMsMax });
      const got = state.askAfterResponse(answer(503, "retry-after", value), breaker);
      assert.deepEqual(got, { kind: "retry", afterMs: expected }, `${value}, ${retryAfterMsMax}`);
    }
    const soonest = makeState(subject, { retryAfterMsMax: 10_000 }, {}, () => 0);
    const got = soonest.state.askAfterResponse(answer(503, "retry-after", "2"), soonest.breaker);
    assert.deepEqual(got, { kind: "retry", afterMs: 2_000 });
  },
};

function pauseOf(
  state: InstanceType<Subject["retries"]["RetryState"]>,
  breaker: InstanceType<Subject["breakers"]["Breakers"]>,
): number {
  const got = state.askAfterResponse(answer(503), breaker);
  return got.kind === "retry" ? got.afterMs : -1;
}
