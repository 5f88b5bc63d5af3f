// Outlier detection as a program that keeps everything: every outcome of every host, with how
// many sweeps there had been. Runs and rates are counted anew whenever they are needed. Nothing is
// imported from the package but types. model-check.ts compares the two.
import type { Random } from "@compendium/runtime";
import type { OutlierConfig } from "../../src/config/cluster-config.ts";
import type { OutlierKind, OutlierResult } from "../../src/outlier/outlier-kinds.ts";

interface Outcome {
  readonly sweeps: number;
  /** A status; or for the series of local origin, 1 for a success and 0 for a failure. */
  readonly value: number;
}

interface ModelHost {
  external: Outcome[];
  local: Outcome[];
  /** Outcomes before this many do not count towards a run. */
  from5xx: number;
  fromGateway: number;
  fromLocal: number;
  ejectedAtMs: number | undefined;
  returnedAtMs: number | undefined;
  backoff: number;
  jitterMs: number;
  isHealthy: boolean;
}

export class OutlierModel {
  nowMs = 0;
  readonly hosts: Map<string, ModelHost> = new Map();
  detected: Partial<Record<OutlierKind, number>> = {};
  enforced: Partial<Record<OutlierKind, number>> = {};
  overflow = 0;
  #sweeps = 0;
  readonly #config: OutlierConfig;
  readonly #random: Random;

  constructor(config: OutlierConfig, random: Random) {
    this.#config = config;
    this.#random = random;
  }

  setHosts(addresses: readonly string[]): void {
    for (const address of this.hosts.keys()) {
      if (!addresses.includes(address)) this.hosts.delete(address);
    }
    for (const address of addresses) {
      if (!this.hosts.has(address)) this.hosts.set(address, newHost());
    }
  }

  active(): string[] {
    return [...this.hosts].filter(([, host]) => host.ejectedAtMs !== undefined).map(([a]) => a);
  }

  status(address: string, value: number): void {
    const host = this.hosts.get(address);
    if (host === undefined) return;
    const config = this.#config;
    host.external.push({ sweeps: this.#sweeps, value });
    const gateway = runLength(host.external, host.fromGateway, (v) => v >= 502 && v <= 504);
    const is5xx = value >= 500 && value <= 599;
    const isOut = host.ejectedAtMs !== undefined;
    if (gateway === config.consecutiveGatewayFailure && !isOut) {
      this.#find(host, "consecutive-gateway-failure", config.enforcingConsecutiveGatewayFailure);
      host.fromGateway = host.external.length;
    }
    const all = runLength(host.external, host.from5xx, (v) => v >= 500 && v <= 599);
    if (is5xx && all === config.consecutive5xx && host.ejectedAtMs === undefined) {
      this.#find(host, "consecutive-5xx", config.enforcingConsecutive5xx);
      host.from5xx = host.external.length;
    }
  }

  result(address: string, result: OutlierResult): void {
    if (!this.#config.splitsLocalOrigin) {
      const codes = {
        succeeded: 200,
        "connected-only": 200,
        failed: 500,
        "connect-failed": 503,
        "timed-out": 504,
        connected: undefined,
      };
      const code = codes[result];
      if (code !== undefined) this.status(address, code);
      return;
    }
    if (result === "succeeded") this.status(address, 200);
    if (result === "failed") this.status(address, 503);
    else this.#local(address, result !== "connect-failed" && result !== "timed-out");
  }

  healthCheckPassed(address: string): void {
    const host = this.hosts.get(address);
    if (host?.ejectedAtMs !== undefined && host.isHealthy) this.#return(host);
  }

  sweep(): void {
    const { intervalMs, baseEjectionTimeMs, ejectionTimeMsMax } = this.#config;
    for (const host of this.hosts.values()) {
      if (host.ejectedAtMs === undefined) continue;
      const forMs = Math.min(baseEjectionTimeMs * host.backoff, ejectionTimeMsMax) + host.jitterMs;
      if (host.ejectedAtMs + forMs <= this.nowMs) this.#return(host);
    }
    this.#judge("external");
    this.#judge("local");
    this.#sweeps++;
    for (const host of this.hosts.values()) {
      if (host.ejectedAtMs !== undefined || host.returnedAtMs === undefined) continue;
      if (this.nowMs >= host.returnedAtMs + intervalMs)
        host.backoff = Math.max(0, host.backoff - 1);
    }
  }

  #local(address: string, isSuccess: boolean): void {
    const host = this.hosts.get(address);
    if (host === undefined) return;
    host.local.push({ sweeps: this.#sweeps, value: isSuccess ? 1 : 0 });
    const run = runLength(host.local, host.fromLocal, (value) => value === 0);
    const { consecutiveLocalOriginFailure, enforcingConsecutiveLocalOriginFailure } = this.#config;
    if (run === consecutiveLocalOriginFailure && !isSuccess && host.ejectedAtMs === undefined) {
      this.#find(host, "consecutive-local-origin-failure", enforcingConsecutiveLocalOriginFailure);
      host.fromLocal = host.local.length;
    }
  }

  #judge(origin: "external" | "local"): void {
    const config = this.#config;
    const isGood = (v: number) => (origin === "local" ? v === 1 : v < 500 || v > 599);
    const candidates = [...this.hosts.values()].flatMap((host) => {
      const outcomes = host[origin].filter(({ sweeps }) => sweeps === this.#sweeps);
      if (host.ejectedAtMs !== undefined || outcomes.length === 0) return [];
      const good = outcomes.filter(({ value }) => isGood(value)).length;
      return [{ host, volume: outcomes.length, rate: (good * 100) / outcomes.length }];
    });
    const prefix = origin === "local" ? ("local-origin-" as const) : ("" as const);
    const rated = candidates.filter(({ volume }) => volume >= config.successRateRequestVolume);
    if (rated.length >= Math.max(1, config.successRateMinimumHosts)) {
      const n = rated.length;
      let mean = 0;
      for (const { rate } of rated) mean += rate;
      mean /= n;
      let squares = 0;
      for (const { rate } of rated) squares += (rate - mean) * (rate - mean);
      const line = mean - (config.successRateStdevFactor / 1_000) * Math.sqrt(squares / n);
      const enforcing =
        origin === "local" ? config.enforcingLocalOriginSuccessRate : config.enforcingSuccessRate;
      for (const { host, rate } of rated) {
        if (rate < line) this.#find(host, `${prefix}success-rate`, enforcing);
      }
    }
    const counted = candidates.filter(
      ({ volume }) => volume >= config.failurePercentageRequestVolume,
    );
    if (counted.length < Math.max(1, config.failurePercentageMinimumHosts)) return;
    const enforcing =
      origin === "local"
        ? config.enforcingFailurePercentageLocalOrigin
        : config.enforcingFailurePercentage;
    for (const { host, rate } of counted) {
      if (100 - rate >= config.failurePercentageThreshold) {
        this.#find(host, `${prefix}failure-percentage`, enforcing);
      }
    }
  }

  #find(host: ModelHost, kind: OutlierKind, enforcing: number): void {
    this.detected[kind] = (this.detected[kind] ?? 0) + 1;
    if (host.ejectedAtMs !== undefined) return;
    const config = this.#config;
    const active = this.active().length;
    const fits = (active + 1) / this.hosts.size <= config.ejectionPercentMax / 100 + 1e-12;
    if (!fits && !(config.alwaysEjectsOneHost && active === 0)) {
      this.overflow++;
      return;
    }
    if (this.#random.below(100) >= enforcing) return;
    this.enforced[kind] = (this.enforced[kind] ?? 0) + 1;
    host.ejectedAtMs = this.nowMs;
    host.jitterMs = this.#random.below(config.ejectionTimeJitterMsMax + 1);
    const { baseEjectionTimeMs, ejectionTimeMsMax } = config;
    if ((host.backoff - 1) * baseEjectionTimeMs < ejectionTimeMsMax) host.backoff++;
  }

  #return(host: ModelHost): void {
    host.ejectedAtMs = undefined;
    host.returnedAtMs = this.nowMs;
    host.from5xx = host.external.length;
    host.fromGateway = host.external.length;
    host.fromLocal = host.local.length;
  }
}

function newHost(): ModelHost {
  return {
    external: [],
    local: [],
    from5xx: 0,
    fromGateway: 0,
    fromLocal: 0,
    ejectedAtMs: undefined,
    returnedAtMs: undefined,
    backoff: 0,
    jitterMs: 0,
    isHealthy: true,
  };
}

// How many of the last outcomes, from one after another, are of that kind.
function runLength(
  outcomes: readonly Outcome[],
  from: number,
  isKind: (value: number) => boolean,
): number {
  const counted = outcomes.slice(from);
  const last = counted.findLastIndex(({ value }) => !isKind(value));
  return counted.length - 1 - last;
}
