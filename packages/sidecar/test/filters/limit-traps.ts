// What must hold of the filters that refuse, delay or wait, as sentences. They are run on the
// sources, and on copies of them with planted bugs.
import assert from "node:assert/strict";
import { ManualClock } from "@compendium/runtime";
import type { ResponseHead } from "../../src/codec/codec.ts";
import { Fields } from "../../src/codec/fields.ts";
import type {
  AdaptiveConcurrencyConfig,
  FaultConfig,
  LocalRateLimitConfig,
} from "../../src/config/filter-config.ts";
import type { HttpFilter, Verdict } from "../../src/filters/http-filter.ts";
import { ask, drawing, replyOf, TestRequest } from "./harness.ts";
import type { FilterSubject } from "./subject.ts";

const ALL = 1_000_000;
const HALF = 500_000;

export function rateLimitConfig(more: Partial<LocalRateLimitConfig> = {}): LocalRateLimitConfig {
  return {
    kind: "local-ratelimit",
    name: "limit",
    tokensMax: 2,
    tokensPerFill: 1,
    fillIntervalMs: 1_000,
    status: 429,
    enabled: ALL,
    enforced: ALL,
    ...more,
  };
}

export function faultConfig(more: Partial<FaultConfig> = {}): FaultConfig {
  const none = { delay: undefined, abort: undefined, headers: [], activeMax: 100 };
  return { kind: "fault", name: "fault", ...none, ...more };
}

export function adaptiveConfig(
  more: Partial<AdaptiveConcurrencyConfig> = {},
): AdaptiveConcurrencyConfig {
  const limits = { limitMin: 2, limitMax: 2, status: 503 };
  return { kind: "adaptive-concurrency", name: "adaptive", ...limits, ...more };
}

const abort = (fraction: number, grpcStatus?: number): NonNullable<FaultConfig["abort"]> => {
  return { status: grpcStatus === undefined ? 418 : 200, grpcStatus, fraction };
};

/** Starts what a verdict waits for; what it resumes with is kept. */
function waiting(verdict: Verdict): { readonly resumed: Verdict[]; readonly wait: Disposable } {
  assert.equal(verdict?.kind, "wait");
  const { start } = verdict as Extract<Verdict, { kind: "wait" }>;
  const resumed: Verdict[] = [];
  return { resumed, wait: start((next) => void resumed.push(next)) };
}

/** Ends a request with an answer of upstream. */
function answer(request: TestRequest, more: { status?: number; trailers?: string[] } = {}): void {
  const response: ResponseHead = { status: more.status ?? 200, fields: new Fields() };
  request.info.host = {} as NonNullable<typeof request.info.host>;
  request.info.response = response;
  if (more.trailers !== undefined) request.info.trailers = new Fields(more.trailers);
  request.end();
}

/** A request that the filter lets through, or `undefined`. */
function admitted(filter: HttpFilter, clock: ManualClock): TestRequest | undefined {
  const request = new TestRequest({ clock });
  return filter.onRequest(request) === undefined ? request : undefined;
}

export const rateLimitTraps: Readonly<Record<string, (subject: FilterSubject) => void>> = {
  "a token for each request, and 429 for whoever finds none": ({ rateLimit }) => {
    const clock = new ManualClock();
    const options = { config: rateLimitConfig(), clock, random: drawing(), share: 1 };
    const filter = new rateLimit.LocalRateLimitFilter(options);
    assert.equal(ask(filter), undefined);
    assert.equal(ask(filter), undefined);
    const reply = replyOf(ask(filter));
    assert.equal(reply.status, 429);
    assert.equal(reply.flag, "RL");
    assert.equal(reply.details, "local_rate_limited");
    const fields = Object.fromEntries(reply.fields ?? []);
    assert.deepEqual(fields, { "x-envoy-ratelimited": "true", "retry-after": "1" });
    assert.deepEqual(filter.numbers, { enabled: 3, ok: 2, rateLimited: 1, enforced: 1 });
  },

  "tokens drop in one by one, and no more than the bucket holds": ({ rateLimit }) => {
    const clock = new ManualClock();
    const config = rateLimitConfig({ tokensMax: 4, tokensPerFill: 2 });
    const options = { config, clock, random: drawing(), share: 1 };
    const filter = new rateLimit.LocalRateLimitFilter(options);
    const taken = (): number => {
      let count = 0;
      while (ask(filter) === undefined) count++;
      return count;
    };
    assert.equal(taken(), 4);
    clock.advance(499);
    assert.equal(taken(), 0);
    clock.advance(1);
    assert.equal(taken(), 1);
    clock.advance(750);
    assert.equal(taken(), 1);
    clock.advance(3_600_000);
    assert.equal(taken(), 4);
  },

  "Retry-After is the time to the next token, in whole seconds, upwards": ({ rateLimit }) => {
    const clock = new ManualClock();
    const config = rateLimitConfig({ tokensMax: 1, fillIntervalMs: 10_000 });
    const options = { config, clock, random: drawing(), share: 1 };
    const filter = new rateLimit.LocalRateLimitFilter(options);
    ask(filter);
    clock.advance(3_500);
    const { fields = [] } = replyOf(ask(filter));
    assert.equal(Object.fromEntries(fields)["retry-after"], "7");
  },

  "what is not looked at takes no token, what is not enforced goes on": ({ rateLimit }) => {
    const clock = new ManualClock();
    const config = rateLimitConfig({ tokensMax: 1, enabled: HALF, enforced: HALF });
    // Not looked at; takes the token; finds none, goes on; finds none, is refused.
    const random = drawing(HALF, HALF - 1, 0, HALF, 0, 0);
    const filter = new rateLimit.LocalRateLimitFilter({ config, clock, random, share: 1 });
    assert.equal(ask(filter), undefined);
    assert.equal(ask(filter), undefined);
    assert.equal(ask(filter), undefined);
    assert.equal(ask(filter)?.kind, "reply");
    assert.deepEqual(filter.numbers, { enabled: 3, ok: 1, rateLimited: 2, enforced: 1 });
  },

  "a share has so much of the tokens, and gets them so much slower": ({ rateLimit }) => {
    const clock = new ManualClock();
    const config = rateLimitConfig({ tokensMax: 9, status: 420 });
    const options = { config, clock, random: drawing(), share: 1 / 4 };
    const filter = new rateLimit.LocalRateLimitFilter(options);
    assert.equal(ask(filter), undefined);
    assert.equal(ask(filter), undefined);
    assert.equal(replyOf(ask(filter)).status, 420);
    clock.advance(3_999);
    assert.equal(ask(filter)?.kind, "reply");
    clock.advance(1);
    assert.equal(ask(filter), undefined);
    const small = { ...options, config: rateLimitConfig({ tokensMax: 1 }) };
    assert.equal(ask(new rateLimit.LocalRateLimitFilter(small)), undefined);
  },
};

export const faultTraps: Readonly<Record<string, (subject: FilterSubject) => void>> = {
  "an abort answers, and says so in flag and details": ({ fault }) => {
    const config = faultConfig({ abort: abort(ALL) });
    const filter = new fault.FaultFilter({ config, clock: new ManualClock(), random: drawing() });
    const reply = replyOf(ask(filter));
    assert.equal(reply.status, 418);
    assert.equal(reply.flag, "FI");
    assert.equal(reply.details, "fault_filter_abort");
    assert.equal(reply.text, "fault filter abort");
    assert.equal("grpcStatus" in reply, false);
    assert.equal(filter.numbers.abortsInjected, 1);
  },

  "an abort of gRPC has its own status": ({ fault }) => {
    const config = faultConfig({ abort: abort(ALL, 14) });
    const filter = new fault.FaultFilter({ config, clock: new ManualClock(), random: drawing() });
    const reply = replyOf(ask(filter));
    assert.equal(reply.status, 200);
    assert.equal(reply.grpcStatus, 14);
  },

  "a delay ends when its time has come, and then the request goes on": ({ fault }) => {
    const clock = new ManualClock();
    const config = faultConfig({ delay: { ms: 250, fraction: ALL } });
    const filter = new fault.FaultFilter({ config, clock, random: drawing() });
    const request = new TestRequest({ clock });
    const { resumed } = waiting(filter.onRequest(request));
    assert.deepEqual([...request.info.flags], ["DI"]);
    clock.advance(249);
    assert.equal(resumed.length, 0);
    clock.advance(1);
    assert.deepEqual(resumed, [undefined]);
    assert.equal(filter.numbers.delaysInjected, 1);
  },

  "a delay ends with its request: no timer stays behind": ({ fault }) => {
    const clock = new ManualClock();
    const config = faultConfig({ delay: { ms: 250, fraction: ALL }, abort: abort(ALL) });
    const filter = new fault.FaultFilter({ config, clock, random: drawing() });
    const request = new TestRequest({ clock });
    const { resumed, wait } = waiting(filter.onRequest(request));
    wait[Symbol.dispose]();
    request.end();
    assert.equal(clock.pendingTimers, 0);
    clock.advance(1_000);
    assert.equal(resumed.length, 0);
    assert.deepEqual(filter.numbers, {
      delaysInjected: 1,
      abortsInjected: 0,
      faultsOverflow: 0,
      activeFaults: 0,
    });
  },

  "a delay and an abort are drawn apart, and the abort comes after the delay": ({ fault }) => {
    const clock = new ManualClock();
    const delay = { ms: 10, fraction: HALF };
    const config = faultConfig({ delay, abort: abort(HALF) });
    // Both; the delay alone; the abort alone; neither.
    const random = drawing(0, 0, 0, HALF, HALF, 0, HALF, HALF);
    const filter = new fault.FaultFilter({ config, clock, random });
    const both = waiting(ask(filter));
    clock.advance(10);
    assert.equal(replyOf(both.resumed[0]).flag, "FI");
    const delayed = waiting(ask(filter));
    clock.advance(10);
    assert.deepEqual(delayed.resumed, [undefined]);
    assert.equal(replyOf(ask(filter)).flag, "FI");
    assert.equal(ask(filter), undefined);
    assert.deepEqual(filter.numbers, {
      delaysInjected: 2,
      abortsInjected: 2,
      faultsOverflow: 0,
      activeFaults: 3,
    });
  },

  "only requests with these headers": ({ fault }) => {
    const match = { kind: "present" } as const;
    const headers = [{ name: "x-fault", match, invert: false }];
    const config = faultConfig({ abort: abort(ALL), headers });
    const filter = new fault.FaultFilter({ config, clock: new ManualClock(), random: drawing() });
    assert.equal(ask(filter), undefined);
    assert.equal(ask(filter, { fields: ["x-fault", "1"] })?.kind, "reply");
  },

  "no more faults at a time than allowed; one is active until its request ends": ({ fault }) => {
    const config = faultConfig({ abort: abort(ALL), activeMax: 1 });
    const filter = new fault.FaultFilter({ config, clock: new ManualClock(), random: drawing() });
    const first = new TestRequest();
    assert.equal(filter.onRequest(first)?.kind, "reply");
    assert.equal(ask(filter), undefined);
    assert.equal(filter.numbers.faultsOverflow, 1);
    first.end();
    assert.equal(ask(filter)?.kind, "reply");
    assert.equal(filter.numbers.activeFaults, 1);
  },
};

export const bufferTraps: Readonly<Record<string, (subject: FilterSubject) => void>> = {
  "waits for a body, and says how large it may be": ({ buffer }) => {
    const config = { kind: "buffer", name: "buffer", requestBytesMax: 10 } as const;
    const filter = new buffer.BufferFilter(config);
    const collect = { kind: "collect", bytesMax: 10 };
    assert.deepEqual(ask(filter, { method: "POST", hasBody: true }), collect);
    const fields = ["content-length", "10"];
    assert.deepEqual(ask(filter, { method: "POST", hasBody: true, fields }), collect);
    assert.equal(ask(filter), undefined);
  },

  "a body that says that it is larger is refused before it comes": ({ buffer }) => {
    const config = { kind: "buffer", name: "buffer", requestBytesMax: 10 } as const;
    const filter = new buffer.BufferFilter(config);
    const fields = ["content-length", "11"];
    const reply = replyOf(ask(filter, { method: "POST", hasBody: true, fields }));
    assert.equal(reply.status, 413);
    assert.equal(reply.details, "request_payload_too_large");
    assert.deepEqual(filter.numbers, { collected: 0, tooLarge: 1 });
  },

  "a tunnel has no whole to wait for": ({ buffer }) => {
    const config = { kind: "buffer", name: "buffer", requestBytesMax: 10 } as const;
    const filter = new buffer.BufferFilter(config);
    assert.equal(ask(filter, { hasBody: true, upgrade: "websocket" }), undefined);
    assert.equal(ask(filter, { hasBody: true, method: "CONNECT", path: "" }), undefined);
  },
};

export const adaptiveTraps: Readonly<Record<string, (subject: FilterSubject) => void>> = {
  "what is beyond the limit is refused, and a place is free when its request ends": (subject) => {
    const clock = new ManualClock();
    const options = { config: adaptiveConfig(), clock, share: 1 };
    const filter = new subject.adaptive.AdaptiveConcurrencyFilter(options);
    const first = admitted(filter, clock);
    assert.ok(first !== undefined && admitted(filter, clock) !== undefined);
    const reply = replyOf(ask(filter));
    assert.equal(reply.status, 503);
    assert.equal(reply.text, "reached concurrency limit");
    assert.equal(reply.details, "reached_concurrency_limit");
    assert.deepEqual([filter.numbers.inFlight, filter.numbers.rqBlocked], [2, 1]);
    answer(first);
    assert.equal(filter.numbers.inFlight, 1);
    assert.ok(admitted(filter, clock) !== undefined);
  },

  "a tunnel takes no place": ({ adaptive }) => {
    const options = { config: adaptiveConfig(), clock: new ManualClock(), share: 1 };
    const filter = new adaptive.AdaptiveConcurrencyFilter(options);
    for (let i = 0; i < 5; i++) assert.equal(ask(filter, { upgrade: "websocket" }), undefined);
    assert.equal(filter.numbers.inFlight, 0);
  },

  "answers are measured, timeouts are losses, all else moves nothing": ({ adaptive }) => {
    const clock = new ManualClock();
    const config = adaptiveConfig({ limitMin: 20, limitMax: 20 });
    const filter = new adaptive.AdaptiveConcurrencyFilter({ config, clock, share: 1 });
    const next = (): TestRequest => admitted(filter, clock)!;
    const late = next();
    late.info.flags.add("UT");
    late.end();
    answer(next(), { trailers: ["grpc-status", "4"] });
    assert.equal(filter.numbers.dropped, 2);
    answer(next(), { status: 500 });
    answer(next(), { trailers: ["grpc-status", "13"] });
    const gone = next();
    gone.info.flags.add("DC");
    answer(gone);
    // Never reached upstream: refused by a filter behind this one.
    const refused = next();
    refused.info.response = { status: 403, fields: new Fields() };
    refused.end();
    assert.equal(filter.numbers.ignored, 4);
    assert.equal(filter.numbers.dropped, 2);
    answer(next(), { trailers: ["grpc-status", "0"] });
    answer(next(), { status: 404 });
    assert.equal(filter.numbers.ignored, 4);
    assert.equal(filter.numbers.inFlight, 0);
  },

  "the limit finds what upstream can do at once": ({ adaptive }) => {
    // A service with 10 places of 10 ms each, and a queue before them; 100 clients that ask again
    // at once, or after a refusal a little later.
    const clock = new ManualClock();
    const config = adaptiveConfig({ limitMin: 3, limitMax: 1_000 });
    const filter = new adaptive.AdaptiveConcurrencyFilter({ config, clock, share: 1 });
    const queue: TestRequest[] = [];
    let busy = 0;
    const work = (): void => {
      while (busy < 10 && queue.length > 0) {
        const request = queue.shift()!;
        busy++;
        clock.setTimer(clock.now() + 10, () => {
          busy--;
          answer(request);
          work();
          arrive();
        });
      }
    };
    const arrive = (): void => {
      const request = admitted(filter, clock);
      if (request === undefined) {
        clock.setTimer(clock.now() + 5, arrive);
        return;
      }
      queue.push(request);
      work();
    };
    for (let i = 0; i < 100; i++) arrive();
    clock.advance(20_000);
    const limits: number[] = [];
    for (let i = 0; i < 100; i++) {
      clock.advance(100);
      limits.push(filter.numbers.concurrencyLimit);
    }
    const mean = limits.reduce((sum, limit) => sum + limit, 0) / limits.length;
    assert.ok(mean > 8 && mean < 16, `a mean of ${mean}`);
    assert.ok(filter.numbers.minRttMs >= 10 && filter.numbers.minRttMs < 14);
    assert.ok(filter.numbers.rqBlocked > 0);
  },

  "a share has so much of the limit, and at least one place": ({ adaptive }) => {
    const clock = new ManualClock();
    const config = adaptiveConfig({ limitMin: 3, limitMax: 8 });
    const filter = new adaptive.AdaptiveConcurrencyFilter({ config, clock, share: 1 / 4 });
    assert.ok(admitted(filter, clock) !== undefined && admitted(filter, clock) !== undefined);
    assert.equal(admitted(filter, clock), undefined);
  },
};
