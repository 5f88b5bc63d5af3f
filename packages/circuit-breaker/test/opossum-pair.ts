// The same steps on a stock opossum breaker and on ours, and everything that can be seen of both:
// events in order with their arguments, states, results and counts. Time is vitest's fake time, in
// which both live.
import { CircuitBreaker } from "@compendium/circuit-breaker/opossum";
import Stock from "opossum";
import { vi } from "vitest";

/** Options of either; each breaker gets an object of its own. */
export type Options = CircuitBreaker.Options<[arg: string]>;

/** How a call ends. */
export type Ending = "succeeds" | "fails" | "is filtered";

type Breaker = CircuitBreaker<[arg: string], string>;

const EVENTS = [
  ..."fire success failure timeout reject semaphoreLocked fallback open close halfOpen".split(" "),
  ..."cacheHit cacheMiss coalesceCacheHit coalesceCacheMiss healthCheckFailed shutdown".split(" "),
];

/** Takes over the clocks and timers that the breakers use. Turns of the event loop stay real. */
export function fakeTime(): void {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"],
  });
}

/** Lets every promise continuation run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Moves time, in steps small enough that what one timer resolves is seen before the next fires. */
export async function advance(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    vi.advanceTimersByTime(Math.min(left, 50));
    await settled();
  }
  await settled();
}

/** One breaker, and what was seen of it. */
export class Side {
  readonly breaker: Breaker;
  /** Events with their arguments, and results, as they came. */
  readonly log: string[] = [];
  /** What `status` told at the end of each slice. */
  readonly snapshots: unknown[] = [];
  readonly #work = new Map<number, (ending: Ending) => void>();
  #fired = 0;

  constructor(make: typeof CircuitBreaker, options: Options) {
    this.breaker = new make((arg: string) => this.#act(arg), { name: "pair", ...options });
    for (const event of EVENTS) {
      this.breaker.on(event as "fire", (...args: unknown[]) => {
        this.log.push(`${event} ${JSON.stringify(args.map(plain))}`);
      });
    }
  }

  /** Begins to listen for snapshots. */
  watchSnapshots(): void {
    this.breaker.status.on("snapshot", ({ fires, failures }) => {
      this.snapshots.push([fires, failures]);
    });
  }

  /** Calls, and logs how it came out; returns the number of the call. */
  fire(arg: string): number {
    const number = this.#fired++;
    const log = (how: string, what: unknown) =>
      this.log.push(`#${number} ${how} ${JSON.stringify(plain(what))}`);
    Promise.resolve(this.breaker.fire(arg)).then(
      (value) => log("resolves", value),
      (error) => log("rejects", error),
    );
    return number;
  }

  /** Ends the work of a call, if it was started. */
  end(number: number, ending: Ending): void {
    this.#work.get(number)?.(ending);
    this.#work.delete(number);
  }

  /** Everything that shows now. */
  view(): unknown {
    const { breaker } = this;
    const { state, status } = breaker.toJSON();
    // Named in MIGRATING.md: lastTimerAt is when the circuit opened, not when it was made; and
    // latencies are those of calls that ran, once each.
    const { lastTimerAt: _, ...states } = state;
    const { latencyTimes, latencyMean, percentiles, ...counts } = status;
    const sameLatencies = counts.timeouts + counts.semaphoreRejections === 0;
    return {
      ...states,
      pendingClose: breaker.pendingClose,
      counts,
      latencies: sameLatencies && { latencyTimes, latencyMean, percentiles },
      buckets: breaker.status.window.map(({ fires, failures }) => [fires, failures]),
      log: this.log,
      snapshots: this.snapshots,
    };
  }

  #act(arg: string): Promise<string> {
    const number = this.#fired - 1;
    return new Promise((resolve, reject) => {
      this.#work.set(number, (ending) => {
        if (ending === "succeeds") resolve(`${arg}${number}`);
        else reject(Object.assign(new Error(`${arg}${number}`), { filtered: ending !== "fails" }));
      });
    });
  }
}

/** Both. What is done to one is done to the other. */
export class Pair {
  readonly ours: Side;
  readonly stock: Side;

  constructor(options: () => Options) {
    this.ours = new Side(CircuitBreaker, options());
    this.stock = new Side(Stock, options());
  }

  both(step: (side: Side) => void): void {
    step(this.stock);
    step(this.ours);
  }

  /** Fires; the number of the call is the same on both sides. */
  fire(arg: string): number {
    this.stock.fire(arg);
    return this.ours.fire(arg);
  }

  /** A call that ends after `ms`. */
  async call(ending: Ending, ms = 0): Promise<void> {
    const number = this.fire("a");
    await advance(ms);
    this.both((side) => side.end(number, ending));
    await settled();
  }

  /** How many changes of state the stock breaker has told. */
  get changes(): number {
    return this.stock.log.filter((each) => /^(open|close|halfOpen) /.test(each)).length;
  }
}

function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { message, code } = value as Error & { code?: string };
  return { message, code };
}
