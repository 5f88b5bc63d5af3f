// What the specifications share: promises that are looked at, work that ends as told, and chance
// that is none.
import type { Random } from "@compendium/runtime";

/** Waits until every promise reaction that can run has run; no timer fires meanwhile. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What has become of a promise so far. */
export interface Watched {
  /** `pending`, the value, or the reason. */
  outcome: unknown;
  /** How often it has settled: 0 or 1. */
  settled: number;
}

/** Looks at a promise without waiting for it. */
export function watch(promise: Promise<unknown>): Watched {
  const watched: Watched = { outcome: "pending", settled: 0 };
  const settle = (outcome: unknown) => {
    watched.outcome = outcome;
    watched.settled++;
  };
  promise.then(settle, settle);
  return watched;
}

/** The reason of a rejection as its `code`, if it has one; a value as it is. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error) => (error as { code?: unknown })?.code ?? error);
}

/** Work that counts how often it was started, and how many of it run, and ends when told. */
export class Job {
  started = 0;
  running = 0;
  runningMax = 0;
  readonly #ends: PromiseWithResolvers<unknown>[] = [];

  readonly work = (): Promise<unknown> => {
    this.started++;
    this.running++;
    this.runningMax = Math.max(this.runningMax, this.running);
    const end = Promise.withResolvers<unknown>();
    this.#ends.push(end);
    return end.promise.finally(() => {
      this.running--;
    });
  };

  /** Ends the oldest that runs, or the one at `index`. */
  async succeed(value: unknown = "done", index = 0): Promise<void> {
    this.#ends.splice(index, 1)[0]?.resolve(value);
    await turn();
  }

  /** The same, with a failure. */
  async fail(reason: unknown = down, index = 0): Promise<void> {
    this.#ends.splice(index, 1)[0]?.reject(reason);
    await turn();
  }
}

export const down: Error = new Error("down");

export const succeed = async (): Promise<string> => "done";

export const fail = async (): Promise<never> => {
  throw down;
};

/** Work that never ends, whatever its signal says. */
export const hang = (): Promise<never> => new Promise(() => {});

/** Always the greatest number, or always 0. */
export const greatest: Pick<Random, "below"> = { below: (n) => n - 1 };
export const least: Pick<Random, "below"> = { below: () => 0 };

/** Runs `act` and returns the reasons that nobody handled meanwhile. */
export async function unhandledIn(act: () => Promise<void>): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const listeners = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason) => reasons.push(reason));
  try {
    await act();
    await turn();
    await turn();
  } finally {
    process.removeAllListeners("unhandledRejection");
    for (const listener of listeners) process.on("unhandledRejection", listener);
  }
  return reasons;
}
