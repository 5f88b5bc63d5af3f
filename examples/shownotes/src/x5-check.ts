// The clients' history, held against the model while it grows: not only at the end is it known that
// all was well. A check costs a few milliseconds, and lets the event loop go on in between.
import { checkInTurns, type History, type Verdict } from "@compendium/linearizability";
import { type Clock, sleep } from "@compendium/runtime";
import { type Asked, type Got, registryModel } from "./x5-model.ts";

// What a check may take before it says "unknown": far more than any here has needed.
const STEPS_MAX = 20_000_000;

/** What the checks have said. */
export interface Checked {
  /** The worst of them: one that is illegal stays so, whatever comes after. */
  verdict: Verdict;
  /** How many there were. */
  checks: number;
  /** How many operations the last one saw. */
  operations: number;
}

/** Checks again and again. */
export class LiveCheck {
  readonly checked: Checked = { verdict: "ok", checks: 0, operations: 0 };
  readonly #history: () => History<Asked, Got>;
  readonly #model = registryModel();

  constructor(history: () => History<Asked, Got>) {
    this.#history = history;
  }

  /** Checks what there is, now. */
  async now(signal: AbortSignal): Promise<Checked> {
    const history = this.#history();
    const { verdict } = await checkInTurns(history, this.#model, { signal, stepsMax: STEPS_MAX });
    this.checked.checks++;
    this.checked.operations = history.length;
    if (this.checked.verdict !== "illegal" && verdict !== "ok") this.checked.verdict = verdict;
    return this.checked;
  }

  /** Checks every so often until `signal` is aborted, or something is wrong. */
  async run(everyMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    try {
      while (this.checked.verdict === "ok") {
        await sleep(everyMs, { clock, signal });
        await this.now(signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
