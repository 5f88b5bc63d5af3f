// What the store has denied need not be asked again until the time it named. A client that goes on
// at full speed after a 429 then costs this process a lookup, and the store nothing.
//
// Nobody is blocked for longer than the store would: the time counts from before it was asked, and
// nothing but a refund or a reset by another process can make a denied key free earlier. (Who costs
// more than what was refused is told the time of that, and asks once more.) Forgetting an entry is
// harmless, so the oldest go when there is no room.
import type { Decision } from "./decision.ts";
import { Generations } from "./generations.ts";

interface Block {
  readonly untilMs: number;
  readonly cost: number;
  readonly decision: Decision;
}

/** Keys known to be denied. Every operation is O(1). */
export class BlockCache {
  readonly #blocks: Generations<Block>;

  constructor(keysMax: number) {
    this.#blocks = new Generations(keysMax);
  }

  get size(): number {
    return this.#blocks.size;
  }

  /** The refusal of a request that would be denied, or undefined. */
  find(key: string, cost: number, nowMs: number): Decision | undefined {
    const block = this.#blocks.get(key);
    if (block === undefined) return undefined;
    // The store had rounded the time up to a whole ms: about its last one, it is asked.
    if (block.untilMs - nowMs <= 1) {
      this.#blocks.delete(key);
      return undefined;
    }
    // What is too much for 5 may do for 1.
    if (cost < block.cost) return undefined;
    const leftMs = Math.ceil(block.untilMs - nowMs);
    const resetMs = block.decision.resetMs - (block.decision.retryAfterMs - leftMs);
    return { ...block.decision, outcome: "blocked", retryAfterMs: leftMs, resetMs };
  }

  /** Remembers a refusal that was asked for at `askedAtMs`. */
  add(key: string, cost: number, decision: Decision, askedAtMs: number): void {
    if (!(decision.retryAfterMs > 0 && decision.retryAfterMs < Infinity)) return;
    this.#blocks.set(key, { untilMs: askedAtMs + decision.retryAfterMs, cost, decision });
  }

  delete(key: string): void {
    this.#blocks.delete(key);
  }
}
