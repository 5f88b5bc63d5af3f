// What has been answered to whom, for a while: a request that is sent again because its answer was
// lost gets the same answer, and is not charged again.
import { Generations } from "./generations.ts";
import { checkWhole } from "./rule-options.ts";

/** A bounded memory of answers. No timer: what has run out goes when something new comes. */
export class Once<T> {
  readonly #answers: Generations<{ readonly answer: T; readonly untilUs: number }>;
  readonly #keepUs: number;
  #rotatesUs = 0;

  /** Throws a RangeError for a time or a number out of range. */
  constructor(keepMs: number, answersMax: number) {
    checkWhole("idempotencyMs", keepMs, 1, 86_400_000);
    checkWhole("idempotencyKeysMax", answersMax, 2, 2 ** 24 - 1);
    this.#keepUs = keepMs * 1000;
    this.#answers = new Generations(answersMax);
  }

  get(identity: string, nowUs: number): T | undefined {
    const kept = this.#answers.get(identity);
    return kept !== undefined && kept.untilUs > nowUs ? kept.answer : undefined;
  }

  set(identity: string, answer: T, nowUs: number): void {
    // Then the old generation has been written a whole `keepMs` ago or longer.
    if (nowUs >= this.#rotatesUs) {
      this.#answers.rotate();
      this.#rotatesUs = nowUs + this.#keepUs;
    }
    this.#answers.set(identity, { answer, untilUs: nowUs + this.#keepUs });
  }
}
