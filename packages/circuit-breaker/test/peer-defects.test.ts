// Known defects of other breakers stay out of this one: a permanent test each, on the breaker
// itself and on the opossum door. Beside it stands what opossum 10 or cockatiel 4 does in the same
// case; a peer that mends its ways fails here, and its test is then to be renamed.
import { CircuitBreaker as Door } from "@compendium/circuit-breaker/opossum";
import {
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker as cockatiel,
  handleAll,
  SamplingBreaker,
} from "cockatiel";
import Stock from "opossum";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { callAll, deferred, down, fail, makeBreaker, succeed, tryCall, turn } from "./helpers.ts";
import { advance, fakeTime } from "./opossum-pair.ts";

beforeEach(fakeTime);
afterEach(() => vi.useRealTimers());

const doors = [
  ["the opossum door does not", Door],
  ["opossum 10 does", Stock],
] as const;
const codeOf = (promise: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(promise).catch((error) => error?.code ?? error);
// A call whose work the test ends.
const open = <T>(make: (work: () => Promise<T>) => Promise<unknown>) => {
  const work = deferred<T>();
  return { ...work, call: codeOf(make(() => work.promise)) };
};
type Work = () => unknown;
const run = (work: Work): unknown => work();

describe("a late success closes the circuit (opossum #381)", () => {
  test("ours does not: it counts as late, and the probe decides", async () => {
    const { breaker, clock } = makeBreaker({ minimumCalls: 1, halfOpenCalls: 1 });
    const late = open((work) => breaker.call(work));
    await callAll(breaker, "-");
    clock.advance(30_000);
    const probe = open((work) => breaker.call(work));
    late.resolve(1);
    await late.call;
    expect(breaker.state).toBe("half-open");
    probe.reject(down);
    await probe.call;
    expect(breaker.state).toBe("open");
  });

  test.each(doors)("%s", async (_, Breaker) => {
    const breaker = new Breaker(run, { timeout: false, resetTimeout: 100 });
    breaker.on("halfOpen", () => {});
    const late = open((work) => breaker.fire(work));
    for (let i = 0; i < 3; i++) await codeOf(breaker.fire(fail));
    await advance(100);
    const probe = open((work) => breaker.fire(work));
    late.resolve(1);
    await late.call;
    expect(breaker.halfOpen).toBe(Breaker === Door);
    probe.reject(down);
    await probe.call;
  });
});

describe("late failures open a circuit that has recovered", () => {
  test("ours does not", async () => {
    const { breaker, clock } = makeBreaker({ minimumCalls: 1, halfOpenCalls: 1 });
    const late = open((work) => breaker.call(work));
    await callAll(breaker, "-");
    clock.advance(30_000);
    await callAll(breaker, "+");
    late.reject(down);
    await late.call;
    expect(breaker.state).toBe("closed");
    expect(breaker.stats().windowCalls).toBe(0);
  });

  test.each(doors)("%s", async (_, Breaker) => {
    const breaker = new Breaker(run, { timeout: false, resetTimeout: 100 });
    const late = [1, 2, 3].map(() => open((work) => breaker.fire(work)));
    for (let i = 0; i < 4; i++) await codeOf(breaker.fire(fail));
    await advance(100);
    await breaker.fire(succeed);
    for (const each of late) each.reject(down);
    await Promise.all(late.map(({ call }) => call));
    expect(breaker.closed).toBe(Breaker === Door);
  });

  test("cockatiel 4 does", async () => {
    const breaker = cockatiel(handleAll, {
      breaker: new ConsecutiveBreaker(2),
      halfOpenAfter: 100,
    });
    const late = [1, 2].map(() => open((work) => breaker.execute(work)));
    for (let i = 0; i < 2; i++) await codeOf(breaker.execute(fail));
    await advance(100);
    await breaker.execute(succeed);
    expect(breaker.state).toBe(CircuitState.Closed);
    for (const each of late) each.reject(down);
    await Promise.all(late.map(({ call }) => call));
    expect(breaker.state).toBe(CircuitState.Open);
  });
});

// A timeout that aborts its neighbours (opossum #780) is in opossum-differences.test.ts, and in
// packages/resilience, which has the timeouts.

describe("a capacity of 2 runs 10: a timeout gives the place back while the work goes on", () => {
  test.each(doors)("%s", async (_, Breaker) => {
    let running = 0;
    const hang = () => {
      running++;
      return deferred().promise;
    };
    const breaker = new Breaker(hang, {
      capacity: 2,
      timeout: 10,
      errorThresholdPercentage: 100,
    });
    for (let i = 0; i < 5; i++) {
      void codeOf(breaker.fire());
      void codeOf(breaker.fire());
      await advance(10);
    }
    expect(running).toBe(Breaker === Door ? 2 : 10);
  });
});

describe("refusals for want of a place open the circuit of a healthy dependency", () => {
  test("ours do not", async () => {
    const { breaker } = makeBreaker({ inFlightMax: 1, minimumCalls: 1 });
    const running = open((work) => breaker.call(work));
    for (let i = 0; i < 20; i++) expect(await tryCall(breaker)).toBe("CIRCUIT_IN_FLIGHT_MAX");
    expect(breaker.state).toBe("closed");
    running.resolve(1);
    await running.call;
  });

  test.each(doors)("%s", async (_, Breaker) => {
    const breaker = new Breaker(run, { capacity: 1 });
    const running = open((work) => breaker.fire(work));
    for (let i = 0; i < 20; i++) await codeOf(breaker.fire(succeed));
    expect(breaker.closed).toBe(Breaker === Door);
    running.resolve(1);
    await running.call;
  });
});

describe("calls in flight dilute the failures of those that have ended", () => {
  test("ours do not", async () => {
    const { breaker } = makeBreaker();
    const running = Array.from({ length: 30 }, () => open((work) => breaker.call(work)));
    await callAll(breaker, "-".repeat(10));
    expect(breaker.state).toBe("open");
    for (const { resolve } of running) resolve(1);
  });

  test.each(doors)("%s", async (_, Breaker) => {
    const breaker = new Breaker(run, { timeout: false, volumeThreshold: 10 });
    for (let i = 0; i < 30; i++) void open((work) => breaker.fire(work));
    for (let i = 0; i < 10; i++) await codeOf(breaker.fire(fail));
    expect(breaker.opened).toBe(Breaker === Door);
  });
});

describe("the window survives the close: one failure opens again", () => {
  test("ours does not", async () => {
    const { breaker, clock } = makeBreaker({
      window: { kind: "time", durationMs: 60_000 },
      halfOpenCalls: 1,
    });
    await callAll(breaker, "-".repeat(10));
    clock.advance(30_000);
    await callAll(breaker, "+-");
    expect(breaker.state).toBe("closed");
  });

  test.each(doors)("%s", async (_, Breaker) => {
    const breaker = new Breaker(run, {
      volumeThreshold: 5,
      resetTimeout: 1_000,
      rollingCountTimeout: 60_000,
    });
    for (let i = 0; i < 5; i++) await codeOf(breaker.fire(fail));
    await advance(1_000);
    await breaker.fire(succeed);
    await codeOf(breaker.fire(fail));
    expect(breaker.closed).toBe(Breaker === Door);
  });
});

describe("a probe that hangs has the circuit refuse for ever", () => {
  test("ours does not: another may ask", async () => {
    const { breaker, clock } = makeBreaker({ minimumCalls: 1, halfOpenCalls: 1, openGrowth: 1 });
    await callAll(breaker, "-");
    clock.advance(30_000);
    void open((work) => breaker.call(work));
    expect(await tryCall(breaker)).toBe("CIRCUIT_HALF_OPEN");
    clock.advance(60_000);
    expect(await tryCall(breaker)).toBe("done");
    expect(breaker.state).toBe("closed");
  });

  test.each(doors)("%s", async (_, Breaker) => {
    const breaker = new Breaker(run, { timeout: false, resetTimeout: 30_000 });
    await codeOf(breaker.fire(fail));
    await advance(30_000);
    void open((work) => breaker.fire(work));
    expect(await codeOf(breaker.fire(succeed))).toBe("EOPENBREAKER");
    await advance(60_000);
    const answer = await codeOf(breaker.fire(succeed));
    expect(answer).toBe(Breaker === Door ? "done" : "EOPENBREAKER");
  });
});

describe("an open circuit, restored, is half-open at once", () => {
  test("ours is not: the rest goes on where it was", async () => {
    const first = makeBreaker({ minimumCalls: 1 });
    first.clock.advance(3_600_000);
    await callAll(first.breaker, "-");
    first.clock.advance(20_000);
    const second = makeBreaker({ minimumCalls: 1 });
    second.breaker.restore(first.breaker.snapshot(), { elapsedMs: 5_000 });
    second.clock.advance(4_999);
    expect(await tryCall(second.breaker)).toBe("CIRCUIT_OPEN");
    second.clock.advance(1);
    expect(await tryCall(second.breaker)).toBe("done");
  });

  test.each(doors)("%s", async (_, Breaker) => {
    const first = new Breaker(fail, { resetTimeout: 30_000 });
    await advance(60_000);
    await codeOf(first.fire());
    await advance(20_000);
    const saved = JSON.parse(JSON.stringify(first.toJSON())) as ReturnType<Door["toJSON"]>;
    const second = new Breaker(succeed, { resetTimeout: 30_000, ...saved });
    expect(second.opened).toBe(Breaker === Door);
    await advance(9_950);
    expect(second.opened).toBe(Breaker === Door);
    await advance(50);
    expect(second.halfOpen).toBe(true);
  });
});

describe("a result of undefined, not in a promise, is a failure (opossum #893)", () => {
  test("ours is not", async () => {
    const { breaker } = makeBreaker();
    expect(await breaker.call(() => undefined)).toBe(undefined);
    expect(breaker.stats().counts).toMatchObject({ success: 1, failure: 0 });
  });

  test.each(doors)("%s", async (_, Breaker) => {
    const breaker = new Breaker(() => undefined);
    const answer = await codeOf(breaker.fire());
    if (Breaker === Door) expect(answer).toBe(undefined);
    else expect(answer).toBeInstanceOf(TypeError);
    expect(breaker.closed).toBe(Breaker === Door);
  });
});

describe("after a pause, old failures leave the window one slice at a time", () => {
  test("ours leave together", async () => {
    const { breaker, clock } = makeBreaker({ window: { kind: "time", durationMs: 10_000 } });
    await callAll(breaker, "-".repeat(9));
    clock.advance(60_000);
    await callAll(breaker, "-");
    expect(breaker.state).toBe("closed");
    expect(breaker.stats().windowCalls).toBe(1);
  });

  test("those of the opossum door leave together", async () => {
    const breaker = new Door(fail, { volumeThreshold: 10 });
    for (let i = 0; i < 9; i++) await codeOf(breaker.fire());
    await advance(60_000);
    await codeOf(breaker.fire());
    expect(breaker.closed).toBe(true);
    expect(breaker.stats.fires).toBe(1);
  });

  test("those of cockatiel 4 do not", async () => {
    const breaker = cockatiel(handleAll, {
      breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 1 }),
      halfOpenAfter: 100,
    });
    for (let i = 0; i < 9; i++) await codeOf(breaker.execute(fail));
    await advance(60_000);
    await codeOf(breaker.execute(fail));
    expect(breaker.state).toBe(CircuitState.Open);
  });
});

describe("1,000 callers hang behind one probe", () => {
  test("ours are refused at once", async () => {
    const { breaker, clock } = makeBreaker({ minimumCalls: 1, halfOpenCalls: 1 });
    await callAll(breaker, "-");
    clock.advance(30_000);
    void open((work) => breaker.call(work));
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => tryCall(breaker)));
    expect(new Set(answers)).toEqual(new Set(["CIRCUIT_HALF_OPEN"]));
  });

  test.each([
    ["so are those of the opossum door", Door],
    ["and of opossum 10", Stock],
  ])("%s", async (_, Breaker) => {
    const breaker = new Breaker(run, { resetTimeout: 100 });
    breaker.open();
    await advance(100);
    void open((work) => breaker.fire(work));
    const calls = Array.from({ length: 1_000 }, () => codeOf(breaker.fire(succeed)));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["EOPENBREAKER"]));
  });

  test("those of cockatiel 4 wait for as long as the probe takes", async () => {
    const breaker = cockatiel(handleAll, {
      breaker: new ConsecutiveBreaker(1),
      halfOpenAfter: 100,
    });
    await codeOf(breaker.execute(fail));
    await advance(100);
    void open((work) => breaker.execute(work));
    let answered = 0;
    for (let i = 0; i < 1_000; i++) void codeOf(breaker.execute(succeed)).then(() => answered++);
    await advance(60_000);
    await turn();
    expect(answered).toBe(0);
  });
});
