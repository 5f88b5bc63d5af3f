// The health check of one host, in virtual time, with probes that answer as told.
import { ManualClock, SeededRandom } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import { type Host, makeHost } from "../../src/cluster/host.ts";
import type { HealthCheckConfig } from "../../src/config/cluster-config.ts";
import { HealthChecker } from "../../src/health/health-checker.ts";
import { healthCheck } from "./config.ts";

type Answer = "healthy" | "unhealthy" | "lost" | "late";

const defaults = healthCheck();

function setUp(config: Partial<HealthCheckConfig> = {}, more: { hasTraffic?: boolean } = {}) {
  const clock = new ManualClock();
  const host = makeHost({ address: "a:1", port: 1 });
  const answers: Answer[] = [];
  const signals: AbortSignal[] = [];
  const probedAtMs: number[] = [];
  const told: boolean[] = [];
  const probe = async (_host: Host, signal: AbortSignal): Promise<"healthy" | "unhealthy"> => {
    signals.push(signal);
    probedAtMs.push(clock.now());
    const answer = answers.shift() ?? "healthy";
    if (answer === "lost") throw new Error("no route");
    if (answer === "late") {
      await new Promise<void>((resolve) => clock.setTimer(clock.now() + 1_500, resolve));
      return "healthy";
    }
    return answer;
  };
  const checker = new HealthChecker({
    host,
    config: { ...defaults, ...config },
    probe,
    clock,
    random: new SeededRandom(1),
    hasTraffic: () => more.hasTraffic ?? true,
    onChecked: (isHealthy) => void told.push(isHealthy),
  });
  /** Lets the checker live for that long with these answers. */
  const live = async (forMs: number, ...some: Answer[]): Promise<boolean> => {
    answers.push(...some);
    checker.start();
    await clock.advanceAsync(forMs);
    return told.at(-1) ?? false;
  };
  return { clock, checker, live, signals, probedAtMs, told };
}

describe("a health check", () => {
  test("makes a host healthy with the first success, whatever the threshold", async () => {
    const { live, probedAtMs, told } = setUp();
    expect(await live(0)).toBe(true);
    expect(probedAtMs).toEqual([0]);
    expect(told).toEqual([true]);
  });

  test("only with the very first: after a failure it takes healthyThreshold in a row", async () => {
    const { live } = setUp();
    expect(await live(0, "lost", "healthy", "unhealthy", "healthy", "healthy")).toBe(false);
    expect(await live(2_000)).toBe(false);
    expect(await live(5_000)).toBe(false);
    expect(await live(2_000)).toBe(false);
    expect(await live(5_000)).toBe(true);
  });

  test("makes a host unhealthy after unhealthyThreshold probes in a row without an answer", async () => {
    const { live, told } = setUp();
    await live(0, "healthy", "lost", "lost", "healthy", "lost", "lost", "lost");
    expect(await live(5_000 + 2_000 + 2_000 + 5_000 + 2_000)).toBe(true);
    expect(await live(2_000)).toBe(false);
    expect(told).toEqual([true, true, true, true, true, true, false]);
  });

  test("believes an answer of unhealthy at once", async () => {
    const { live } = setUp();
    await live(0, "healthy", "unhealthy");
    expect(await live(5_000)).toBe(false);
  });

  test("takes a probe that has not ended in time for lost, stops it, and does not hear it later", async () => {
    const { live, checker, signals } = setUp({ unhealthyThreshold: 1 });
    await live(0, "healthy", "late", "unhealthy");
    expect(await live(5_999)).toBe(true);
    expect(signals[1]!.aborted).toBe(false);
    expect(await live(1)).toBe(false);
    expect(signals[1]!.aborted).toBe(true);
    await live(600);
    expect(checker.numbers).toEqual({
      attempts: 2,
      successes: 1,
      failures: 1,
      networkFailures: 1,
    });
  });

  test("pauses after the end of a probe: by state, and long without traffic", async () => {
    const { live, probedAtMs } = setUp();
    await live(0, "healthy", "late", "healthy");
    await live(13_000);
    // A pause of 5,000; 1,000 until the timeout and a pause of 2,000; a pause of 5,000.
    expect(probedAtMs).toEqual([0, 5_000, 8_000, 13_000]);

    const idle = setUp({}, { hasTraffic: false });
    await idle.live(60_000);
    expect(idle.probedAtMs).toEqual([0, 60_000]);
  });

  test("adds jitter below intervalJitterMs", async () => {
    const { live, probedAtMs } = setUp({ intervalJitterMs: 1_000 });
    await live(600_000);
    const pauses = probedAtMs.slice(1).map((at, i) => at - probedAtMs[i]!);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...pauses)).toBeLessThan(6_000);
    expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(500);
  });

  test("can be told of a failure by somebody else, which counts at once", async () => {
    const { live, checker, told } = setUp();
    await live(0);
    checker.failNow();
    expect(told).toEqual([true, false]);
    expect(checker.numbers.failures).toBe(1);
    expect(checker.numbers.networkFailures).toBe(0);
  });

  test("a probe that throws instead of rejecting is lost, too", async () => {
    const clock = new ManualClock();
    const told: boolean[] = [];
    const checker = new HealthChecker({
      host: makeHost({ address: "a:1", port: 1 }),
      config: defaults,
      probe: () => {
        throw new Error("at once");
      },
      clock,
      random: new SeededRandom(1),
      hasTraffic: () => true,
      onChecked: (isHealthy) => void told.push(isHealthy),
    });
    checker.start();
    await clock.advanceAsync(0);
    expect(told).toEqual([false]);
    expect(checker.numbers.networkFailures).toBe(1);
    checker[Symbol.dispose]();
  });

  test("leaves nothing behind when it is disposed: no timer, no probe, no verdict", async () => {
    const pausing = setUp();
    await pausing.live(0);
    expect(pausing.clock.pendingTimers).toBe(1);
    pausing.checker[Symbol.dispose]();
    expect(pausing.clock.pendingTimers).toBe(0);

    const probing = setUp();
    await probing.live(0, "late");
    probing.checker[Symbol.dispose]();
    expect(probing.signals[0]!.aborted).toBe(true);
    await probing.clock.advanceAsync(10_000);
    expect(probing.told).toEqual([]);
    probing.checker.failNow();
    probing.checker.start();
    expect(probing.checker.numbers.attempts).toBe(1);
    expect(probing.checker.numbers.failures).toBe(0);
  });

  test("may be disposed by whom it tells", async () => {
    const clock = new ManualClock();
    const checker: HealthChecker = new HealthChecker({
      host: makeHost({ address: "a:1", port: 1, isHealthy: false }),
      config: defaults,
      probe: async () => "healthy",
      clock,
      random: new SeededRandom(1),
      hasTraffic: () => true,
      onChecked: () => checker[Symbol.dispose](),
    });
    checker.start();
    await clock.advanceAsync(60_000);
    expect(clock.pendingTimers).toBe(0);
    expect(checker.numbers.attempts).toBe(1);
  });
});
