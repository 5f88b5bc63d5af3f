// DESIGN.md: "Ten thousand idle breakers or buckets cost no CPU", and memory that does not grow.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CircuitBreaker } from "@compendium/circuit-breaker";
import {
  bulkhead,
  circuitBreaker,
  type Pipeline,
  pipeline,
  pipelineOn,
  RetryBudget,
  retry,
  timeout,
} from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import { expect, test } from "vitest";
import { fail, succeed } from "./core/helpers.ts";

const policies = () => [
  retry({ attemptsMax: 2, budget: new RetryBudget() }),
  circuitBreaker(new CircuitBreaker()),
  timeout({ timeoutMs: 1_000 }),
  bulkhead({ concurrencyMax: 10, queue: { lengthMax: 10, codel: {} } }),
];

test("10,000 idle pipelines set no timer, and hold no handle of the process", async () => {
  const clock = new ManualClock();
  const before = process.getActiveResourcesInfo();
  const idle: Pipeline[] = [];
  for (let i = 0; i < 10_000; i++) idle.push(pipelineOn(clock, ...policies()));
  expect(clock.pendingTimers).toBe(0);
  // One call each, and the one wheel that they share comes to rest.
  for (const calls of idle) await calls.call(succeed);
  expect(clock.pendingTimers).toBe(1);
  await clock.advanceAsync(200);
  expect(clock.pendingTimers).toBe(0);
  expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before.length);
});

test("100,000 calls leave nothing on the heap, however they end", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { signal } = new AbortController();
  const calls = pipeline(...policies());
  const options = [{}, { signal }, { deadlineInMs: 1_000 }, { signal, deadlineInMs: 1_000 }];
  const run = async (times: number) => {
    for (let i = 0; i < times; i++) {
      const work: () => Promise<unknown> = i % 10 === 0 ? fail : succeed;
      await calls.call(work, options[i % 4]).catch(() => {});
    }
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await run(5_000);
  // A megabyte would be ten bytes a call.
  expect((await run(100_000)) - before).toBeLessThan(1_000_000);
});
