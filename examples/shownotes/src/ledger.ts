// Charged once, however often it is asked for. The caller names a charge by a key of its own; the
// ledger carries it out when the key is new, and otherwise answers what it answered then. So a
// caller that does not know whether a charge was made, because the answer was lost, may simply ask
// again (IETF draft-ietf-httpapi-idempotency-key-header; Stripe's API made it popular).
//
// Keys are kept for a time and up to a number. A key that has not expired is never dropped to make
// room: to forget one early would be to charge it twice. A full ledger refuses new keys instead.
//
// Left out: a disk. A real ledger writes the key in the transaction that moves the money.

/** The request header that carries a key. */
export const IDEMPOTENCY_KEY = "idempotency-key";

/** What is charged. */
export interface Charge {
  episode: string;
  amountCents: number;
}

/** What the caller gets, the same each time. */
export interface Receipt extends Charge {
  chargeId: string;
}

/** How a request to charge came out. */
export type Entry =
  | { outcome: "charged" | "repeated"; receipt: Receipt }
  /** The key stands for another charge. */
  | { outcome: "conflict" }
  /** No room for a new key. */
  | { outcome: "full" };

/** Options of a {@link Ledger}. */
export interface LedgerOptions {
  /** How many keys it keeps. */
  keysMax: number;
  /** For how long it keeps one, in ms. */
  keptForMs: number;
}

/** Charges each key once. */
export class Ledger {
  readonly #options: LedgerOptions;
  // In the order in which they were charged, and so in that in which they expire.
  readonly #entries = new Map<string, { receipt: Receipt; atMs: number }>();
  #charges = 0;
  #keys = 0;
  #repeats = 0;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Charges `key` unless it has been. Looking and charging are one step: nothing comes between. */
  charge(key: string, charge: Charge, nowMs: number): Entry {
    this.#expire(nowMs);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      const { receipt } = known;
      if (receipt.episode !== charge.episode || receipt.amountCents !== charge.amountCents) {
        return { outcome: "conflict" };
      }
      this.#repeats++;
      return { outcome: "repeated", receipt };
    }
    if (this.#entries.size >= this.#options.keysMax) return { outcome: "full" };
    const receipt = { chargeId: `ch_${++this.#charges}`, ...charge };
    // Counted apart from the charges, so that the two can be held against each other.
    if (!this.#entries.has(key)) this.#keys++;
    this.#entries.set(key, { receipt, atMs: nowMs });
    return { outcome: "charged", receipt };
  }

  /**
   * Charges that were made, the keys that were charged, and charges asked for again. More charges
   * than keys: somebody has been charged twice.
   */
  stats(): { charges: number; keys: number; repeats: number } {
    return { charges: this.#charges, keys: this.#keys, repeats: this.#repeats };
  }

  #expire(nowMs: number): void {
    for (const [key, { atMs }] of this.#entries) {
      if (nowMs - atMs < this.#options.keptForMs) return;
      this.#entries.delete(key);
    }
  }
}
