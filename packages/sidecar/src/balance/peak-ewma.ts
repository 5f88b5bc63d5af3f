// Peak-EWMA: of two hosts drawn at random, the one that costs less (Twitter's Finagle,
// PeakEwma.scala).
//
//     cost = average latency × (requests under way + 1)
//
// The average is exponentially weighted by time, and remembers the past for about `decayMs`. It is
// sensitive to peaks: a latency above the average becomes the average at once, one below pulls it
// down slowly. A host that has begun to stall is avoided after one slow answer, and is tried again
// when enough time has passed, because silence decays its average too.
//
// A host of which no latency is known costs nothing while it is idle, so that it is tried; and more
// than any other while it is tried, so that one request finds out and not all.
//
// Left out: what an answer was. A host that fails fast looks quick here; putting it aside is what
// outlier detection is for.
import type { Clock, Random } from "@compendium/runtime";
import type { Host } from "../cluster/host.ts";
import { AliasTable } from "./alias-table.ts";
import { areEqual, type HostPicker, type WeightedHosts } from "./balancer.ts";

// Above any cost in milliseconds, and small enough to add requests to.
const UNKNOWN_MS = 2 ** 47;

/** Notes how long a host took; O(1). Whoever uses the picker says so after every request. */
export function observeLatency(
  host: Host,
  latencyMs: number,
  nowMs: number,
  decayMs: number,
): void {
  const { numbers } = host;
  const remembered = Math.exp(-Math.max(0, nowMs - numbers.latencyAtMs) / decayMs);
  const average = numbers.latencyMs * remembered;
  const isPeak = latencyMs > average;
  numbers.latencyMs = isPeak ? latencyMs : average + latencyMs * (1 - remembered);
  numbers.latencyAtMs = nowMs;
}

/** What one more request would cost on that host, in milliseconds of waiting. */
export function peakEwmaCost(host: Host, nowMs: number, decayMs: number): number {
  const { latencyMs, latencyAtMs, activeRequests } = host.numbers;
  if (latencyMs === 0) return activeRequests === 0 ? 0 : UNKNOWN_MS + activeRequests;
  const remembered = Math.exp(-Math.max(0, nowMs - latencyAtMs) / decayMs);
  return latencyMs * remembered * (activeRequests + 1);
}

/** Picks the cheaper of two. O(1). */
export class PeakEwmaPicker implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #decayMs: number;
  readonly #clock: Pick<Clock, "now">;
  readonly #random: Pick<Random, "below">;
  // `undefined` while all weights are equal. Else the two are drawn by weight: equally cheap hosts
  // then get their shares, and a dear one is still beaten.
  readonly #table: AliasTable | undefined;

  constructor(
    { hosts, weights }: WeightedHosts,
    decayMs: number,
    clock: Pick<Clock, "now">,
    random: Pick<Random, "below">,
  ) {
    this.#hosts = hosts;
    this.#decayMs = decayMs;
    this.#clock = clock;
    this.#random = random;
    this.#table = areEqual(weights) ? undefined : new AliasTable(weights, random);
  }

  pick(): Host {
    const hosts = this.#hosts;
    const first = this.#table?.draw() ?? this.#random.below(hosts.length);
    const second = this.#other(first);
    const one = hosts[first]!;
    if (second === first) return one;
    const other = hosts[second]!;
    const nowMs = this.#clock.now();
    const isDearer =
      peakEwmaCost(other, nowMs, this.#decayMs) < peakEwmaCost(one, nowMs, this.#decayMs);
    return isDearer ? other : one;
  }

  // Another host, by weight after one more draw at most: of two hosts, one may have all the weight.
  #other(first: number): number {
    if (this.#table !== undefined) {
      const drawn = this.#table.draw();
      return drawn === first ? this.#table.draw() : drawn;
    }
    if (this.#hosts.length === 1) return first;
    const drawn = this.#random.below(this.#hosts.length - 1);
    return drawn < first ? drawn : drawn + 1;
  }
}
