// Outlier detection, by the sentences of Envoy's documentation, and against the model.
import { SeededRandom } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import type { OutlierConfig } from "../../src/config/cluster-config.ts";
import { OutlierDetector } from "../../src/outlier/outlier-detector.ts";
import { rateThreshold } from "../../src/outlier/success-rate.ts";
import { makeHosts } from "../balance/helpers.ts";
import { defaults } from "./config.ts";
import { checkOutlierSeed } from "./model-check.ts";

function setUp(config: Partial<OutlierConfig> = {}, count = 10) {
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const changes: string[] = [];
  const detector = new OutlierDetector({
    config: { ...defaults, ...config },
    clock,
    random: new SeededRandom(1),
    onChange: (_host, kind) => changes.push(kind),
  });
  const hosts = makeHosts(count);
  detector.setHosts(hosts);
  const [first] = hosts;
  const sweep = (afterMs: number = defaults.intervalMs): void => {
    clock.nowMs += afterMs;
    detector.sweep();
  };
  const answer = (host: number, successes: number, failures: number): void => {
    for (let i = 0; i < successes; i++) detector.reportStatus(hosts[host]!, 200);
    for (let i = 0; i < failures; i++) detector.reportStatus(hosts[host]!, 500);
  };
  return { detector, hosts, first: first!, sweep, answer, changes, clock };
}

const fiveFailures = (detector: OutlierDetector, host: Parameters<typeof detector.report>[0]) => {
  for (let i = 0; i < 5; i++) detector.reportStatus(host, 500);
};

describe("consecutive failures", () => {
  test("five 5xx in a row eject, four do not", () => {
    const { detector, first, changes } = setUp();
    for (let i = 0; i < 4; i++) detector.reportStatus(first, 500);
    expect(first.isEjected).toBe(false);
    detector.reportStatus(first, 503);
    expect(first.isEjected).toBe(true);
    expect(detector.numbers.enforced["consecutive-5xx"]).toBe(1);
    expect(detector.numbers.active).toBe(1);
    expect(changes).toEqual(["consecutive-5xx"]);
  });

  test("anything else ends the run", () => {
    const { detector, first } = setUp();
    for (let i = 0; i < 20; i++) detector.reportStatus(first, i % 5 === 4 ? 404 : 500);
    expect(first.isEjected).toBe(false);
  });

  test("502, 503 and 504 are gateway failures; by default they are found and not enforced", () => {
    const { detector, first } = setUp({ consecutive5xx: 100 });
    for (const status of [502, 503, 504, 502, 503]) detector.reportStatus(first, status);
    expect(detector.numbers.detected["consecutive-gateway-failure"]).toBe(1);
    expect(first.isEjected).toBe(false);
    // A 500 ends a run of gateway failures, and not one of 5xx.
    for (const status of [502, 502, 502, 502, 500, 502]) detector.reportStatus(first, status);
    expect(detector.numbers.detected["consecutive-gateway-failure"]).toBe(1);
  });

  test("a run that was found counts from the beginning again", () => {
    const { detector, first } = setUp({ enforcingConsecutive5xx: 0 });
    fiveFailures(detector, first);
    fiveFailures(detector, first);
    expect(detector.numbers.detected["consecutive-5xx"]).toBe(2);
  });

  test("without a split, what happens on the way counts as 503, 504 or 500", () => {
    const { detector, first } = setUp({ enforcingConsecutiveGatewayFailure: 100 });
    detector.report(first, "connected");
    for (const result of ["connect-failed", "timed-out", "connect-failed"] as const) {
      detector.report(first, result);
      detector.report(first, "connected");
    }
    detector.report(first, "timed-out", 504);
    expect(first.isEjected).toBe(false);
    detector.report(first, "connect-failed");
    expect(detector.numbers.enforced["consecutive-gateway-failure"]).toBe(1);
  });

  test("split, local failures have a series of their own, which a connection ends", () => {
    const { detector, first } = setUp({ splitsLocalOrigin: true });
    for (let i = 0; i < 4; i++) detector.report(first, "connect-failed");
    detector.report(first, "connected");
    for (let i = 0; i < 4; i++) detector.report(first, "timed-out");
    expect(first.isEjected).toBe(false);
    detector.reportStatus(first, 200);
    detector.report(first, "connect-failed");
    expect(detector.numbers.enforced["consecutive-local-origin-failure"]).toBe(1);
    expect(detector.numbers.detected["consecutive-5xx"]).toBe(0);
  });

  test("a host that is not of the cluster any more is not counted", () => {
    const { detector, hosts, first } = setUp();
    detector.setHosts(hosts.slice(1));
    fiveFailures(detector, first);
    expect(first.isEjected).toBe(false);
  });
});

describe("how many may be out", () => {
  test("the percentage holds for all hosts: of ten, one at 10 %", () => {
    const { detector, hosts } = setUp();
    for (const host of hosts) fiveFailures(detector, host);
    expect(hosts.filter((host) => host.isEjected)).toHaveLength(1);
    expect(detector.numbers.overflow).toBe(9);
  });

  test("of nine, none, unless one is always allowed", () => {
    for (const alwaysEjectsOneHost of [false, true]) {
      const { detector, hosts } = setUp({ alwaysEjectsOneHost }, 9);
      for (const host of hosts) fiveFailures(detector, host);
      const out = hosts.filter((host) => host.isEjected).length;
      expect(out).toBe(alwaysEjectsOneHost ? 1 : 0);
    }
  });

  test("a host that leaves while it is out makes room", () => {
    const { detector, hosts, first } = setUp();
    fiveFailures(detector, first);
    detector.setHosts([...hosts.slice(1), ...makeHosts(1, { hostname: "new" })]);
    expect(detector.numbers.active).toBe(0);
    fiveFailures(detector, hosts[1]!);
    expect(hosts[1]!.isEjected).toBe(true);
  });

  test("is found by chance: a percentage of 30 enforces about 30 of 100", () => {
    const { detector, first } = setUp({
      enforcingConsecutive5xx: 30,
      ejectionPercentMax: 100,
      baseEjectionTimeMs: 0,
    });
    let ejected = 0;
    for (let i = 0; i < 1_000; i++) {
      fiveFailures(detector, first);
      if (first.isEjected) ejected++;
      detector.healthCheckPassed(first);
    }
    expect(detector.numbers.detected["consecutive-5xx"]).toBe(1_000);
    expect(Math.abs(ejected - 300)).toBeLessThan(75);
  });
});

describe("how long a host is out", () => {
  test("the base time multiplied by the number of ejections, up to the maximum", () => {
    const { detector, first, sweep } = setUp({ ejectionTimeMsMax: 100_000 });
    const times: number[] = [];
    for (let i = 0; i < 6; i++) {
      fiveFailures(detector, first);
      let sweeps = 0;
      for (; first.isEjected; sweeps++) sweep();
      times.push(sweeps * 10_000);
    }
    // 30, 60, 90 s; then 120 s would exceed the maximum.
    expect(times).toEqual([30_000, 60_000, 90_000, 100_000, 100_000, 100_000]);
    expect(detector.ejectionsOf(first)).toBe(6);
  });

  test("a backoff stops rising one base time above the maximum", () => {
    const { detector, first, sweep } = setUp({ ejectionTimeMsMax: 60_000 });
    for (let i = 0; i < 10; i++) {
      fiveFailures(detector, first);
      while (first.isEjected) sweep();
    }
    // Three is the most: after two quiet intervals, one is left, and the next ejection is the
    // second.
    sweep();
    sweep();
    fiveFailures(detector, first);
    let sweeps = 0;
    for (; first.isEjected; sweeps++) sweep();
    expect(sweeps).toBe(6);
    // Three quiet intervals more bring it back to nothing, and the next to the first.
    for (let i = 0; i < 4; i++) sweep();
    fiveFailures(detector, first);
    for (sweeps = 0; first.isEjected; sweeps++) sweep();
    expect(sweeps).toBe(3);
  });

  test("the sweep on which it returns is not a quiet interval", () => {
    const { detector, first, sweep } = setUp();
    fiveFailures(detector, first);
    for (let i = 0; i < 3; i++) sweep();
    expect(first.isEjected).toBe(false);
    fiveFailures(detector, first);
    for (let i = 0; i < 5; i++) sweep();
    expect(first.isEjected).toBe(true);
    sweep();
    expect(first.isEjected).toBe(false);
  });

  test("jitter is added, at most ejectionTimeJitterMsMax, and differs", () => {
    const jitter = { ejectionTimeJitterMsMax: 20_000, ejectionPercentMax: 100 };
    const { detector, hosts, sweep } = setUp(jitter, 50);
    for (const host of hosts) fiveFailures(detector, host);
    const outAfter = (ms: number): number => {
      sweep(ms);
      return hosts.filter((host) => host.isEjected).length;
    };
    expect(outAfter(29_999)).toBe(50);
    const half = outAfter(10_001);
    expect(half).toBeGreaterThan(10);
    expect(half).toBeLessThan(40);
    expect(outAfter(10_000)).toBe(0);
  });

  test("a host that returns has forgotten its failures", () => {
    const { detector, first, sweep } = setUp();
    for (let i = 0; i < 9; i++) detector.reportStatus(first, 500);
    for (let i = 0; i < 3; i++) sweep();
    for (let i = 0; i < 4; i++) detector.reportStatus(first, 500);
    expect(first.isEjected).toBe(false);
    detector.reportStatus(first, 500);
    expect(first.isEjected).toBe(true);
  });

  test("an active health check that succeeds brings it back at once", () => {
    const { detector, first, changes } = setUp();
    fiveFailures(detector, first);
    first.isHealthy = false;
    detector.healthCheckPassed(first);
    expect(first.isEjected).toBe(true);
    first.isHealthy = true;
    detector.healthCheckPassed(first);
    expect(first.isEjected).toBe(false);
    expect(changes).toEqual(["consecutive-5xx", "returned"]);
  });
});

describe("success rate", () => {
  test("of {50, 100, 100, 100, 100} the threshold is 52", () => {
    expect(rateThreshold([50, 100, 100, 100, 100], 1.9)).toEqual({ mean: 90, threshold: 52 });
  });

  const only = { consecutive5xx: 1_000, ejectionPercentMax: 100 };

  test("ejects the host at 50 of 100 among five, on the sweep", () => {
    const { detector, hosts, first, answer, sweep } = setUp(only, 5);
    answer(0, 50, 50);
    for (let i = 1; i < 5; i++) answer(i, 100, 0);
    expect(first.isEjected).toBe(false);
    sweep();
    expect(hosts.map((host) => host.isEjected)).toEqual([true, false, false, false, false]);
    expect(detector.thresholds.external).toEqual({ mean: 90, threshold: 52 });
    expect(detector.numbers.enforced["success-rate"]).toBe(1);
  });

  test("exactly on the threshold is no outlier", () => {
    // Of {0, 100} with a factor of 1: mean 50, deviation 50, threshold 0.
    const exact = { ...only, successRateMinimumHosts: 2, successRateStdevFactor: 1_000 };
    const { detector, first, answer, sweep } = setUp(exact, 2);
    answer(0, 0, 100);
    answer(1, 100, 0);
    sweep();
    expect(detector.thresholds.external).toEqual({ mean: 50, threshold: 0 });
    expect(first.isEjected).toBe(false);
  });

  test("needs 100 requests in the interval, of at least five hosts", () => {
    for (const volume of [99, 100]) {
      const { first, answer, sweep } = setUp(only, 5);
      answer(0, 10, 90);
      for (let i = 1; i < 4; i++) answer(i, 100, 0);
      answer(4, volume, 0);
      sweep();
      expect(first.isEjected).toBe(volume === 100);
    }
  });

  test("counts one interval only", () => {
    const { first, answer, sweep } = setUp(only, 5);
    answer(0, 0, 99);
    for (let i = 1; i < 5; i++) answer(i, 100, 0);
    sweep();
    answer(0, 0, 99);
    for (let i = 1; i < 5; i++) answer(i, 100, 0);
    sweep();
    expect(first.isEjected).toBe(false);
  });

  test("of local origin is judged by itself", () => {
    const { detector, hosts, sweep } = setUp({ ...only, splitsLocalOrigin: true }, 5);
    for (const host of hosts) {
      for (let i = 0; i < 100; i++) {
        detector.report(host, host === hosts[2] && i % 2 === 0 ? "connect-failed" : "connected");
        detector.reportStatus(host, 200);
      }
    }
    sweep();
    expect(hosts[2]!.isEjected).toBe(true);
    expect(detector.numbers.enforced["local-origin-success-rate"]).toBe(1);
    expect(detector.thresholds.external?.mean).toBe(100);
  });
});

describe("failure percentage", () => {
  const only = {
    consecutive5xx: 1_000,
    ejectionPercentMax: 100,
    enforcingFailurePercentage: 100,
    enforcingSuccessRate: 0,
  };

  test("ejects at 85 % of 100 requests, and not at 84 %", () => {
    const { hosts, answer, sweep } = setUp(only, 5);
    answer(0, 15, 85);
    answer(1, 16, 84);
    for (let i = 2; i < 5; i++) answer(i, 50, 0);
    sweep();
    expect(hosts.map((host) => host.isEjected)).toEqual([true, false, false, false, false]);
  });

  test("does not mind if all hosts fail alike", () => {
    const { detector, hosts, answer, sweep } = setUp({ ...only, enforcingSuccessRate: 100 }, 5);
    for (const i of hosts.keys()) answer(i, 0, 50);
    sweep();
    expect(hosts.every((host) => host.isEjected)).toBe(true);
    expect(detector.numbers.detected["success-rate"]).toBe(0);
  });

  test("who is found by both is found twice, and ejected once", () => {
    const { detector, answer, sweep } = setUp({ ...only, enforcingSuccessRate: 100 }, 5);
    answer(0, 0, 100);
    for (let i = 1; i < 5; i++) answer(i, 100, 0);
    sweep();
    expect(detector.numbers.detected["success-rate"]).toBe(1);
    expect(detector.numbers.detected["failure-percentage"]).toBe(1);
    expect(detector.numbers.active).toBe(1);
  });
});

test("a detector and the model agree on 600 random histories", () => {
  const met = { ejections: 0, returns: 0, overflow: 0 };
  for (let seed = 0; seed < 600; seed++) {
    const { ejections, returns, overflow } = checkOutlierSeed({ OutlierDetector }, seed);
    met.ejections += ejections;
    met.returns += returns;
    met.overflow += overflow;
  }
  // Else the histories would be too dull to mean anything.
  expect(met.ejections).toBeGreaterThan(1_000);
  expect(met.returns).toBeGreaterThan(500);
  expect(met.overflow).toBeGreaterThan(500);
});
