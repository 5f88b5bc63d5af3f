// CPU time per call, in interleaved rounds. Wall time would measure the neighbours on a shared
// machine, and one contestant after the other would measure when the machine was busy: here every
// round runs every contestant once, and the median round of each counts.
//
// Each contestant is driven by a loop that is compiled for it alone. Through one shared loop, the
// call site would have seen several targets, and every contestant would pay for the others.

/** One way of making the same call. */
export interface Contestant {
  readonly name: string;
  /** Makes one call; the loop awaits it, and swallows its rejection. */
  readonly call: () => unknown;
  /** Calls per round; fewer where one takes milliseconds. */
  readonly times?: number;
}

type Loop = (call: () => unknown, times: number) => Promise<void>;

const TIMES = 100_000;
const WARM_UP_ROUNDS = 4;
const ROUNDS = 15;

/** Median nanoseconds of CPU time per call, in the order of the contestants. */
export async function measure(contestants: readonly Contestant[]): Promise<number[]> {
  const loops = contestants.map(({ name }) => compileLoop(name));
  const samples = contestants.map((): number[] => []);
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const [i, { call, times = TIMES }] of contestants.entries()) {
      collectGarbage();
      // A turn of the event loop: timers that a contestant relies on get to run.
      await new Promise((resolve) => setImmediate(resolve));
      const before = process.cpuUsage();
      await loops[i]?.(call, times);
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) samples[i]?.push(((user + system) * 1_000) / times);
    }
  }
  return samples.map((list) => list.toSorted((a, b) => a - b)[list.length >> 1] as number);
}

let compiled = 0;

// The number in the comment makes each source unique: V8 shares the code of equal sources.
function compileLoop(name: string): Loop {
  const source = `// ${name}, loop ${compiled++}
    return async (call, times) => {
      for (let i = 0; i < times; i++) {
        try { await call(); } catch {}
      }
    };`;
  return new Function(source)() as Loop;
}

/** Needs `--expose-gc`; main.ts sees to it. */
export function collectGarbage(): void {
  globalThis.gc?.();
}
