// How much of the edge one caller may have, and the one place where it is decided who keeps the
// count: this process, which is exact while there is one edge; or Redis, for several that share a
// limit. Three edges that count for themselves let three times the limit through.
//
//     workspace   token bucket           every request of a workspace: steady, with a burst
//     sign-in     sliding-window log     per address: each one sends a mail to somebody
//     invite      conservative counter   per workspace: likewise, to strangers
//
// A mail cannot be taken back, so what bounds them is never over in any window. The log is exact
// and keeps an entry for each mail; the counter keeps twelve numbers, and admits a little less.
import {
  conservativeSlidingCounter,
  type Decision,
  RateLimiter,
  type Rule,
  slidingWindowLog,
  tokenBucket,
} from "@compendium/rate-limiter";
import { x3Scenario } from "./x3-scenario.ts";

const MINUTE_MS = 60_000;
// Addresses and workspaces cost nothing to invent. Beyond these, a new one is refused.
const KEYS_MAX = 50_000;

/** A limiter, wherever it counts. */
export interface Limiter {
  readonly name: string;
  readonly rules: readonly Rule[];
  take(key: string): Decision | PromiseLike<Decision>;
  stats(): { decisions: Readonly<Record<string, number>> };
}

/** The edge's limits. */
export interface Limits extends AsyncDisposable {
  readonly workspace: Limiter;
  readonly signIn: Limiter;
  readonly invite: Limiter;
}

const rules = {
  workspace: tokenBucket({ name: "workspace", ...x3Scenario.workspaceLimit }),
  signIn: slidingWindowLog({ name: "sign-in", limit: 5, windowMs: 15 * MINUTE_MS }),
  invite: conservativeSlidingCounter({ name: "invite", limit: 50, windowMs: 60 * MINUTE_MS }),
};

/** Limits that this process counts for itself. */
export function limitsInMemory(): Limits {
  const limiter = (rule: Rule) => new RateLimiter(rule, { name: rule.name, keysMax: KEYS_MAX });
  return {
    workspace: limiter(rules.workspace),
    signIn: limiter(rules.signIn),
    invite: limiter(rules.invite),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Limits that this process counts for itself or, given its address, Redis for all edges. */
export async function createLimits(redisUrl: URL | undefined): Promise<Limits> {
  if (redisUrl === undefined) return limitsInMemory();
  throw new Error("limits in Redis are not written");
}
