// The circuit behind the opossum door: where it stands, and how it gets from there to elsewhere.
// What a call does is in opossum.ts.
//
// The state machine moves when a call asks. opossum moves with a timer, and its users read getters
// and wait for `halfOpen`; so a rest that is over reads as half-open here before any call has come,
// and a timer is set for the end of a rest if somebody listens for it.
import { systemClock } from "@compendium/runtime";
import { Listeners } from "./events.ts";
import type { Transition } from "./index.ts";
import { DoorEmitter } from "./opossum-emitter.ts";
import type { OpossumEvents } from "./opossum-events.ts";
import {
  type OpossumOptions,
  type OpossumState,
  type ResolvedOptions,
  resolveOptions,
  settingsFor,
  statusFor,
} from "./opossum-options.ts";
import type { Counter, Milliseconds, Stats, Status } from "./opossum-stats.ts";
import { OpossumWindow } from "./opossum-window.ts";
import { StateMachine } from "./state-machine.ts";

/** The longest time that setTimeout can keep; it takes a longer one for 1 ms. */
export const TIMER_MS_MAX: number = 2 ** 31 - 1;

/** Events of `E` and the states behind them. */
export abstract class OpossumCircuit<TI extends unknown[], TR> extends DoorEmitter<
  OpossumEvents<TI, TR>
> {
  /** The options, with every default filled in: a copy of those passed in. */
  readonly options: OpossumOptions<TI> & ResolvedOptions;
  /** The name. */
  readonly name: string;
  /** The group; the name, where none was given. */
  readonly group: string;

  /** @internal */
  protected readonly machine: StateMachine;
  readonly #window: OpossumWindow;
  readonly #status: Status;
  #enabled: boolean;
  #shutdown = false;
  #warmUpUntilMs = -Infinity;
  // On the wall clock, because it is for another process.
  #openedAtWallMs: number | undefined = undefined;
  // Whether the end of this rest was told, or is past telling.
  #halfOpenTold = true;
  #halfOpenTimer: NodeJS.Timeout | undefined = undefined;

  /** @internal */
  constructor(name: string | undefined, options: OpossumOptions<TI>) {
    super();
    this.options = resolveOptions(options);
    this.name = options.name || name || crypto.randomUUID();
    this.group = options.group || this.name;
    const { state, allowWarmUp, rollingCountTimeout } = this.options;
    this.#enabled = (state ?? options).enabled !== false;
    if (allowWarmUp === true || state?.warmUp) {
      this.#warmUpUntilMs = systemClock.now() + rollingCountTimeout;
    }
    this.#status = statusFor(this.options);
    this.#window = new OpossumWindow(this.#status, () => this.warmUp);
    const clock = { now: () => systemClock.now() };
    const settings = settingsFor(this.options);
    this.machine = new StateMachine(this.name, settings, this.#window, clock, { below: () => 0 });
    if (state) this.#restore(state);
    this.machine.listeners = new Listeners();
    this.machine.listeners.add("transition", (transition) => this.#follow(transition));
  }

  /** Whether the circuit is closed. */
  get closed(): boolean {
    return !this.#shutdown && this.machine.state === "closed";
  }

  /** Whether the circuit is open, and still rests. */
  get opened(): boolean {
    return !this.#shutdown && this.machine.state === "open" && !this.#rested;
  }

  /** Whether the circuit has rested, and has not yet heard from its probe. */
  get halfOpen(): boolean {
    return !this.#shutdown && (this.machine.state === "half-open" || this.#rested);
  }

  /** Whether the next call is the probe. */
  get pendingClose(): boolean {
    return this.halfOpen && (this.machine.probes?.admitted ?? 0) === 0;
  }

  /** Whether the breaker was shut down. */
  get isShutdown(): boolean {
    return this.#shutdown;
  }

  /** Whether calls are protected. */
  get enabled(): boolean {
    return this.#enabled;
  }

  /** Whether failures do not open the circuit yet. */
  get warmUp(): boolean {
    return systemClock.now() < this.#warmUpUntilMs;
  }

  /** How many ended calls the window must hold before the circuit may open. */
  get volumeThreshold(): number {
    return this.options.volumeThreshold;
  }

  /** The rolling counts, and their event `snapshot`. */
  get status(): Status {
    return this.#status;
  }

  /** The rolling counts, summed up. */
  get stats(): Stats {
    return this.#status.stats;
  }

  /** State and counts as plain data, for the options `state` and `status` of another breaker. */
  toJSON(): { state: OpossumState; status: Stats } {
    return {
      state: {
        name: this.name,
        enabled: this.enabled,
        closed: this.closed,
        open: this.opened,
        halfOpen: this.halfOpen,
        warmUp: this.warmUp,
        shutdown: this.isShutdown,
        lastTimerAt: this.#openedAtWallMs,
      },
      status: this.stats,
    };
  }

  /** Opens the circuit for `resetTimeout`, if it is not open. */
  open(): void {
    if (!this.#shutdown && !this.opened) this.#openFor(this.options.resetTimeout);
  }

  /** Closes the circuit, and forgets the failures so far. */
  close(): void {
    if (!this.#shutdown && !this.closed) this.machine.force("closed");
  }

  /** Protects calls again. */
  enable(): void {
    this.#enabled = true;
    this.#status.startListeneningForRotateEvent();
  }

  /** Lets calls through without protection, fallback, or counts other than `fires`. */
  disable(): void {
    this.#enabled = false;
    this.#status.removeRotateBucketControllerListener();
  }

  /** Refuses calls for good, and lets go of timers, listeners and caches. */
  shutdown(): void {
    this.tell("shutdown");
    this.removeAllListeners();
    clearTimeout(this.#halfOpenTimer);
    this.#end();
  }

  /** @internal */
  protected count(counter: Counter, latencyMs?: Milliseconds): void {
    this.#status.increment(counter, latencyMs);
  }

  protected onListener(type: PropertyKey): void {
    if (type !== "halfOpen" || this.#halfOpenTold) return;
    // The end of a rest that nobody was there to hear is not told to who comes after it.
    if (this.#rested) this.#halfOpenTold = true;
    else this.#armHalfOpen();
  }

  // The rest is over, and no call has come since.
  get #rested(): boolean {
    return this.machine.state === "open" && this.machine.now() >= this.machine.openUntil;
  }

  #end(): void {
    this.disable();
    this.#status.shutdown();
    this.#warmUpUntilMs = -Infinity;
    this.#shutdown = true;
  }

  #openFor(restMs: Milliseconds): void {
    this.machine.restore(
      {
        version: 1,
        state: "open",
        openForMs: restMs,
        trips: 0,
        failuresInARow: 0,
        window: { kind: "time", bucketMs: 1, buckets: [] },
      },
      0,
    );
  }

  // Before anybody listens: what is restored is not told. What is left of a rest goes on; opossum
  // would begin it anew with every process.
  #restore({ shutdown, closed, halfOpen, lastTimerAt }: OpossumState): void {
    if (shutdown) this.#end();
    if (shutdown || closed !== false) return;
    if (lastTimerAt !== undefined && !Number.isFinite(lastTimerAt)) {
      throw new TypeError(`state.lastTimerAt must be a number, got ${String(lastTimerAt)}`);
    }
    const { resetTimeout } = this.options;
    const nowMs = systemClock.wallMs();
    this.#openedAtWallMs = lastTimerAt ?? nowMs;
    const elapsedMs = halfOpen ? resetTimeout : Math.max(0, nowMs - this.#openedAtWallMs);
    this.#openFor(Math.max(0, resetTimeout - elapsedMs));
    this.#halfOpenTold = this.#rested;
    if (!halfOpen) this.#status.open();
  }

  #follow({ to, reason }: Transition): void {
    clearTimeout(this.#halfOpenTimer);
    if (this.#shutdown) return;
    if (to === "open") {
      this.#openedAtWallMs = systemClock.wallMs();
      this.#halfOpenTold = false;
      this.#status.open();
      if (this.listenerCount("halfOpen") > 0) this.#armHalfOpen();
      this.tell("open");
    } else if (to === "half-open") {
      this.#tellHalfOpen();
    } else {
      this.#halfOpenTold = true;
      // The window was emptied; what the probe has learnt is news.
      if (reason === "probes-succeeded") this.#window.record(0, false, false);
      this.#status.close();
      this.tell("close");
    }
  }

  #tellHalfOpen(): void {
    if (this.#halfOpenTold) return;
    this.#halfOpenTold = true;
    this.tell("halfOpen", this.options.resetTimeout);
  }

  #armHalfOpen(): void {
    const restMs = Math.ceil(this.machine.openUntil - this.machine.now());
    clearTimeout(this.#halfOpenTimer);
    this.#halfOpenTimer = setTimeout(
      () => {
        // Too early where the rest is longer than a timer, or the timer faster than the clock.
        if (this.#rested) this.#tellHalfOpen();
        else if (this.machine.state === "open") this.#armHalfOpen();
      },
      Math.min(Math.max(restMs, 0), TIMER_MS_MAX),
    );
    this.#halfOpenTimer.unref();
  }
}
