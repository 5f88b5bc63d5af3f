// The processor time of another process, all of its threads together (the collector's and the
// compiler's as well), as Linux counts it: /proc/<pid>/task/*/schedstat in nanoseconds. The
// coarser utime and stime of /proc/<pid>/stat come in ticks of 10 ms, a hundredth of a second's
// measurement, so they are only for kernels that keep no schedstat.
import { readdirSync, readFileSync } from "node:fs";

const US_PER_TICK = 10_000;

/** Adds up what a process has used. */
export class CpuMeter {
  readonly #folder: string;
  // A thread that has ended is in no listing any more; what it used still counts.
  readonly #threads = new Map<string, number>();

  constructor(pid: number) {
    this.#folder = `/proc/${pid}`;
  }

  /** Microseconds of user and system time so far, of the threads that were ever seen. */
  readUs(): number {
    try {
      for (const thread of readdirSync(`${this.#folder}/task`)) {
        const text = readFileSync(`${this.#folder}/task/${thread}/schedstat`, "utf8");
        this.#threads.set(thread, parseSchedstat(text));
      }
    } catch (error) {
      if (this.#threads.size > 0) throw error;
      return parseStat(readFileSync(`${this.#folder}/stat`, "utf8"));
    }
    let sum = 0;
    for (const us of this.#threads.values()) sum += us;
    return sum;
  }
}

/** Microseconds on a processor, from a thread's schedstat: "<ns run> <ns waited> <slices>". */
export function parseSchedstat(text: string): number {
  const [, ns] = /^(\d+) \d+ \d+\s*$/.exec(text) ?? [];
  if (ns === undefined) throw new SyntaxError(`this is no schedstat: ${JSON.stringify(text)}`);
  return Number(ns) / 1_000;
}

/** Microseconds of user and system time, from a process's stat (proc(5), fields 14 and 15). */
export function parseStat(text: string): number {
  // The second field is the command's name in brackets, and may hold brackets and spaces itself.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (!Number.isInteger(ticks)) throw new SyntaxError(`this is no stat: ${JSON.stringify(text)}`);
  return ticks * US_PER_TICK;
}
