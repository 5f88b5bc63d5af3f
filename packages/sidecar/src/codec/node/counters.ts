// What the codec counts. One object for all its connections; plain numbers, read by `stats()`.
import type { CodecStats } from "../codec.ts";
import { type RefusalReason, refusals } from "../rules/refusals.ts";

/** Counters of one codec. */
export class Counters implements CodecStats {
  readonly refused: Record<RefusalReason, number> = Object.fromEntries(
    Object.keys(refusals).map((reason) => [reason, 0]),
  ) as Record<RefusalReason, number>;
  timeouts = 0;
  badResponses = 0;

  /** A copy that stands still. */
  snapshot(): CodecStats {
    const { timeouts, badResponses } = this;
    return { refused: { ...this.refused }, timeouts, badResponses };
  }
}
