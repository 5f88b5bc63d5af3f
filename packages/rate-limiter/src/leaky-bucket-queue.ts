// The leaky bucket as a queue: whatever comes in at the top, it leaves at the bottom at a steady
// pace. nginx's limit_req is one.
//
//       in bursts                          evenly spaced
//     ●●●   ●  ●● ──▶ │ ● ● ● ● │ ──▶  ●   ●   ●   ●   ●
//                     └ queue ──┘      └───┘ window / limit
//
// A request that is let in is told how long to wait for its turn (`delayMs`); one that would have
// to wait for more than `queue` turns is refused. Where the other algorithms ask "may he?", this
// one asks "when?": it shapes traffic for something that bursts would hurt. (Turner's bucket in
// token-bucket.ts is the other leaky bucket, "as a meter".)
//
// The next free turn is the theoretical arrival time of gcra.ts, and the decision is the same, with
// a burst of queue + 1. Only, nobody goes before his turn: in every interval of length t at most 1
// + ⌊limit / window × t⌋ requests of cost 1 have theirs. (Turns are told to the µs, rounded up.
// Rules beside this one count a request when it is let in, not when its turn has come.)
import { Emission } from "./emission.ts";
import { GcraTable } from "./gcra.ts";
import type { Rule } from "./rule.ts";
import { checkRuleOptions, checkWhole, type RuleOptions, shareOf } from "./rule-options.ts";

/** Options of {@link leakyBucketQueue}. */
export interface LeakyBucketQueueOptions extends Omit<RuleOptions, "reserveMsMax"> {
  /** How many turns a request may have to wait. A whole number from 0; default `limit`. */
  queue?: number;
}

/** A limit as a pace, with a queue before it. */
export class LeakyBucketQueue implements Rule {
  readonly algorithm = "leaky-bucket-queue";
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  /** The turns that it may hold: those in the queue, and the one that is at its turn. */
  readonly capacity: number;
  /** 0: every request that is let in has reserved its turn. */
  readonly reserveMsMax = 0;
  /** From turn to turn. */
  readonly emission: Emission;
  /** capacity × interval. */
  readonly toleranceUs: number;
  /** Its fraction, in units of 1 / parts µs. */
  readonly toleranceRest: number;
  /** How far the next free turn can be ahead of the present. */
  readonly aheadUsMax: number;

  constructor(options: LeakyBucketQueueOptions) {
    const checked = checkRuleOptions(options, "leaky-bucket-queue");
    const { queue = checked.limit } = options;
    checkWhole("queue", queue, 0, Number.MAX_SAFE_INTEGER - 1);
    this.name = checked.name;
    this.limit = checked.limit;
    this.windowMs = checked.windowMs;
    this.capacity = queue + 1;
    this.emission = new Emission(checked, this.capacity, "queue");
    this.toleranceUs = this.emission.usOf(this.capacity);
    this.toleranceRest = this.emission.restOf(this.capacity);
    this.aheadUsMax = this.toleranceUs;
    Object.freeze(this);
  }

  scaled(share: number): LeakyBucketQueue {
    const limit = shareOf(this.limit, share);
    return new LeakyBucketQueue({ ...this, limit, queue: shareOf(this.capacity, share) - 1 });
  }

  table(rows: number): LeakyBucketQueueTable {
    return new LeakyBucketQueueTable(rows);
  }
}

/**
 * One after the other at `limit` per window, up to `queue` turns late. O(1), 16 bytes a key.
 *
 * @throws RangeError for options out of range
 */
export function leakyBucketQueue(options: LeakyBucketQueueOptions): LeakyBucketQueue {
  return new LeakyBucketQueue(options);
}

/** The next free turns of many keys. */
export class LeakyBucketQueueTable extends GcraTable {
  // A turn that nobody uses passes. Were the next free one moved back for it, whoever comes next
  // would go at the same moment as somebody who waits already.
  override refund(): void {}
}
