// The checks of a whole cluster, in virtual time: hosts that come and go, several checks of one.
import { ManualClock, SeededRandom } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import { type Host, makeHost } from "../../src/cluster/host.ts";
import type { HealthCheckConfig } from "../../src/config/cluster-config.ts";
import { ClusterHealth } from "../../src/health/cluster-health.ts";
import type { Probe } from "../../src/health/health-checker.ts";
import { healthCheck } from "./config.ts";

const hostOf = (name: string): Host =>
  makeHost({ address: `${name}:1`, port: 1, isHealthy: false });

function setUp(checks: readonly HealthCheckConfig[]) {
  const clock = new ManualClock();
  // What the probe of a check says of a host: "healthy" unless it is told otherwise.
  const lost = new Set<string>();
  const asked: string[] = [];
  const told: string[] = [];
  const probeOf = (config: HealthCheckConfig): Probe => {
    const number = checks.indexOf(config);
    return async ({ address }) => {
      asked.push(`${number} ${address}`);
      if (lost.has(`${number} ${address}`)) throw new Error("lost");
      return "healthy";
    };
  };
  const health = new ClusterHealth({
    checks,
    probeOf,
    clock,
    random: new SeededRandom(1),
    hasTraffic: () => true,
    onChecked: ({ address, isHealthy }, hasChanged) =>
      void told.push(`${address} ${isHealthy} ${hasChanged}`),
  });
  return { clock, lost, asked, told, health };
}

describe("the health of a cluster", () => {
  test("every host is asked at once when it comes, and no longer when it has left", async () => {
    const { clock, asked, health } = setUp([healthCheck()]);
    const [a, b] = [hostOf("a"), hostOf("b")];
    health.follow({ added: [a, b], removed: [] });
    expect(health.isJudged).toBe(false);
    await clock.advanceAsync(0);
    expect(asked).toEqual(["0 a:1", "0 b:1"]);
    expect([health.isJudged, a.isHealthy, b.isHealthy]).toEqual([true, true, true]);
    health.follow({ added: [], removed: [a] });
    await clock.advanceAsync(5_000);
    expect(asked).toEqual(["0 a:1", "0 b:1", "0 b:1"]);
    expect(health.numbers.attempts).toBe(3);
    health[Symbol.dispose]();
    expect(clock.pendingTimers).toBe(0);
    expect(health.numbers.attempts).toBe(3);
  });

  test("a host that has left before it was asked is not waited for", () => {
    const { health } = setUp([healthCheck()]);
    const host = hostOf("a");
    health.follow({ added: [host], removed: [] });
    expect(health.isJudged).toBe(false);
    health.follow({ added: [], removed: [host] });
    expect(health.isJudged).toBe(true);
  });

  test("a host is well when every check says so, and sick when one does not", async () => {
    const checks = [healthCheck(), healthCheck({ intervalMs: 7_000, unhealthyThreshold: 1 })];
    const { clock, lost, told, health } = setUp(checks);
    const host = hostOf("a");
    lost.add("1 a:1");
    health.follow({ added: [host], removed: [] });
    await clock.advanceAsync(0);
    expect([health.isJudged, host.isHealthy]).toEqual([true, false]);
    lost.clear();
    await clock.advanceAsync(2_000);
    expect(host.isHealthy).toBe(false);
    await clock.advanceAsync(7_000);
    expect([host.isHealthy, host.healthySinceMs]).toEqual([true, 9_000]);
    expect(told.filter((line) => line.endsWith("true true"))).toEqual(["a:1 true true"]);
    lost.add("1 a:1");
    await clock.advanceAsync(7_000);
    expect([host.isHealthy, told.at(-1)]).toEqual([false, "a:1 false true"]);
    health[Symbol.dispose]();
  });

  test("slow start begins anew when a host has come back, and not before", async () => {
    const { clock, lost, health } = setUp([healthCheck({ unhealthyThreshold: 1 })]);
    const host = hostOf("a");
    health.follow({ added: [host], removed: [] });
    await clock.advanceAsync(0);
    lost.add("0 a:1");
    await clock.advanceAsync(5_000);
    lost.clear();
    await clock.advanceAsync(2_000);
    expect([host.isHealthy, host.healthySinceMs]).toEqual([false, 0]);
    await clock.advanceAsync(5_000);
    expect([host.isHealthy, host.healthySinceMs]).toEqual([true, 12_000]);
    health[Symbol.dispose]();
  });

  test("an answer that says so makes a host sick at once", async () => {
    const { clock, health } = setUp([healthCheck()]);
    const host = hostOf("a");
    health.follow({ added: [host], removed: [] });
    await clock.advanceAsync(0);
    health.failNow(host);
    expect(host.isHealthy).toBe(false);
    health[Symbol.dispose]();
    health.failNow(host);
    expect(health.numbers).toMatchObject({ attempts: 1, failures: 1 });
  });
});
