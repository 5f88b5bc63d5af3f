// A process: one life of a node, from a start to a crash. Everything that its code was given asks
// here first, so that death has one meaning:
//
// - Events that belong to it (timers, messages, completions) no longer happen.
// - Promises that wait for the world never settle. A rejection would be a lie: it would run `catch`
//   and `finally` blocks, which a process that was killed does not run.
// - Code that is running still, because JavaScript cannot be stopped in the middle of a function,
//   is a ghost: what it asks for has no effect, and what it records nobody hears. It cannot reach
//   the disk, the network or the observers of the life that follows.
//
// An effect is a request that changes something outside: a write, a sync, a rename, a message. Each
// is counted, and a crash can be put before it (it never happens), during it (it was begun, and the
// world decides what comes of it) or after it (it happened, and the node never hears of it).

import type { EventOwner, SimulatedEvent } from "./event-queue.ts";

/** Where in an effect a crash strikes. */
export type CrashMoment = "before" | "during" | "after";

/** Counts the effects of a node over all its lives, and says which one kills it. */
export interface EffectCounter {
  /** The moment at which the effect that begins now kills the process, if it does. */
  next(effect: string): CrashMoment | undefined;
}

/** One life of a node. */
export class Process implements EventOwner {
  readonly name: string;
  /** 0 for the first life, one more for each that follows. */
  readonly incarnation: number;
  readonly #effects: EffectCounter;
  readonly #crash: () => void;
  #alive = true;
  #deferred: SimulatedEvent[] | undefined;

  constructor(name: string, incarnation: number, effects: EffectCounter, crash: () => void) {
    this.name = name;
    this.incarnation = incarnation;
    this.#effects = effects;
    this.#crash = crash;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#deferred !== undefined;
  }

  pause(): void {
    this.#deferred ??= [];
  }

  /** Ends the pause; returns what came due meanwhile, in order. */
  resume(): readonly SimulatedEvent[] {
    const deferred = this.#deferred ?? [];
    this.#deferred = undefined;
    return deferred;
  }

  defer(event: SimulatedEvent): void {
    this.#deferred?.push(event);
  }

  /** From now on nothing that this life asks for has an effect. */
  end(): void {
    this.#alive = false;
    this.#deferred = undefined;
  }

  /** Asks for an effect; undefined when there will be none, because the process is dead by now. */
  begin(effect: string): Effect | undefined {
    if (!this.#alive) return undefined;
    const moment = this.#effects.next(effect);
    if (moment !== "before")
      return moment === undefined ? HARMLESS : new Effect(moment, this.#crash);
    this.#crash();
    return undefined;
  }
}

/** An effect that was asked for, and may be the last one. */
export class Effect {
  readonly #moment: CrashMoment | undefined;
  readonly #crash: (() => void) | undefined;

  constructor(moment?: CrashMoment, crash?: () => void) {
    this.#moment = moment;
    this.#crash = crash;
  }

  /** It is under way. */
  issued(): void {
    if (this.#moment === "during") this.#crash?.();
  }

  /** It has happened; false when the process does not live to hear of it. */
  happened(): boolean {
    if (this.#moment === undefined) return true;
    this.#crash?.();
    return false;
  }
}

const HARMLESS = new Effect();
