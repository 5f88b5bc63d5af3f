// Outlier detection: hosts that do worse than the others are put aside for a while (Envoy's
// outlier_detection_impl.cc; "Outlier detection" in its architecture overview). Nobody is asked,
// the traffic itself is the probe.
//
//     found at once, by a run of failures      consecutive 5xx, gateway failures, local origin
//     found on the sweep, by comparison        success rate (success-rate.ts), failure percentage
//
// What is found is ejected only by the chance that `enforcing…` gives, and only while no more than
// `ejectionPercentMax` of all hosts are: a detector that may eject everybody is an outage of its
// own.
//
// An ejection lasts base × backoff, at most the maximum, plus jitter, and ends on the first sweep
// after that. The backoff counts ejections, and comes down by one on every sweep on which the host
// has been back for a whole interval. It stops rising once it exceeds the maximum by one base time,
// or years of trouble would take years of quiet.
//
// There is one difference from Envoy: whoever is found by the success rate and by the failure
// percentage on the same sweep is ejected once. There the gauge of active ejections counts it
// twice.
//
// The owner calls `sweep` every `intervalMs`. Left out: extensions and degraded hosts.
import { type Clock, chance, type Random } from "@compendium/runtime";
import type { Host } from "../cluster/host.ts";
import type { OutlierConfig } from "../config/cluster-config.ts";
import { HostMonitor } from "./host-monitor.ts";
import {
  enforcingOf,
  noOutliers,
  type OutlierKind,
  type OutlierNumbers,
  type OutlierResult,
  statusOf,
} from "./outlier-kinds.ts";
import { type RateThreshold, rateThreshold } from "./success-rate.ts";

/** What a detector asks of the world. */
export interface OutlierOptions {
  readonly config: OutlierConfig;
  readonly clock: Pick<Clock, "now">;
  readonly random: Pick<Random, "below">;
  /** A host was ejected, or came back. */
  readonly onChange?: (host: Host, kind: OutlierKind | "returned") => void;
}

type Origin = "external" | "local";

/** Ejects hosts of one cluster, and takes them back. */
export class OutlierDetector {
  /** Counts, to be read. */
  readonly numbers: OutlierNumbers = noOutliers();
  /** Of the last sweep; `undefined` where too few hosts had enough requests. */
  readonly thresholds: Record<Origin, RateThreshold | undefined> = {
    external: undefined,
    local: undefined,
  };
  readonly #config: OutlierConfig;
  readonly #clock: Pick<Clock, "now">;
  readonly #random: Pick<Random, "below">;
  readonly #onChange: OutlierOptions["onChange"];
  // Invariant: numbers.active of them have a host that is ejected.
  readonly #monitors = new Map<Host, HostMonitor>();

  constructor({ config, clock, random, onChange }: OutlierOptions) {
    this.#config = config;
    this.#clock = clock;
    this.#random = random;
    this.#onChange = onChange;
  }

  /** The hosts of the cluster are these; what is known of those that stay, stays. O(hosts). */
  setHosts(hosts: Iterable<Host>): void {
    const wanted = new Set(hosts);
    for (const host of this.#monitors.keys()) {
      if (wanted.has(host)) continue;
      this.#monitors.delete(host);
      if (host.isEjected) this.numbers.active--;
    }
    for (const host of wanted) {
      if (!this.#monitors.has(host)) this.#monitors.set(host, new HostMonitor(host));
    }
  }

  /** How often the host was ejected, since it joined. */
  ejectionsOf(host: Host): number {
    return this.#monitors.get(host)?.ejections ?? 0;
  }

  /** The host has answered with that status. O(1). */
  reportStatus(host: Host, status: number): void {
    const monitor = this.#monitors.get(host);
    if (monitor !== undefined) this.#countStatus(monitor, status);
  }

  /**
   * What became of a request that has no status. Unless origins are split, each result stands for
   * a status; a caller that has answered with one of its own passes it.
   */
  report(host: Host, result: OutlierResult, status?: number): void {
    const monitor = this.#monitors.get(host);
    if (monitor === undefined) return;
    if (this.#config.splitsLocalOrigin) this.#reportSplit(monitor, result);
    else {
      const code = status ?? statusOf(result);
      if (code !== undefined) this.#countStatus(monitor, code);
    }
  }

  /** An active health check has succeeded: an ejected host comes back at once. */
  healthCheckPassed(host: Host): void {
    const monitor = this.#monitors.get(host);
    if (monitor !== undefined && host.isEjected && host.isHealthy) this.#takeBack(monitor);
  }

  /** Ends an interval: takes hosts back, judges its rates, lets backoffs sink. O(hosts). */
  sweep(nowMs: number = this.#clock.now()): void {
    for (const monitor of this.#monitors.values()) {
      if (monitor.host.isEjected && nowMs - monitor.ejectedAtMs >= this.#ejectionMs(monitor)) {
        this.#takeBack(monitor);
      }
      monitor.external.swap();
      monitor.local.swap();
    }
    this.#judgeRates("external", "success-rate", "failure-percentage");
    this.#judgeRates("local", "local-origin-success-rate", "local-origin-failure-percentage");
    for (const monitor of this.#monitors.values()) {
      const { host, returnedAtMs = Infinity } = monitor;
      const isQuiet = !host.isEjected && nowMs - returnedAtMs >= this.#config.intervalMs;
      if (isQuiet && monitor.backoff > 0) monitor.backoff--;
    }
  }

  #reportSplit(monitor: HostMonitor, result: OutlierResult): void {
    switch (result) {
      case "connected":
      case "connected-only":
        return this.#countLocal(monitor, true);
      case "connect-failed":
      case "timed-out":
        return this.#countLocal(monitor, false);
      case "failed":
        return this.#countStatus(monitor, 503);
      case "succeeded":
        this.#countStatus(monitor, 200);
        return this.#countLocal(monitor, true);
    }
  }

  #countStatus(monitor: HostMonitor, status: number): void {
    const isFailure = status >= 500 && status < 600;
    monitor.external.count(!isFailure);
    if (!isFailure) {
      monitor.consecutive5xx = 0;
      monitor.consecutiveGatewayFailure = 0;
      return;
    }
    const { consecutiveGatewayFailure, consecutive5xx } = this.#config;
    if (status < 502 || status > 504) monitor.consecutiveGatewayFailure = 0;
    else if (++monitor.consecutiveGatewayFailure === consecutiveGatewayFailure) {
      this.#foundInARow(monitor, "consecutive-gateway-failure");
    }
    if (++monitor.consecutive5xx === consecutive5xx) this.#foundInARow(monitor, "consecutive-5xx");
  }

  #countLocal(monitor: HostMonitor, isSuccess: boolean): void {
    monitor.local.count(isSuccess);
    if (isSuccess) monitor.consecutiveLocalOriginFailure = 0;
    else if (
      ++monitor.consecutiveLocalOriginFailure === this.#config.consecutiveLocalOriginFailure
    ) {
      this.#foundInARow(monitor, "consecutive-local-origin-failure");
    }
  }

  // A run counts from the beginning again, whether or not it has led to an ejection. Only that of a
  // host which is out already runs on: it is forgotten when the host comes back.
  #foundInARow(
    monitor: HostMonitor,
    kind: "consecutive-5xx" | "consecutive-gateway-failure" | "consecutive-local-origin-failure",
  ): void {
    if (monitor.host.isEjected) return;
    this.#found(monitor, kind);
    switch (kind) {
      case "consecutive-5xx":
        monitor.consecutive5xx = 0;
        break;
      case "consecutive-gateway-failure":
        monitor.consecutiveGatewayFailure = 0;
        break;
      case "consecutive-local-origin-failure":
        monitor.consecutiveLocalOriginFailure = 0;
    }
  }

  #judgeRates(origin: Origin, byRate: OutlierKind, byPercentage: OutlierKind): void {
    const config = this.#config;
    this.thresholds[origin] = undefined;
    const present = [...this.#monitors.values()].filter(
      (monitor) => !monitor.host.isEjected && monitor[origin].volume > 0,
    );
    const withVolume = (volume: number): HostMonitor[] =>
      present.filter((monitor) => monitor[origin].volume >= volume);

    const compared = withVolume(config.successRateRequestVolume);
    if (compared.length > 0 && compared.length >= config.successRateMinimumHosts) {
      const rates = compared.map((monitor) => monitor[origin].rate);
      const line = rateThreshold(rates, config.successRateStdevFactor / 1_000);
      this.thresholds[origin] = line;
      for (const monitor of compared) {
        if (monitor[origin].rate < line.threshold) this.#found(monitor, byRate);
      }
    }

    const measured = withVolume(config.failurePercentageRequestVolume);
    if (measured.length === 0 || measured.length < config.failurePercentageMinimumHosts) return;
    for (const monitor of measured) {
      const failures = 100 - monitor[origin].rate;
      if (failures >= config.failurePercentageThreshold) this.#found(monitor, byPercentage);
    }
  }

  #found(monitor: HostMonitor, kind: OutlierKind): void {
    this.numbers.detected[kind]++;
    if (monitor.host.isEjected) return;
    if (!this.#mayEjectOneMore()) {
      this.numbers.overflow++;
    } else if (chance(this.#random, enforcingOf(this.#config, kind), 100)) {
      this.#eject(monitor, kind);
    }
  }

  #mayEjectOneMore(): boolean {
    const { ejectionPercentMax, alwaysEjectsOneHost } = this.#config;
    if (alwaysEjectsOneHost && this.numbers.active === 0) return true;
    return (100 * (this.numbers.active + 1)) / this.#monitors.size <= ejectionPercentMax;
  }

  #eject(monitor: HostMonitor, kind: OutlierKind): void {
    const { baseEjectionTimeMs, ejectionTimeMsMax, ejectionTimeJitterMsMax } = this.#config;
    this.numbers.active++;
    this.numbers.enforced[kind]++;
    monitor.host.isEjected = true;
    monitor.ejections++;
    monitor.ejectedAtMs = this.#clock.now();
    // Hosts that went out together must not come back together.
    monitor.jitterMs = this.#random.below(ejectionTimeJitterMsMax + 1);
    if (monitor.backoff * baseEjectionTimeMs < ejectionTimeMsMax + baseEjectionTimeMs) {
      monitor.backoff++;
    }
    this.#onChange?.(monitor.host, kind);
  }

  #ejectionMs({ backoff, jitterMs }: HostMonitor): number {
    const { baseEjectionTimeMs, ejectionTimeMsMax } = this.#config;
    return Math.min(baseEjectionTimeMs * backoff, ejectionTimeMsMax) + jitterMs;
  }

  #takeBack(monitor: HostMonitor): void {
    this.numbers.active--;
    monitor.host.isEjected = false;
    monitor.forgetFailures();
    monitor.returnedAtMs = this.#clock.now();
    this.#onChange?.(monitor.host, "returned");
  }
}
