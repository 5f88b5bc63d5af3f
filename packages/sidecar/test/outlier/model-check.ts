// A random history, told to a detector and to the model; they must agree after every step. The
// detector comes in as an argument, so that a copy with a bug can be checked, too.
import assert from "node:assert/strict";
import { pick, SeededRandom } from "@compendium/runtime";
import { type Host, makeHost } from "../../src/cluster/host.ts";
import type { OutlierConfig } from "../../src/config/cluster-config.ts";
import type { OutlierDetector } from "../../src/outlier/outlier-detector.ts";
import type { OutlierResult } from "../../src/outlier/outlier-kinds.ts";
import { defaults } from "./config.ts";
import { OutlierModel } from "./model.ts";

export interface OutlierSubject {
  readonly OutlierDetector: typeof OutlierDetector;
}

const STEPS = 250;
const results: readonly OutlierResult[] = [
  "succeeded",
  "failed",
  "connected",
  "connected-only",
  "connect-failed",
  "timed-out",
];

/** What a run has met, so that a test can tell that the histories are not dull. */
export interface Met {
  ejections: number;
  returns: number;
  overflow: number;
}

/** Throws where they differ. */
export function checkOutlierSeed({ OutlierDetector }: OutlierSubject, seed: number): Met {
  const script = new SeededRandom(seed);
  const config = randomConfig(script);
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const met: Met = { ejections: 0, returns: 0, overflow: 0 };
  const detector = new OutlierDetector({
    config,
    clock,
    random: new SeededRandom(seed + 1),
    onChange: (_host, kind) => {
      if (kind === "returned") met.returns++;
      else met.ejections++;
    },
  });
  const model = new OutlierModel(config, new SeededRandom(seed + 1));
  let hosts = Array.from({ length: 1 + script.below(8) }, (_, i) => hostAt(i));
  let created = hosts.length;
  const tellHosts = (): void => {
    detector.setHosts(hosts);
    model.setHosts(hosts.map(({ address }) => address));
  };
  tellHosts();
  // Each history has hosts that are worse than others, or nobody would stand out.
  const badness = new Map<Host, number>();

  for (let step = 0; step < STEPS; step++) {
    const host = pick(script, hosts);
    const kind = script.below(100);
    if (kind < 84) {
      if (!badness.has(host)) badness.set(host, pick(script, [0, 0, 5, 50, 95]));
      report(script, badness.get(host)!, host, detector, model);
    } else if (kind < 95) {
      clock.nowMs += pick(script, [config.intervalMs, config.intervalMs, config.intervalMs - 1]);
      model.nowMs = clock.nowMs;
      detector.sweep();
      model.sweep();
    } else if (kind < 97) {
      host.isHealthy = script.below(2) === 0;
      model.hosts.get(host.address)!.isHealthy = host.isHealthy;
      detector.healthCheckPassed(host);
      model.healthCheckPassed(host.address);
    } else if (kind < 98 && hosts.length > 1) {
      hosts = hosts.filter((each) => each !== host);
      tellHosts();
    } else if (hosts.length < 12) {
      hosts = [...hosts, hostAt(created++)];
      tellHosts();
    }
    compare(hosts, detector, model, `seed ${seed}, step ${step}`);
  }
  met.overflow = model.overflow;
  return met;
}

function report(
  script: SeededRandom,
  badness: number,
  host: Host,
  detector: OutlierDetector,
  model: OutlierModel,
): void {
  // Runs are what much of this is about.
  const times = 1 + script.below(6);
  const isBad = script.below(100) < badness;
  for (let i = 0; i < times; i++) {
    if (script.below(3) > 0) {
      const status = pick(script, isBad ? [500, 502, 503, 504, 505, 599] : [200, 404, 499, 600]);
      detector.reportStatus(host, status);
      model.status(host.address, status);
    } else {
      const half = isBad ? ["failed", "connect-failed", "timed-out"] : results.slice(0, 4);
      const result = pick(script, half as readonly OutlierResult[]);
      detector.report(host, result);
      model.result(host.address, result);
    }
  }
}

function compare(
  hosts: readonly Host[],
  detector: OutlierDetector,
  model: OutlierModel,
  where: string,
): void {
  const ejected = hosts.filter((host) => host.isEjected).map(({ address }) => address);
  assert.deepEqual(ejected.toSorted(), model.active().toSorted(), where);
  assert.equal(detector.numbers.active, ejected.length, where);
  assert.equal(detector.numbers.overflow, model.overflow, where);
  const known = <T>(counts: Record<string, T>) => {
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
  };
  assert.deepEqual(known(detector.numbers.detected), known(model.detected), where);
  assert.deepEqual(known(detector.numbers.enforced), known(model.enforced), where);
}

function hostAt(i: number): Host {
  return makeHost({ address: `10.0.0.${i}:80`, port: 80 });
}

function randomConfig(script: SeededRandom): OutlierConfig {
  const enforcing = (): number => pick(script, [0, 50, 100, 100]);
  return {
    ...defaults,
    consecutive5xx: 2 + script.below(6),
    enforcingConsecutive5xx: enforcing(),
    consecutiveGatewayFailure: 2 + script.below(5),
    enforcingConsecutiveGatewayFailure: enforcing(),
    splitsLocalOrigin: script.below(2) === 0,
    consecutiveLocalOriginFailure: 2 + script.below(5),
    enforcingConsecutiveLocalOriginFailure: enforcing(),
    baseEjectionTimeMs: pick(script, [10_000, 20_000, 30_000]),
    ejectionTimeMsMax: pick(script, [30_000, 60_000, 300_000]),
    ejectionTimeJitterMsMax: pick(script, [0, 0, 15_000]),
    ejectionPercentMax: pick(script, [10, 34, 50, 100]),
    enforcingSuccessRate: enforcing(),
    successRateMinimumHosts: 1 + script.below(5),
    successRateRequestVolume: 1 + script.below(8),
    successRateStdevFactor: pick(script, [500, 1_000, 1_900]),
    enforcingLocalOriginSuccessRate: enforcing(),
    enforcingFailurePercentage: enforcing(),
    failurePercentageThreshold: pick(script, [50, 85, 100]),
    failurePercentageMinimumHosts: 1 + script.below(5),
    failurePercentageRequestVolume: 1 + script.below(8),
    enforcingFailurePercentageLocalOrigin: enforcing(),
    alwaysEjectsOneHost: script.below(3) === 0,
  };
}
