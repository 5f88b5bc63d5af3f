// A small part of a history that proves the whole of it illegal.
//
// Leaving operations out at random proves nothing: without its write, every read is wrong. An
// operation may be left out only if what remains is illegal whether that operation happened or not.
// What is kept at the end is then illegal on its own, too.
//
// First everything goes that was called after the search got stuck. Then runs of operations are
// left out, halves first, as in delta debugging (Zeller and Hildebrandt 2002), down to single ones,
// until none can go. The result is minimal, not a minimum: no one operation can be left out, but a
// smaller proof may exist.
import { type CheckOptions, check, type PartResult } from "./check.ts";
import type { MemoryPool } from "./configurations.ts";
import { atLeast } from "./limits.ts";
import type { Model } from "./model.ts";
import type { History, Operation } from "./operation.ts";
import { scheduleOf } from "./schedule.ts";
import { Search } from "./search.ts";

/** How much work a smaller counterexample is worth. */
export interface CounterexampleOptions extends CheckOptions {
  /** Steps of one try; what takes more is kept. Default 20,000. */
  readonly stepsPerTry?: number | undefined;
  /** Steps of all tries; then the smallest found is the answer. Default 5 million. */
  readonly shrinkStepsMax?: number | undefined;
}

/** The proof, and how far it was taken. */
export interface Counterexample<Input, Output> {
  /** Illegal on their own, in the order of their calls. */
  readonly operations: History<Input, Output>;
  /** Their places in the history that was given. */
  readonly places: readonly number[];
  /** Whether no single operation can be left out; else the steps did not suffice to say so. */
  readonly minimal: boolean;
}

/**
 * A minimal illegal part of a history, or `undefined` where the history was not found illegal.
 *
 * @throws RangeError for a limit or a time out of its range
 */
export function counterexample<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  options: CounterexampleOptions = {},
): Counterexample<Input, Output> | undefined {
  const { stepsPerTry = 20_000, shrinkStepsMax = 5_000_000 } = options;
  atLeast("stepsPerTry", stepsPerTry, 1);
  atLeast("shrinkStepsMax", shrinkStepsMax, 0);
  const { parts } = check(history, model, options);
  const part = parts.find(({ verdict }) => verdict === "illegal");
  if (part === undefined) return undefined;
  const found = new Shrinking(history, part, model, { stepsPerTry, shrinkStepsMax }).run();
  const operations = found.places.map((place) => history[place] as Operation<Input, Output>);
  return { ...found, operations };
}

const TRY_BYTES_MAX = 64 * 1024 * 1024;

interface Limits {
  readonly stepsPerTry: number;
  readonly shrinkStepsMax: number;
}

class Shrinking<State, Input, Output> {
  readonly #history: History<Input, Output>;
  readonly #part: PartResult;
  readonly #model: Model<State, Input, Output>;
  readonly #stepsPerTry: number;
  #stepsLeft: number;
  // Whether every try has come to a verdict.
  #decided = true;

  constructor(
    history: History<Input, Output>,
    part: PartResult,
    model: Model<State, Input, Output>,
    { stepsPerTry, shrinkStepsMax }: Limits,
  ) {
    this.#history = history;
    this.#part = part;
    this.#model = model;
    this.#stepsPerTry = stepsPerTry;
    this.#stepsLeft = shrinkStepsMax;
  }

  run(): { readonly places: readonly number[]; readonly minimal: boolean } {
    let kept = this.#start();
    for (let size = Math.ceil(kept.length / 2); size >= 1; size = size > 1 ? (size + 1) >> 1 : 0) {
      this.#decided = true;
      for (let start = 0; start < kept.length; ) {
        const rest = [...kept.slice(0, start), ...kept.slice(start + size)];
        if (this.#isIllegal(rest)) kept = rest;
        else start += size;
      }
    }
    // The more is left out, the less is forbidden: what could not be left out before the last of
    // these rounds was over cannot be left out now.
    return { places: kept, minimal: this.#decided };
  }

  #start(): number[] {
    const at = (place: number) => this.#history[place] as Operation<Input, Output>;
    return this.#part.places
      .filter((place) => at(place).return !== undefined)
      .sort((a, b) => at(a).call - at(b).call || a - b);
  }

  #isIllegal(kept: readonly number[]): boolean {
    // Laying out counts as well: a try on a long history is not free.
    this.#stepsLeft -= this.#part.places.length;
    if (this.#stepsLeft <= 0) {
      this.#decided = false;
      return false;
    }
    const keep = new Set(kept);
    const isOptional = (place: number): boolean => !keep.has(place);
    const schedule = scheduleOf(this.#history, this.#part.places, this.#model, isOptional);
    const pool: MemoryPool = { used: 0, bytesMax: TRY_BYTES_MAX };
    const search = new Search(this.#history, schedule, this.#model, pool);
    const { standing, steps } = search.run(Math.min(this.#stepsPerTry, this.#stepsLeft));
    this.#stepsLeft -= steps;
    if (standing === "running" || standing === "memory") this.#decided = false;
    return standing === "illegal";
  }
}
