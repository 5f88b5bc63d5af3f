// The verdict on a whole history: its parts are searched in turns.
//
// One part may take for ever while another shows its violation within a millisecond, and nobody
// knows which before trying. So every part gets a few thousand steps, those that are left get twice
// as many, and so on: the whole takes at most a constant factor longer than if the right part had
// been known, and it ends with the first violation. A search stops and goes on, so no step is taken
// twice.

import type { MemoryPool } from "./configurations.ts";
import { atLeast } from "./limits.ts";
import type { Model } from "./model.ts";
import { assertHistory, type History } from "./operation.ts";
import { type Partition, partitionsOf } from "./partition.ts";
import { scheduleOf } from "./schedule.ts";
import { Search } from "./search.ts";

/** Whether a history is linearizable, or that this could not be found out within the limits. */
export type Verdict = "ok" | "illegal" | "unknown";

/** How far a check may go. */
export interface CheckOptions {
  /** Choices tried, over all parts; default 50 million, in the order of ten seconds. */
  readonly stepsMax?: number | undefined;
  /** Memory of the searches, over all parts; default 256 MiB, at least 1 MiB. */
  readonly memoryBytesMax?: number | undefined;
}

/** How far a check may go, and when it must stop. */
export interface CheckInTurnsOptions extends CheckOptions {
  /** Aborting it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Steps between two turns of the event loop; default 20,000, some five milliseconds. */
  readonly stepsPerTurn?: number | undefined;
}

/** What is known of one part. */
export interface PartResult {
  /** The model's name for it; `undefined` where the history is one whole. */
  readonly key: string | undefined;
  /** Its operations, as places in the history, ascending. */
  readonly places: readonly number[];
  /** Unknown, too, if another part was found illegal before this one was done. */
  readonly verdict: Verdict;
  /**
   * Orders in which operations may have taken effect, as places in the history. Where the verdict
   * is ok, the one found, complete. Else up to four that came furthest; in an illegal part, no
   * order that begins like one of them can be completed.
   */
  readonly orders: readonly (readonly number[])[];
  /**
   * The operation before whose return all `orders` end, because it or a later one cannot be
   * explained; `undefined` where the verdict is ok.
   */
  readonly obstacle: number | undefined;
  /** Configurations visited. */
  readonly configurations: number;
  /** Set where this part was given up. */
  readonly exhausted: "steps" | "memory" | undefined;
}

/** What {@link check} found. */
export interface CheckResult {
  /** Illegal if a part is; else unknown if a part is; else ok. */
  readonly verdict: Verdict;
  /** All parts, in the order in which the history first touches them. */
  readonly parts: readonly PartResult[];
  /** Choices tried. */
  readonly steps: number;
  /** Configurations visited, in all parts. */
  readonly configurations: number;
}

const FIRST_STEPS = 4_096;
const STEPS_MAX = 50_000_000;
const MEMORY_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Says whether a history is linearizable. Exact unless it says unknown. NP-complete in the worst
 * case; near linear on what correct systems do.
 *
 * @throws RangeError for a limit or a time out of its range
 */
export function check<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  options: CheckOptions = {},
): CheckResult {
  const checking = checkInSlices(history, model, options, Number.POSITIVE_INFINITY);
  for (;;) {
    const { done, value } = checking.next();
    if (done) return value;
  }
}

/**
 * Like {@link check}, but lets the event loop run every few milliseconds.
 *
 * @throws RangeError for a limit or a time out of its range
 */
export async function checkInTurns<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  options: CheckInTurnsOptions = {},
): Promise<CheckResult> {
  const { signal, stepsPerTurn = 20_000 } = options;
  atLeast("stepsPerTurn", stepsPerTurn, 1);
  const checking = checkInSlices(history, model, options, stepsPerTurn);
  for (;;) {
    signal?.throwIfAborted();
    const { done, value } = checking.next();
    if (done) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function* checkInSlices<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  { stepsMax = STEPS_MAX, memoryBytesMax = MEMORY_BYTES_MAX }: CheckOptions,
  stepsPerSlice: number,
): Generator<void, CheckResult> {
  atLeast("stepsMax", stepsMax, 1);
  atLeast("memoryBytesMax", memoryBytesMax, 1024 * 1024);
  assertHistory(history);
  const pool: MemoryPool = { used: 0, bytesMax: memoryBytesMax };
  const parts = partitionsOf(history, model).map((part) => new Part(part, history, model, pool));
  let steps = 0;
  let inSlice = 0;
  let waiting = parts;
  search: for (let turn = FIRST_STEPS; waiting.length > 0 && steps < stepsMax; turn *= 2) {
    for (const part of waiting) {
      for (let left = turn; left > 0 && part.running && steps < stepsMax; ) {
        const taken = part.run(Math.min(left, stepsMax - steps, stepsPerSlice - inSlice));
        left -= taken;
        steps += taken;
        inSlice += taken;
        if (inSlice < stepsPerSlice) continue;
        inSlice = 0;
        yield;
      }
      if (part.verdict === "illegal") break search;
    }
    waiting = waiting.filter((part) => part.running);
  }
  const spent = steps >= stepsMax;
  const results = parts.map((part) => part.result(spent));
  const has = (verdict: Verdict): boolean => results.some((part) => part.verdict === verdict);
  return {
    verdict: has("illegal") ? "illegal" : has("unknown") ? "unknown" : "ok",
    parts: results,
    steps,
    configurations: results.reduce((sum, part) => sum + part.configurations, 0),
  };
}

// A part and its search, which is made when it gets its first turn and freed when it is done.
class Part<State, Input, Output> {
  readonly #partition: Partition;
  readonly #make: () => Search<State, Input, Output>;
  #search: Search<State, Input, Output> | undefined;
  #result: PartResult | undefined;

  constructor(
    partition: Partition,
    history: History<Input, Output>,
    model: Model<State, Input, Output>,
    pool: MemoryPool,
  ) {
    this.#partition = partition;
    this.#make = () => {
      return new Search(history, scheduleOf(history, partition.places, model), model, pool);
    };
  }

  get running(): boolean {
    return this.#result === undefined;
  }

  get verdict(): Verdict {
    return this.#result?.verdict ?? "unknown";
  }

  /** Returns the steps taken. */
  run(stepsMax: number): number {
    this.#search ??= this.#make();
    const { standing, steps } = this.#search.run(stepsMax);
    if (standing !== "running") {
      const verdict = standing === "memory" ? "unknown" : standing;
      this.#end(verdict, standing === "memory" ? "memory" : undefined);
    }
    return steps;
  }

  result(spent: boolean): PartResult {
    return this.#result ?? this.#end("unknown", spent ? "steps" : undefined);
  }

  #end(verdict: Verdict, exhausted: PartResult["exhausted"]): PartResult {
    const search = this.#search;
    this.#search = undefined;
    this.#result = {
      ...this.#partition,
      verdict,
      orders: search?.deepest() ?? [],
      obstacle: search?.obstacle,
      configurations: search?.configurations ?? 0,
      exhausted,
    };
    search?.free();
    return this.#result;
  }
}
