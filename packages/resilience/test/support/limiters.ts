// Rate limiters for tests, in the shape that `admission` asks for.
import type { Admission, AdmissionDecision, Reservation } from "@compendium/resilience";

export const allowAll: Admission = { take: () => ({ allowed: true }) };

/** Allows one call and then makes each wait `gapMs` longer than the one before; never forgets. */
export function grudging(gapMs: number): Admission & { taken: number; cancelled: number } {
  const limiter = {
    taken: 0,
    cancelled: 0,
    take(): AdmissionDecision {
      if (limiter.taken === 0) {
        limiter.taken++;
        return { allowed: true };
      }
      return { allowed: false, retryAfterMs: limiter.taken * gapMs };
    },
    reserve(_key: string | undefined, _cost: number, waitMsMax: number): Reservation {
      const waitMs = limiter.taken * gapMs;
      if (waitMs > waitMsMax) return { allowed: false, retryAfterMs: waitMs };
      limiter.taken++;
      const cancel = () => {
        limiter.taken--;
        limiter.cancelled++;
      };
      return { allowed: true, waitMs, cancel };
    },
  };
  return limiter;
}

/** The same limiter, far away: its answers take some turns of the microtask queue. */
export function slowly(limiter: Admission, turns: number): Admission {
  const later = async <T>(answer: T): Promise<T> => {
    for (let i = 0; i < turns; i++) await null;
    return answer;
  };
  return {
    take: async (key, cost) => later(await limiter.take(key, cost)),
    reserve: async (key, cost, waitMsMax) =>
      later((await limiter.reserve?.(key, cost, waitMsMax)) as Reservation),
  };
}
