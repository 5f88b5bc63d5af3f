// What has been answered to whom, for a while: a request that is sent again because its answer was
// lost gets the same answer, and is not charged again.
import { checkWhole } from "./rule-options.ts";

/** A bounded memory of answers. No timer: what has run out goes when something new comes. */
export class Once<T> {
  // Invariant: in the order of their ends, because all are kept equally long.
  readonly #answers = new Map<string, { readonly answer: T; readonly untilUs: number }>();
  readonly #keepUs: number;
  readonly #answersMax: number;

  constructor(keepMs: number, answersMax: number) {
    checkWhole("idempotencyMs", keepMs, 1, 86_400_000);
    checkWhole("idempotencyKeysMax", answersMax, 1, 2 ** 24 - 1);
    this.#keepUs = keepMs * 1000;
    this.#answersMax = answersMax;
  }

  get(identity: string, nowUs: number): T | undefined {
    const kept = this.#answers.get(identity);
    return kept !== undefined && kept.untilUs > nowUs ? kept.answer : undefined;
  }

  set(identity: string, answer: T, nowUs: number): void {
    this.#answers.delete(identity);
    for (const [oldest, { untilUs }] of this.#answers) {
      if (untilUs > nowUs && this.#answers.size < this.#answersMax) break;
      this.#answers.delete(oldest);
    }
    this.#answers.set(identity, { answer, untilUs: nowUs + this.#keepUs });
  }
}
