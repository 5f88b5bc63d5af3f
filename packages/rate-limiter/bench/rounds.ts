// CPU time per call, in interleaved rounds. Wall time would measure the neighbours on a shared
// machine, and one contestant after the other would measure when the machine was busy: here every
// round runs every contestant once, and the median round of each counts.
//
// Each contestant is driven by a loop that is compiled for it alone. Through one shared loop, the
// call site would have seen several targets, and every contestant would pay for the others. A loop
// awaits only what returns promises.

/** One way of making the same decision. */
export interface Contestant {
  readonly name: string;
  /** Asks for one decision. A refusal may be a rejection. */
  readonly call: (key: string) => unknown;
  /** Whether the decision is there when `call` returns. */
  readonly isSync: boolean;
  /** Calls per round; fewer where one takes long. */
  readonly times?: number;
}

/** The keys, and the order in which they are asked for: a power of two long. */
export interface Load {
  readonly keys: readonly string[];
  readonly order: Uint32Array;
}

type Loop = (call: (key: string) => unknown, load: Load, times: number) => Promise<void>;

const TIMES = 300_000;
const WARM_UP_ROUNDS = 3;
const ROUNDS = 11;

/** Median nanoseconds of CPU time per call, in the order of the contestants. */
export async function measure(contestants: readonly Contestant[], load: Load): Promise<number[]> {
  const loops = contestants.map(({ name, isSync }) => compileLoop(name, isSync));
  const samples = contestants.map((): number[] => []);
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const [i, { call, times = TIMES }] of contestants.entries()) {
      collectGarbage();
      // A turn of the event loop: timers that a contestant relies on get to run.
      await new Promise((resolve) => setImmediate(resolve));
      const before = process.cpuUsage();
      await loops[i]?.(call, load, times);
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) samples[i]?.push(((user + system) * 1_000) / times);
    }
  }
  return samples.map(medianOf);
}

/** The middle one of an odd number of samples. */
export function medianOf(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1] as number;
}

let compiled = 0;

// The number in the comment makes each source unique: V8 shares the code of equal sources.
function compileLoop(name: string, isSync: boolean): Loop {
  const source = `// ${name}, loop ${compiled++}
    return async (call, { keys, order }, times) => {
      const mask = order.length - 1;
      for (let i = 0; i < times; i++) {
        const key = keys[order[i & mask]];
        try { ${isSync ? "" : "await"} call(key); } catch {}
      }
    };`;
  return new Function(source)() as Loop;
}

/** Needs `--expose-gc`; main.ts sees to it. */
export function collectGarbage(): void {
  globalThis.gc?.();
}
