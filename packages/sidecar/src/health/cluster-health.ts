// The active health checks of a cluster: a checker for each host and each check, as hosts come and
// go. A host is well when all of its checks say so; a check that has not said anything yet does
// not, so that a new host gets nothing until it was asked.
import type { Clock, Random } from "@compendium/runtime";
import type { Host } from "../cluster/host.ts";
import type { HostChanges } from "../cluster/host-set.ts";
import type { HealthCheckConfig } from "../config/cluster-config.ts";
import { HealthChecker, type HealthNumbers, type Probe } from "./health-checker.ts";

/** What the checks of a cluster are made of. */
export interface ClusterHealthOptions {
  readonly checks: readonly HealthCheckConfig[];
  readonly probeOf: (config: HealthCheckConfig) => Probe;
  readonly clock: Pick<Clock, "now" | "setTimer">;
  readonly random: Pick<Random, "below">;
  /** Whether the cluster was ever used. */
  readonly hasTraffic: () => boolean;
  /** A probe has been judged; `host.isHealthy` says how, `hasChanged` whether that is news. */
  readonly onChecked: (host: Host, hasChanged: boolean) => void;
}

interface Opinion {
  readonly checker: HealthChecker;
  isHealthy: boolean;
  isJudged: boolean;
}

/** Keeps the health of a cluster's hosts true to what probes say, until it is disposed. */
export class ClusterHealth implements Disposable {
  readonly #options: ClusterHealthOptions;
  readonly #probes: readonly (readonly [config: HealthCheckConfig, probe: Probe])[];
  readonly #opinions = new Map<Host, Opinion[]>();
  // Of hosts that have left: a count never goes back.
  readonly #past: HealthNumbers = zero();

  constructor(options: ClusterHealthOptions) {
    this.#options = options;
    this.#probes = options.checks.map((config) => [config, options.probeOf(config)]);
  }

  /** Whether every host was asked once, by every check. O(hosts). */
  get isJudged(): boolean {
    for (const opinions of this.#opinions.values()) {
      for (const { isJudged } of opinions) if (!isJudged) return false;
    }
    return true;
  }

  /** Of all checks, since the beginning. O(hosts). */
  get numbers(): HealthNumbers {
    const sum = { ...this.#past };
    for (const opinions of this.#opinions.values()) {
      for (const { checker } of opinions) addTo(sum, checker.numbers);
    }
    return sum;
  }

  /** Asks those that have come, at once, and no longer those that have left. */
  follow({ added, removed }: HostChanges): void {
    for (const host of removed) {
      for (const { checker } of this.#opinions.get(host) ?? []) {
        checker[Symbol.dispose]();
        addTo(this.#past, checker.numbers);
      }
      this.#opinions.delete(host);
    }
    for (const host of added) {
      const opinions: Opinion[] = [];
      this.#opinions.set(host, opinions);
      for (const [config, probe] of this.#probes) {
        opinions.push(this.#ask(host, config, probe, opinions));
      }
      for (const { checker } of opinions) checker.start();
    }
  }

  /** Something else has proved the host unhealthy, such as an answer that says so. */
  failNow(host: Host): void {
    for (const { checker } of this.#opinions.get(host) ?? []) checker.failNow();
  }

  [Symbol.dispose](): void {
    this.follow({ added: [], removed: [...this.#opinions.keys()] });
  }

  #ask(host: Host, config: HealthCheckConfig, probe: Probe, all: readonly Opinion[]): Opinion {
    const { clock, random, hasTraffic, onChecked } = this.#options;
    const judge = (isHealthy: boolean): void => {
      opinion.isHealthy = isHealthy;
      opinion.isJudged = true;
      const before = host.isHealthy;
      host.isHealthy = all.every((one) => one.isHealthy);
      if (host.isHealthy && !before) host.healthySinceMs = clock.now();
      onChecked(host, host.isHealthy !== before);
    };
    const checker = new HealthChecker({
      host,
      config,
      probe,
      clock,
      random,
      hasTraffic,
      onChecked: judge,
    });
    const opinion: Opinion = { checker, isHealthy: false, isJudged: false };
    return opinion;
  }
}

function zero(): HealthNumbers {
  return { attempts: 0, successes: 0, failures: 0, networkFailures: 0 };
}

function addTo(sum: HealthNumbers, numbers: HealthNumbers): void {
  sum.attempts += numbers.attempts;
  sum.successes += numbers.successes;
  sum.failures += numbers.failures;
  sum.networkFailures += numbers.networkFailures;
}
