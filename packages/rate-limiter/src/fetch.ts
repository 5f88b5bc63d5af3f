// A limit around fetch: the client's side of somebody else's limit. Whoever keeps to it himself
// gets his answers as fast as they are to be had, and no 429.
//
//     const rule = tokenBucket({ limit: 50, windowMs: 1_000, reserveMsMax: 1_000 });
//     const send = limitedFetch(new RateLimiter(rule));
//     const response = await send("https://api.example.org/v1/orders");
//
// A request waits for its turn, up to `waitMsMax`; one that would have to wait longer rejects at
// once, with a RateLimitedError that says when its turn would come. Where the rules have
// `reserveMsMax`, turns are taken ahead of time and in order; where they have none, a request comes
// back when its limit might allow it, and who comes first is first.
//
// The server has the last word: where it says how long to stay away (server-advice.ts), requests of
// the same key wait for that too. Its advice is bounded by `pauseMsMax`: a date in a hundred years
// is somebody's mistake.
//
// Responses come back as they are, a 429 too. Left out: trying again, which is for a retry around
// this; redirects, each of which is a request that is not counted; and limits of concurrency.
import { type Clock, sleep, systemClock } from "@compendium/runtime";
import type { Reservation } from "./decision.ts";
import type { AcquireOptions } from "./options.ts";
import { RateLimitedError } from "./rate-limited-error.ts";
import type { Rule } from "./rule.ts";
import { checkWhole, show } from "./rule-options.ts";
import { adviceMs, Pauses } from "./server-advice.ts";
import { reserveMsMaxOf } from "./wait.ts";

export { RateLimitedError } from "./rate-limited-error.ts";

type Fetch = typeof globalThis.fetch;
type FetchInput = Parameters<Fetch>[0];

/** A limiter that can be waited for, in memory or in a store. */
export interface WaitingLimiter {
  /** Names it in errors. */
  readonly name: string;
  /** What it says. */
  readonly rules: readonly Rule[];
  /** Waits for a turn, or refuses at once. */
  acquire(key?: string, cost?: number, options?: AcquireOptions): Promise<Reservation>;
}

/** Options of {@link limitedFetch}. */
export interface LimitedFetchOptions {
  /** Sends the requests. Default: the global fetch, as it is at the time of the call. */
  fetch?: Fetch;
  /** Whose limit it is; undefined: the one limit of all. Default: the origin of the URL. */
  key?: (input: FetchInput, init: RequestInit | undefined) => string | undefined;
  /** What a request costs. A whole number from 1; default 1. */
  cost?: number | ((input: FetchInput, init: RequestInit | undefined) => number);
  /** The longest wait before a request is sent, in ms. From 0; default 30,000. */
  waitMsMax?: number;
  /** How many requests may wait at once; others are refused. From 1; default 1,000. */
  waitingMax?: number;
  /** The longest that a server can make a key stay away, in ms. From 0; default 600,000. */
  pauseMsMax?: number;
  /** How many keys that stay away are remembered. From 1; default 10,000. */
  pausedKeysMax?: number;
  /** Measures waits. Default: the process's monotonic clock. */
  clock?: Clock;
}

/**
 * Fetch, within a limit. It rejects as fetch does, or with a {@link RateLimitedError}; an aborted
 * request gives its turn back.
 *
 * @throws TypeError for what is no limiter
 * @throws RangeError for options out of range
 */
export function limitedFetch(limiter: WaitingLimiter, options: LimitedFetchOptions = {}): Fetch {
  const queue = new Queue(limiter, options);
  const { key: keyOf = originOf, cost: price = 1 } = options;
  return async (input, init) => {
    const key = keyOf(input, init);
    const cost = typeof price === "function" ? price(input, init) : price;
    const signal = init?.signal ?? (isRequest(input) ? input.signal : undefined);
    await queue.turn(key, cost, signal);
    const { fetch = globalThis.fetch } = options;
    const response = await fetch(input, init);
    queue.heed(key, response);
    return response;
  };
}

// Requests that wait until they may be sent.
class Queue {
  readonly #limiter: WaitingLimiter;
  readonly #clock: Clock;
  readonly #waitMsMax: number;
  readonly #waitingMax: number;
  readonly #pauseMsMax: number;
  readonly #pauses: Pauses;
  #waiting = 0;

  constructor(limiter: WaitingLimiter, options: LimitedFetchOptions) {
    const { waitMsMax = 30_000, waitingMax = 1_000, pauseMsMax = 600_000 } = options;
    const { pausedKeysMax = 10_000, clock = systemClock } = options;
    if (typeof limiter?.acquire !== "function") {
      throw new TypeError(`limiter must have a method "acquire", got ${show(limiter)}`);
    }
    checkWhole("waitMsMax", waitMsMax, 0, Number.MAX_SAFE_INTEGER);
    checkWhole("waitingMax", waitingMax, 1, Number.MAX_SAFE_INTEGER);
    checkWhole("pauseMsMax", pauseMsMax, 0, Number.MAX_SAFE_INTEGER);
    checkWhole("pausedKeysMax", pausedKeysMax, 1, 2 ** 24 - 1);
    this.#limiter = limiter;
    this.#clock = clock;
    this.#waitMsMax = waitMsMax;
    this.#waitingMax = waitingMax;
    this.#pauseMsMax = pauseMsMax;
    this.#pauses = new Pauses(pausedKeysMax);
  }

  /** Waits for the turn of a request. Rejects in the turn in which the signal is aborted. */
  async turn(key: string | undefined, cost: number, signal?: AbortSignal | null): Promise<void> {
    signal?.throwIfAborted();
    if (this.#waiting >= this.#waitingMax) throw this.#refusal(undefined);
    this.#waiting++;
    try {
      await this.#wait(key, cost, signal ?? undefined);
    } finally {
      this.#waiting--;
    }
  }

  /** Stays away for as long as a server asks. */
  heed(key: string | undefined, response: Response): void {
    const waitMs = Math.min(adviceMs(response, this.#clock.wallMs()), this.#pauseMsMax);
    if (waitMs > 0) this.#pauses.pause(key, this.#clock.now(), waitMs);
  }

  async #wait(key: string | undefined, cost: number, signal?: AbortSignal): Promise<void> {
    const lastMs = this.#clock.now() + this.#waitMsMax;
    const sleepFor = async (waitMs: number) => {
      if (this.#clock.now() + waitMs > lastMs) throw this.#refusal(waitMs);
      await sleep(waitMs, { clock: this.#clock, ...(signal && { signal }) });
    };
    for (;;) {
      // First, so that after a pause all come back at the pace of the limiter, and not at once.
      const pausedMs = this.#pauses.leftMs(key, this.#clock.now());
      if (pausedMs > 0) {
        await sleepFor(pausedMs);
        continue;
      }
      const waitMsMax = this.#aheadMs(Math.max(0, lastMs - this.#clock.now()));
      const turn = await this.#limiter.acquire(key, cost, { waitMsMax, ...(signal && { signal }) });
      if (!turn.allowed) {
        const turnMs = turn.retryAfterMs + waitMsMax;
        if (this.#clock.now() + turnMs > lastMs) throw this.#refusal(turnMs);
        await sleepFor(Math.max(1, turn.retryAfterMs));
        continue;
      }
      const isPaused = this.#pauses.leftMs(key, this.#clock.now()) > 0;
      if (!isPaused && signal?.aborted !== true) return;
      turn.cancel();
      signal?.throwIfAborted();
    }
  }

  // How far ahead a turn can be taken. A leaky bucket's queue does nothing else.
  #aheadMs(leftMs: number): number {
    const { rules } = this.#limiter;
    const hasQueue = rules.some(({ algorithm }) => algorithm === "leaky-bucket-queue");
    return hasQueue ? leftMs : Math.min(leftMs, reserveMsMaxOf(rules));
  }

  #refusal(retryAfterMs: number | undefined): RateLimitedError {
    const { name } = this.#limiter;
    const message =
      retryAfterMs === undefined
        ? `${name}: ${this.#waitingMax} requests are waiting for their turn`
        : `${name}: the next turn is in ${retryAfterMs} ms`;
    return new RateLimitedError(message, retryAfterMs);
  }
}

function originOf(input: FetchInput): string {
  return new URL(isRequest(input) ? input.url : input).origin;
}

function isRequest(input: FetchInput): input is Request {
  return typeof input === "object" && "method" in input;
}
