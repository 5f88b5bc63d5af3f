// The times that one request may take: to arrive, then to be answered; to live, with everything;
// and to be silent. The first two never run at once, and share a timer.
//
// Envoy has them as request_timeout, the route's timeout, max_stream_duration and
// stream_idle_timeout.
import type { Clock } from "@compendium/runtime";
import { IdleTimer, Timer } from "./timer.ts";

/** Which of the times is over. */
export type LateReason = "request" | "response" | "lifetime" | "idle";

/** Who is told. */
export interface LateListener {
  onLate(reason: LateReason): void;
}

/** The timers of one request. A time of 0 is no bound. */
export class RequestTimers implements Disposable {
  readonly #clock: Clock;
  readonly #listener: LateListener;
  readonly #timer: Timer;
  #lifetime: Timer | undefined;
  #idle: IdleTimer | undefined;

  constructor(clock: Clock, listener: LateListener) {
    this.#clock = clock;
    this.#listener = listener;
    this.#timer = new Timer(clock);
  }

  /** From now on, until the request is whole. */
  boundArrival(ms: number): void {
    this.#timer.set(ms, () => this.#listener.onLate("request"));
  }

  /** From now on, until the response is whole; the request's arrival has no bound any more. */
  boundResponse(ms: number): void {
    this.#timer.set(ms, () => this.#listener.onLate("response"));
  }

  /** From now on. */
  boundLifetime(ms: number): void {
    if (ms === 0) return;
    this.#lifetime = new Timer(this.#clock);
    this.#lifetime.set(ms, () => this.#listener.onLate("lifetime"));
  }

  /** Between one {@link touch} and the next. */
  boundSilence(ms: number): void {
    if (ms === 0) return;
    this.#idle = new IdleTimer(this.#clock, ms, () => this.#listener.onLate("idle"));
  }

  /** Something has moved. */
  touch(): void {
    this.#idle?.touch();
  }

  [Symbol.dispose](): void {
    this.#timer.stop();
    this.#lifetime?.stop();
    this.#idle?.[Symbol.dispose]();
  }
}
