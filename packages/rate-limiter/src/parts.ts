// What several limiters are asked together.
import { checkCost, checkKey, storedKeyOf } from "./key.ts";
import type { Rule } from "./rule.ts";
import { show } from "./rule-options.ts";

interface AnyPart {
  readonly limiter: { readonly name: string; readonly rules: readonly Rule[] };
  readonly key?: string;
  readonly cost?: number;
}

/**
 * Checks the parts of a request before any limiter is asked.
 *
 * @throws TypeError when there is none, one has no limiter of this kind, or two are the same
 */
export function checkParts(
  parts: readonly AnyPart[],
  Limiter: abstract new (...given: never) => object,
): void {
  if (parts.length === 0) throw new TypeError("parts must not be empty");
  const seen = new Map<object, Set<unknown>>();
  let leases = 0;
  for (const { limiter, key, cost = 1 } of parts) {
    if (!(limiter instanceof Limiter)) {
      throw new TypeError(`a part's limiter must be a ${Limiter.name}, got ${show(limiter)}`);
    }
    // One decision has one lease.
    if (limiter.rules.some((it) => it.algorithm === "concurrency-limit") && ++leases > 1) {
      throw new TypeError(`only one part may have a concurrency limit, ${limiter.name} is another`);
    }
    checkKey(storedKeyOf(key));
    checkCost(cost);
    const keys = seen.get(limiter) ?? new Set();
    // Each would be allowed for itself, and both together be too much.
    if (keys.has(key)) {
      throw new TypeError(`${limiter.name} is asked twice for ${show(key)}; add the costs up`);
    }
    seen.set(limiter, keys.add(key));
  }
}
