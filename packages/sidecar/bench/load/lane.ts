// A lane asks, waits for the whole answer, and asks again: a closed loop, so that no proxy is ever
// asked faster than it answers. As many lanes as there are requests under way.

/** What all lanes of a slice draw from. */
export class Budget {
  answers = 0;
  #begun = 0;
  readonly #endAtMs: number;
  readonly #requestsMax: number;

  constructor(lastsMs: number, requestsMax: number) {
    this.#endAtMs = performance.now() + lastsMs;
    this.#requestsMax = requestsMax;
  }

  /** Whether one more may be asked for; who is told so, asks. */
  take(): boolean {
    if (this.#begun >= this.#requestsMax || performance.now() >= this.#endAtMs) return false;
    this.#begun++;
    return true;
  }
}

/** One or more connections to a proxy. */
export interface Lane {
  /** Connects. */
  open(): Promise<void>;
  /** Asks until the budget is spent; rejects at the first answer that is wrong. */
  run(budget: Budget): Promise<void>;
  close(): void;
}
