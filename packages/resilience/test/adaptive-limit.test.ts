import {
  adaptiveLimit,
  type Call,
  fallback,
  gradient2,
  hedge,
  type Limit,
  type LimitSample,
  pipeline,
  pipelineOn,
  type QueueOptions,
  ResilienceError,
  retry,
  timeout,
} from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import { describeAbort } from "./abort.contract.ts";

/** A limit that does as it is told, and remembers what it was told. */
class Told implements Limit {
  limit: number;
  readonly samples: LimitSample[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  onSample(sample: LimitSample): number {
    this.samples.push(sample);
    return this.limit;
  }
}

/** Work that ends when it is told to. */
function held<T = string>() {
  let succeed = (_: T): void => {};
  let fail = (_: unknown): void => {};
  const promise = new Promise<T>((resolve, reject) => {
    succeed = resolve;
    fail = reject;
  });
  return { work: () => promise, succeed, fail };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const code = (promise: Promise<unknown>) => promise.catch((error) => error.code);

function rig(limit: number, options: { queue?: QueueOptions } = {}) {
  const told = new Told(limit);
  const clock = new ManualClock();
  const policy = adaptiveLimit({ limit: told, ...options });
  return { told, clock, policy, line: pipelineOn(clock, policy) };
}

describe("admission", () => {
  test("as many calls run as the limit says; one more is refused with LIMIT_EXCEEDED", async () => {
    const { line, policy } = rig(2);
    const [first, second] = [held(), held()];
    const running = [line.call(first.work), line.call(second.work)];
    await expect(line.call(() => "third")).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    first.succeed("one");
    second.succeed("two");
    expect(await Promise.all(running)).toEqual(["one", "two"]);
    expect(policy.stats()).toMatchObject({ inFlight: 0, admitted: 2, refused: 1 });
  });

  test("who waits is admitted when a call settles", async () => {
    const { line, policy } = rig(1, { queue: { lengthMax: 1 } });
    const first = held();
    const running = line.call(first.work);
    const waiting = line.call(() => "second");
    expect(policy.stats()).toMatchObject({ inFlight: 1, waiting: 1 });
    first.fail(new Error("failed"));
    await expect(running).rejects.toThrow("failed");
    expect(await waiting).toBe("second");
  });

  test("when the limit grows, everybody whom it then holds is admitted", async () => {
    const { line, policy, told } = rig(1, { queue: { lengthMax: 9 } });
    const works = Array.from({ length: 5 }, () => held());
    const calls = works.map(({ work }) => line.call(work));
    told.limit = 3;
    works[0]?.succeed("");
    await calls[0];
    expect(policy.stats()).toMatchObject({ inFlight: 3, waiting: 1 });
  });

  test("when the limit falls, nobody is admitted until so many have left", async () => {
    const { line, policy, told } = rig(3, { queue: { lengthMax: 9 } });
    const works = Array.from({ length: 4 }, () => held());
    const calls = works.map(({ work }) => line.call(work));
    told.limit = 1;
    works[0]?.succeed("");
    works[1]?.succeed("");
    await Promise.all(calls.slice(0, 2));
    expect(policy.stats()).toMatchObject({ inFlight: 1, waiting: 1 });
    works[2]?.succeed("");
    await calls[2];
    expect(policy.stats()).toMatchObject({ inFlight: 1, waiting: 0 });
  });

  test("an abort settles who waits in the same turn, and its work never starts", async () => {
    const { line } = rig(1, { queue: { lengthMax: 1 } });
    line.call(held().work);
    const controller = new AbortController();
    let started = false;
    const options = { signal: controller.signal };
    const waiting = line.call(() => {
      started = true;
    }, options);
    let settled = false;
    waiting.catch(() => {
      settled = true;
    });
    controller.abort(new Error("enough"));
    await Promise.resolve();
    await Promise.resolve();
    await turn();
    expect(settled).toBe(true);
    expect(started).toBe(false);
  });

  test("a place is kept until work that a timeout gave up on is over", async () => {
    const clock = new ManualClock();
    const told = new Told(1);
    const policy = adaptiveLimit({ limit: told, queue: { lengthMax: 1 } });
    const line = pipelineOn(clock, policy, timeout({ timeoutMs: 50 }));
    const slow = held();
    const answer = code(line.call(slow.work));
    const waiting = line.call(() => "next");
    await clock.advanceAsync(100);
    expect(await answer).toBe("TIMEOUT");
    expect(policy.stats().inFlight).toBe(1);
    expect(told.samples).toMatchObject([{ dropped: true }]);
    slow.succeed("late");
    expect(await waiting).toBe("next");
    expect(policy.stats().inFlight).toBe(0);
  });

  test("a policy further in that throws instead of rejecting costs no place", async () => {
    const broken = {
      kind: "custom" as const,
      run(): never {
        throw new Error("broken");
      },
    };
    const policy = adaptiveLimit({ limit: new Told(1) });
    const line = pipeline(policy, broken);
    await expect(line.call(() => 1)).rejects.toThrow("broken");
    expect(policy.stats().inFlight).toBe(0);
  });

  test("neither does a predicate that throws", async () => {
    const policy = adaptiveLimit({
      limit: new Told(1),
      isDropped: () => {
        throw new Error("predicate");
      },
    });
    const line = pipeline(policy);
    await expect(line.call(() => 1)).rejects.toThrow("predicate");
    expect(policy.stats().inFlight).toBe(0);
  });
});

describe("what the limit is told", () => {
  test("the time of an answer from start to settle, and the calls in flight at its start", async () => {
    const { line, clock, told } = rig(5);
    const [first, second] = [held(), held()];
    const calls = [line.call(first.work), line.call(second.work)];
    clock.advance(30);
    second.succeed("");
    first.succeed("");
    await Promise.all(calls);
    const common = { rttMs: 30, nowMs: 30, dropped: false };
    expect(told.samples).toEqual([
      { ...common, inFlight: 2 },
      { ...common, inFlight: 1 },
    ]);
  });

  test.each(["TIMEOUT", "DEADLINE_EXCEEDED"] as const)("%s is a loss", async (name) => {
    const { line, told } = rig(5);
    await code(line.call(() => Promise.reject(new ResilienceError(name, ""))));
    expect(told.samples).toMatchObject([{ dropped: true }]);
  });

  test("so is a timeout that stands further out, whatever the work answers then", async () => {
    const clock = new ManualClock();
    const told = new Told(5);
    const line = pipelineOn(clock, timeout({ timeoutMs: 50 }), adaptiveLimit({ limit: told }));
    const slow = held();
    const answer = code(line.call(slow.work));
    await clock.advanceAsync(100);
    slow.succeed("late");
    expect(await answer).toBe("TIMEOUT");
    await turn();
    expect(told.samples).toMatchObject([{ dropped: true }]);
  });

  test("and what isDropped says, be it an answer", async () => {
    const told = new Told(5);
    const isDropped = (result: PromiseSettledResult<unknown>) =>
      result.status === "fulfilled" && (result.value as { status: number }).status === 503;
    const line = pipeline(adaptiveLimit({ limit: told, isDropped }));
    await line.call(() => ({ status: 200 }));
    await line.call(() => ({ status: 503 }));
    expect(told.samples.map(({ dropped }) => dropped)).toEqual([false, true]);
  });

  test("nothing of failures, refusals further in, and callers who gave up", async () => {
    const { line, policy, told } = rig(5);
    await code(line.call(() => Promise.reject(new Error("failed fast"))));
    await code(line.call(() => Promise.reject(new ResilienceError("BULKHEAD_FULL", ""))));
    const controller = new AbortController();
    const slow = held();
    const call = line.call(slow.work, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    slow.succeed("late");
    await turn();
    expect(told.samples).toEqual([]);
    expect(policy.stats()).toMatchObject({ ignored: 3, dropped: 0, inFlight: 0 });
  });
});

describe("partitions", () => {
  const shares = { live: 0.75, batch: 0.25 };
  const classify = (call: Call) => call.key ?? "unknown";

  function partitioned(limit: number, lengthMax = 0) {
    const told = new Told(limit);
    const policy = adaptiveLimit({
      limit: told,
      queue: { lengthMax },
      partitions: { shares, classify },
    });
    const line = pipeline(policy);
    const start = (key: string) => {
      const { work, succeed } = held();
      return { answer: line.call(work, { key }), succeed };
    };
    return { policy, start };
  }

  test("what one class does not use, another may borrow", () => {
    const { policy, start } = partitioned(4);
    for (let i = 0; i < 4; i++) start("batch");
    expect(policy.stats().classes).toMatchObject({ batch: { inFlight: 4 } });
  });

  test("no class goes over the limit, not even below its share", async () => {
    const { start } = partitioned(4);
    for (let i = 0; i < 4; i++) start("batch");
    expect(await code(start("live").answer)).toBe("LIMIT_EXCEEDED");
  });

  test("a place that becomes free goes to the class that has least of its share", async () => {
    const { policy, start } = partitioned(4, 9);
    const borrowed = Array.from({ length: 4 }, () => start("batch"));
    start("batch");
    for (let i = 0; i < 5; i++) start("live");
    for (const { succeed } of borrowed.slice(0, 3)) succeed("");
    await Promise.all(borrowed.slice(0, 3).map(({ answer }) => answer));
    expect(policy.stats().classes).toMatchObject({
      live: { inFlight: 3, waiting: 2 },
      batch: { inFlight: 1, waiting: 1 },
    });
  });

  test("a class without a share is one of the others; with nothing left to them, they only borrow", async () => {
    const { policy, start } = partitioned(1, 9);
    const first = start("somebody");
    expect(policy.stats().classes).toMatchObject({ other: { share: 0, inFlight: 1 } });
    start("somebody");
    start("batch");
    first.succeed("");
    await first.answer;
    expect(policy.stats().classes).toMatchObject({
      batch: { inFlight: 1 },
      other: { inFlight: 0, waiting: 1 },
    });
  });

  test("without a classifier, criticality is the class", () => {
    const policy = adaptiveLimit({
      limit: new Told(4),
      partitions: { shares: { critical: 0.9, sheddable: 0.1 } },
    });
    pipeline(policy).call(held().work, { criticality: "sheddable" });
    expect(policy.stats().classes).toMatchObject({ sheddable: { inFlight: 1 } });
  });
});

test.each([
  [{ limit: undefined as never }, TypeError, "limit must be a limit such as gradient2()"],
  [
    { limit: gradient2(), partitions: { shares: { live: 0.9, batch: 0.2 } } },
    RangeError,
    "partitions.shares.batch must be above 0, and all shares at most 1 together, got 0.2",
  ],
  [{ limit: gradient2(), partitions: { shares: { live: 0 } } }, RangeError, "shares.live"],
  [{ limit: gradient2(), queue: { lengthMax: -1 } }, RangeError, "queue.lengthMax"],
])("misuse names the option, the value and the range (%#)", (options, type, message) => {
  expect(() => adaptiveLimit(options)).toThrow(type);
  expect(() => adaptiveLimit(options)).toThrow(message);
});

test("through a whole pipeline: at five times the load, nine tenths of capacity are useful", async () => {
  const clock = new ManualClock();
  const limit = gradient2();
  const line = pipelineOn(clock, adaptiveLimit({ limit }), timeout({ timeoutMs: 100 }));
  // Ten workers of 20 ms, and a backlog that knows no end.
  const backlog: (() => void)[] = [];
  let idle = 10;
  const serve = () => {
    const done = idle > 0 ? backlog.shift() : undefined;
    if (done === undefined) return;
    idle--;
    clock.setTimer(clock.now() + 20, () => {
      idle++;
      done();
      serve();
    });
  };
  const work = () =>
    new Promise<void>((done) => {
      backlog.push(done);
      serve();
    });
  let useful = 0;
  for (let ms = 0; ms < 3_000; ms++) {
    // 2.5 calls a millisecond, where the workers can do 0.5.
    for (let i = 0; i < 2 + (ms % 2); i++) {
      line.call(work).then(
        () => {
          if (ms >= 1_000) useful++;
        },
        () => {},
      );
    }
    await clock.advanceAsync(1);
  }
  expect(useful / (0.5 * 2_000)).toBeGreaterThan(0.9);
});

test("a retry does not repeat a call that the limit refused", async () => {
  const policy = adaptiveLimit({ limit: new Told(1) });
  const line = pipeline(retry({ evenIfNotIdempotent: true }), policy);
  line.call(held().work);
  expect(await code(line.call(() => 1))).toBe("LIMIT_EXCEEDED");
  expect(policy.stats().refused).toBe(1);
});

test("nothing that repeats, doubles or hides outcomes may stand inside", () => {
  const limit = () => adaptiveLimit({ limit: gradient2() });
  expect(() => pipeline(limit(), retry())).toThrow("put the retry outside");
  expect(() => pipeline(limit(), hedge({ delayMs: 10 }))).toThrow("put the hedge outside");
  expect(() =>
    pipeline(
      limit(),
      fallback(() => 1),
    ),
  ).toThrow("put it outside");
});

describeAbort("adaptive limit", () => [adaptiveLimit({ limit: gradient2({ limitMax: 2 }) })]);
describeAbort("adaptive limit with a queue and classes", () => [
  adaptiveLimit({
    limit: gradient2({ limitMax: 2 }),
    queue: { lengthMax: 2, waitMsMax: 30 },
    partitions: { shares: { critical: 0.5, sheddable: 0.5 } },
  }),
]);
