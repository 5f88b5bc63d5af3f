// The active health check of one host (Envoy's health_checker_base_impl.cc): a probe, a verdict, a
// pause, and so on for ever. What a probe does is not known here.
//
//     unknown, counts as unhealthy ──▶ the first success makes it healthy at once
//     healthy   ── unhealthyThreshold probes lost in a row, or one bad answer ──▶ unhealthy
//     unhealthy ── healthyThreshold successes in a row ──▶ healthy
//
// An answer of "unhealthy" is believed at once: the host itself says so. A probe that fails, or has
// not ended after `timeoutMs`, may have been lost on the way, and has to be repeated.
//
// The pause begins when the probe has ended, so that a host has one at a time. It is long while the
// cluster has never been used, shorter or longer while the host is unhealthy, and has jitter,
// because many proxies that check one host must not check it in the same moment.
import type { Clock, Random } from "@compendium/runtime";
import type { Host } from "../cluster/host.ts";
import type { HealthCheckConfig } from "../config/cluster-config.ts";

/**
 * Asks a host how it is. It ends early if the signal says so, and rejects if there is no answer.
 */
export type Probe = (host: Host, signal: AbortSignal) => Promise<"healthy" | "unhealthy">;

/** Counts since the beginning. */
export interface HealthNumbers {
  attempts: number;
  successes: number;
  /** Of any kind. */
  failures: number;
  /** Of these, how many got no answer in time or at all. */
  networkFailures: number;
}

/** What a checker is made of. */
export interface HealthCheckerOptions {
  readonly host: Host;
  readonly config: HealthCheckConfig;
  readonly probe: Probe;
  readonly clock: Pick<Clock, "now" | "setTimer">;
  readonly random: Pick<Random, "below">;
  /** Whether the cluster was ever used. */
  readonly hasTraffic: () => boolean;
  /** A probe has been judged, and the host is healthy now or not, by this check. */
  readonly onChecked: (isHealthy: boolean) => void;
}

/** Says whether a host is healthy by what probes say, until it is disposed. */
export class HealthChecker implements Disposable {
  /** Counts, to be read. */
  readonly numbers: HealthNumbers = {
    attempts: 0,
    successes: 0,
    failures: 0,
    networkFailures: 0,
  };
  readonly #options: HealthCheckerOptions;
  #isHealthy = false;
  #isFirst = true;
  // In a row, towards the threshold of the other state.
  #successes = 0;
  #failures = 0;
  // Of the pause or of the timeout: there is never more than one.
  #timer: Disposable | undefined;
  #running: AbortController | undefined;
  #state: "new" | "running" | "disposed" = "new";

  constructor(options: HealthCheckerOptions) {
    this.#options = options;
  }

  /** Sends the first probe at once: until it is back, the host gets nothing. */
  start(): void {
    if (this.#state !== "new") return;
    this.#state = "running";
    this.#begin();
  }

  /** Something else has proved it unhealthy, such as an answer that says so. */
  failNow(): void {
    if (this.#state !== "disposed") this.#fail("answered");
  }

  [Symbol.dispose](): void {
    this.#state = "disposed";
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#running?.abort();
    this.#running = undefined;
  }

  #begin(): void {
    const { host, config, probe, clock } = this.#options;
    const running = new AbortController();
    this.#running = running;
    this.numbers.attempts++;
    const end = (judge: () => void): void => {
      // A probe that is late, or whose checker is gone, has nothing to say any more.
      if (this.#running !== running) return;
      this.#running = undefined;
      this.#timer?.[Symbol.dispose]();
      judge();
    };
    this.#timer = clock.setTimer(clock.now() + config.timeoutMs, () => {
      end(() => this.#failAndPause("lost"));
      running.abort();
    });
    attempt(probe, host, running.signal).then(
      (answer) =>
        end(answer === "healthy" ? () => this.#succeed() : () => this.#failAndPause("answered")),
      () => end(() => this.#failAndPause("lost")),
    );
  }

  #succeed(): void {
    const { config, onChecked } = this.#options;
    this.numbers.successes++;
    this.#failures = 0;
    if (!this.#isHealthy && (this.#isFirst || ++this.#successes >= config.healthyThreshold)) {
      this.#isHealthy = true;
      this.#successes = 0;
    }
    this.#isFirst = false;
    this.#pause(config.intervalMs);
    onChecked(this.#isHealthy);
  }

  #failAndPause(how: "answered" | "lost"): void {
    this.#pause(this.#options.config.unhealthyIntervalMs);
    this.#fail(how);
  }

  #fail(how: "answered" | "lost"): void {
    const { config, onChecked } = this.#options;
    this.numbers.failures++;
    if (how === "lost") this.numbers.networkFailures++;
    this.#successes = 0;
    if (this.#isHealthy && (how === "answered" || ++this.#failures >= config.unhealthyThreshold)) {
      this.#isHealthy = false;
      this.#failures = 0;
    }
    this.#isFirst = false;
    onChecked(this.#isHealthy);
  }

  #pause(intervalMs: number): void {
    const { config, clock, random, hasTraffic } = this.#options;
    const pauseMs = hasTraffic() ? intervalMs : config.noTrafficIntervalMs;
    const jitterMs = config.intervalJitterMs > 0 ? random.below(config.intervalJitterMs) : 0;
    this.#timer = clock.setTimer(clock.now() + pauseMs + jitterMs, () => this.#begin());
  }
}

// A probe that throws at once is one that rejects.
async function attempt(
  probe: Probe,
  host: Host,
  signal: AbortSignal,
): Promise<"healthy" | "unhealthy"> {
  return await probe(host, signal);
}
