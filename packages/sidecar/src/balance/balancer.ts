// Two interfaces make up load balancing. A `HostPicker` is an algorithm: round robin, Maglev, …
// over hosts that never change, with weights. A `Balancer` answers requests: it decides which hosts
// may be picked from (the subset, the priority, the locality, all of them in a panic) and asks the
// picker of those. Both are made anew when hosts come, go or change their standing, and neither
// allocates when it is asked.
import type { Host } from "../cluster/host.ts";

/**
 * The hash of a request: the 64 bits of XXH64 as a bigint, or their upper 53 as a number
 * (`hash53`). The two are equal on a ring; a Maglev table sees two different keys.
 */
export type RequestHash = bigint | number;

/** What a choice may depend on. */
export interface ChooseContext {
  /** What consistent hashing goes by. Without one, chance decides. */
  readonly hash?: RequestHash | undefined;
  /** The hosts' metadata that the route asks for; the same object is looked up only once. */
  readonly subset?: Readonly<Record<string, string>> | undefined;
  /** Whether another host is wanted than this one, because it has failed this request. */
  readonly tried?: ((host: Host) => boolean) | undefined;
  /** How often to look for another one. Then a tried host is better than none. Default: 0. */
  readonly hostSelectionAttempts?: number | undefined;
}

/** Answers which host a request goes to. */
export interface Balancer {
  /** `undefined` if no host may be used. */
  choose(context: ChooseContext): Host | undefined;
}

/** Hosts and what each is to get, relative to the others: more than nothing. */
export interface WeightedHosts {
  readonly hosts: readonly Host[];
  readonly weights: readonly number[];
}

/** One algorithm over hosts that do not change. There is at least one. */
export interface HostPicker {
  /**
   * Picks a host. A picker that goes by the hash answers the same for the same hash, and most
   * likely another host for another attempt; the others do not look at either.
   *
   * @param attempt 0, then how many hosts have been turned down
   */
  pick(hash: RequestHash, attempt: number): Host;
}

/** Whether all are to get the same. */
export function areEqual(weights: readonly number[]): boolean {
  return weights.every((weight) => weight === weights[0]);
}
