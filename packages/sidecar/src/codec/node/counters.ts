// What the codec counts. One object for all its connections; plain numbers, read by `stats()`.
import { type CodecStats, type TimeoutReason, timeoutReasons } from "../codec.ts";
import { type FloodReason, floodReasons } from "../rules/http2-floods.ts";
import { type RefusalReason, refusals } from "../rules/refusals.ts";

/** Counters of one codec. */
export class Counters implements CodecStats {
  readonly refused: Record<RefusalReason, number> = zeros(Object.keys(refusals) as RefusalReason[]);
  readonly timeouts: Record<TimeoutReason, number> = zeros(timeoutReasons);
  readonly floods: Record<FloodReason, number> = zeros(floodReasons);
  badResponses = 0;

  /** A copy that stands still. */
  snapshot(): CodecStats {
    const { refused, timeouts, floods, badResponses } = this;
    return {
      refused: { ...refused },
      timeouts: { ...timeouts },
      floods: { ...floods },
      badResponses,
    };
  }
}

const zeros = <K extends string>(keys: readonly K[]): Record<K, number> =>
  Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
