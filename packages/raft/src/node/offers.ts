// Offers the core what is queued. All proposals of one turn are handed over together, so that they
// are one append, and one message to each follower. What no leader takes waits here in order, and
// is offered again when something has changed: asking with every message would cost more than it
// brings.

import type { ConfChange } from "../confchange/change.ts";
import { decodeConfChange } from "../confchange/change.ts";
import type { Refusal } from "../core/message.ts";
import type { RawNode } from "../core/raw-node.ts";
import { RaftNodeError } from "./errors.ts";
import type { Pending, Proposals } from "./proposals.ts";

/** Who offers what to whom. */
export interface OffersOptions {
  readonly raw: RawNode;
  readonly proposals: Proposals;
  /** Why a change of the group cannot be made by now, if it cannot. */
  readonly refusalByNow: (change: ConfChange) => RaftNodeError | undefined;
}

/** The way from the queue to the core. */
export class Offers {
  readonly #options: OffersOptions;
  // No leader took what is queued.
  #isParked = false;

  constructor(options: OffersOptions) {
    this.#options = options;
  }

  /** Something has changed: what nobody took may be taken now. */
  again(): void {
    this.#isParked = false;
  }

  /** Offers what is queued, in order. */
  make(): void {
    const { proposals, raw } = this.#options;
    if (!proposals.hasQueued || this.#isParked) return;
    const queued = proposals.takeQueued();
    for (let from = 0; from < queued.length; ) {
      const part = together(queued, from);
      const firstIndex = raw.isLeader ? raw.lastIndex + 1 : 0;
      const refusal = this.#offer(part);
      if (refusal instanceof RaftNodeError) {
        proposals.answer((part[0] as Pending).number, refusal);
      } else if (refusal !== undefined) {
        this.#isParked = true;
        proposals.giveBack(queued.slice(from));
        return;
      } else {
        proposals.proposed(part, firstIndex);
      }
      from += part.length;
    }
  }

  // A change of the membership has a call of its own, and is always alone.
  #offer(part: readonly Pending[]): Refusal | RaftNodeError | undefined {
    const { raw, refusalByNow } = this.#options;
    const { type, data } = part[0] as Pending;
    if (type === "normal") return raw.proposeAll(part.map((each) => each.data));
    const change = decodeConfChange(data);
    return refusalByNow(change) ?? raw.proposeConfChange(change);
  }
}

// A message of a follower that passes them on must fit what a network carries.
const TOGETHER_BYTES_MAX = 1_048_576;

/** Those, from one on, that are handed to the core in one call, and so leave in one message. */
function together(queued: readonly Pending[], from: number): Pending[] {
  const first = queued[from] as Pending;
  const part = [first];
  let bytes = first.data.length;
  for (let at = from + 1; at < queued.length && first.type === "normal"; at++) {
    const next = queued[at] as Pending;
    bytes += next.data.length;
    if (next.type !== "normal" || bytes > TOGETHER_BYTES_MAX) break;
    part.push(next);
  }
  return part;
}
