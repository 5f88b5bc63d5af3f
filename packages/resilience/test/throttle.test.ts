import { pipelineOn, throttle, timeout } from "@compendium/resilience";
import { ManualClock, type Random, SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { type Ending, note, takes } from "./support/virtual.ts";

let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock();
});

const yes = () => "yes";
const no = () => Promise.reject(new Error("overloaded"));
/** Refuses whenever it may: the draw is always 0; or never: always the greatest. */
const unlucky: Pick<Random, "below"> = { below: () => 0 };
const lucky: Pick<Random, "below"> = { below: (n) => n - 1 };

async function call(policy: ReturnType<typeof throttle>, work: () => unknown): Promise<Ending> {
  const endings: Ending[] = [];
  note(clock, endings, pipelineOn(clock, policy), work);
  await clock.advanceAsync(0);
  return endings[0] as Ending;
}

test("SRE ch. 21: refuses with p = max(0, (requests - K × accepts) / (requests + 1))", () => {
  const outcomes = fc.array(fc.boolean(), { maxLength: 60 });
  return fc.assert(
    fc.asyncProperty(outcomes, fc.constantFrom(1, 1.1, 2, 3), async (accepted, k) => {
      const clock = new ManualClock();
      const policy = throttle({ k, minimumCalls: 0, random: lucky });
      let [requests, accepts] = [0, 0];
      for (const isAccepted of accepted) {
        note(clock, [], pipelineOn(clock, policy), isAccepted ? yes : no);
        requests++;
        if (isAccepted) accepts++;
        await clock.advanceAsync(0);
        const p = Math.max(0, (requests - k * accepts) / (requests + 1));
        expect(policy.stats()).toMatchObject({ requests, accepts, refusalShare: p });
      }
    }),
    { numRuns: 30 },
  );
});

test("the draw is compared in whole numbers, and not made at all while p is 0", async () => {
  const draws: number[] = [];
  let draw = 0;
  const random = {
    below: (n: number) => {
      draws.push(n);
      return draw;
    },
  };
  const policy = throttle({ minimumCalls: 0, random });
  await call(policy, yes);
  expect(draws).toEqual([]);
  // Then 4 of 5 are rejected: p = (5 - 2) / 6 = 1/2.
  draw = 2 ** 32 - 1;
  for (let i = 0; i < 4; i++) await call(policy, no);
  expect(policy.stats().refusalShare).toBe(1 / 2);
  draw = 2 ** 31;
  expect(await call(policy, yes)).toMatchObject({ value: "yes" });
  for (let i = 0; i < 2; i++) await call(policy, no);
  expect(policy.stats()).toMatchObject({ requests: 8, accepts: 2, refusalShare: 4 / 9 });
  draw = Math.floor((4 / 9) * 2 ** 32) - 1;
  expect(await call(policy, yes)).toMatchObject({ code: "THROTTLED" });
  expect(draws.every((n) => n === 2 ** 32)).toBe(true);
});

test("a call that is refused here counts as a request, and does not reach the backend", async () => {
  const policy = throttle({ minimumCalls: 0, random: unlucky });
  await call(policy, no);
  let reached = false;
  const ending = await call(policy, () => {
    reached = true;
  });
  expect(ending).toMatchObject({ code: "THROTTLED" });
  expect(reached).toBe(false);
  expect(policy.stats()).toMatchObject({ requests: 2, accepts: 0, admitted: 1, refused: 1 });
});

test("nobody is refused while the backend accepts 1 in K", async () => {
  const policy = throttle({ k: 2, minimumCalls: 0, random: unlucky });
  for (let i = 0; i < 100; i++) {
    expect(await call(policy, yes)).toMatchObject({ value: "yes" });
    expect(await call(policy, no)).toMatchObject({ error: new Error("overloaded") });
  }
});

test("a burst after a quiet time is not refused for being a burst: calls in flight do not count", async () => {
  const policy = throttle({ minimumCalls: 0, random: unlucky });
  const endings: Ending[] = [];
  for (let i = 0; i < 200; i++) {
    note(clock, endings, pipelineOn(clock, policy), takes(clock, 50, "yes"));
  }
  await clock.advanceAsync(50);
  expect(endings.filter(({ value }) => value === "yes")).toHaveLength(200);
});

test("nobody is refused before minimumCalls are known", async () => {
  const policy = throttle({ random: unlucky });
  for (let i = 0; i < 10; i++) {
    expect(await call(policy, no)).toMatchObject({ error: new Error("overloaded") });
  }
  expect(await call(policy, no)).toMatchObject({ code: "THROTTLED" });
});

test("what is older than the window is forgotten, part by part", async () => {
  const policy = throttle({ windowMs: 1_000, buckets: 10, minimumCalls: 0, random: lucky });
  for (let i = 0; i < 10; i++) {
    await call(policy, no);
    await clock.advanceAsync(100);
  }
  await clock.advanceAsync(400);
  await call(policy, yes);
  expect(policy.stats()).toMatchObject({ requests: 6, accepts: 1 });
  await clock.advanceAsync(100_000);
  await call(policy, yes);
  expect(policy.stats()).toMatchObject({ requests: 1, accepts: 1 });
});

test("a caller who gives up says nothing about the backend; one whose time was up does", async () => {
  const policy = throttle({ minimumCalls: 0, random: lucky });
  const controller = new AbortController();
  const hangs = takes(clock, 1e6, "late");
  note(clock, [], pipelineOn(clock, policy), hangs, { signal: controller.signal });
  controller.abort(new Error("gone"));
  await clock.advanceAsync(0);
  expect(policy.stats().requests).toBe(0);
  note(clock, [], pipelineOn(clock, timeout({ timeoutMs: 16 }), policy), hangs);
  note(clock, [], pipelineOn(clock, policy), hangs, { deadlineInMs: 16 });
  await clock.advanceAsync(16);
  expect(policy.stats()).toMatchObject({ requests: 2, accepts: 0 });
});

test("which outcomes are rejections is for the application to say", async () => {
  const isRejected = (result: PromiseSettledResult<unknown>) =>
    result.status === "fulfilled" && result.value === 503;
  const policy = throttle({ minimumCalls: 0, random: lucky, isRejected });
  await call(policy, () => 503);
  await call(policy, no);
  expect(policy.stats()).toMatchObject({ requests: 2, accepts: 1 });
});

test("an overloaded backend is offered about K times what it takes, and recovers", async () => {
  const policy = throttle({ windowMs: 10_000, buckets: 20, random: new SeededRandom(11) });
  const calls = pipelineOn(clock, policy);
  /** Ten calls each 10 ms to a backend that takes the first `capacity` of them; how many came. */
  const offer = async (steps: number, capacity: number) => {
    let offered = 0;
    for (let step = 0; step < steps; step++) {
      let taken = 0;
      const work = () => {
        offered++;
        return taken++ < capacity ? "yes" : no();
      };
      for (let i = 0; i < 10; i++) note(clock, [], calls, work);
      await clock.advanceAsync(10);
    }
    return offered / steps;
  };
  await offer(1_000, 1);
  const offered = await offer(200, 1);
  expect(offered).toBeGreaterThan(1.6);
  expect(offered).toBeLessThan(2.4);
  await offer(2_500, 10);
  expect(policy.stats().refusalShare).toBe(0);
});

test("options out of range are refused by name", () => {
  expect(() => throttle({ k: 0.9 })).toThrow("k must be a number from 1, got 0.9");
  expect(() => throttle({ windowMs: 0 })).toThrow("windowMs must be a number above 0, got 0");
  expect(() => throttle({ buckets: 1 })).toThrow(/buckets must be a whole number from 2/);
  expect(() => throttle({ minimumCalls: -1 })).toThrow(/minimumCalls must be a whole number/);
});
