// One node's clocks. Time of the world is an integer of microseconds that all nodes share and none
// can see. A node sees it through a quartz that runs fast or slow by some parts per million, from
// an origin of its own, and a wall clock that is off besides, and steps. Nothing here divides with
// a remainder that engines could round differently: local = origin + elapsed + ⌊elapsed · ppm /
// 10^6⌋, and what is handed out is local / 1000, correctly rounded by IEEE 754.
//
// A timer is set on the node's axis and fires on the world's. When the rate changes, timers that
// wait are moved, or a clock that slows down would call back before its own time.

import { type Clock, checkTimer } from "@compendium/runtime";
import type { EventOwner, SimulatedEvent } from "./event-queue.ts";

/** What a clock needs of the world. */
export interface TimeSource {
  readonly nowUs: number;
  schedule(atUs: number, owner: EventOwner | undefined, fn: () => void): SimulatedEvent;
}

const MILLION = 1_000_000;

/** A clock that drifts; its wall clock may step. */
export class SimulatedClock implements Clock {
  readonly #time: TimeSource;
  readonly #owner: EventOwner;
  readonly #onFire: (timer: number) => void;

  // Invariant: the local time at baseUs of the world is localUs; the rate has been ppm since then.
  #baseUs: number;
  #localUs: number;
  #ppm: number;
  #wallOffsetUs: number;

  #created = 0;
  readonly #timers = new Set<SimulatedTimer>();

  constructor(
    time: TimeSource,
    owner: EventOwner,
    { originUs, ppm, wallUs }: { originUs: number; ppm: number; wallUs: number },
    onFire: (timer: number) => void,
  ) {
    this.#time = time;
    this.#owner = owner;
    this.#onFire = onFire;
    this.#baseUs = time.nowUs;
    this.#localUs = originUs;
    this.#ppm = ppm;
    this.#wallOffsetUs = wallUs - originUs;
  }

  now(): number {
    return this.#localAt(this.#time.nowUs) / 1_000;
  }

  wallMs(): number {
    return (this.#localAt(this.#time.nowUs) + this.#wallOffsetUs) / 1_000;
  }

  setTimer(atMs: number, fn: () => void): Disposable {
    checkTimer(atMs, fn);
    const timer = new SimulatedTimer(this.#timers, localUsOf(atMs), this.#created++, fn);
    if (this.#owner.alive) {
      this.#timers.add(timer);
      this.#arm(timer);
    }
    return timer;
  }

  get ppm(): number {
    return this.#ppm;
  }

  /** From now on the clock gains `ppm` microseconds a second, or loses them. */
  setRate(ppm: number): void {
    this.#localUs = this.#localAt(this.#time.nowUs);
    this.#baseUs = this.#time.nowUs;
    this.#ppm = ppm;
    for (const timer of this.#timers) {
      timer.disarm();
      this.#arm(timer);
    }
  }

  /** Moves the wall clock, and nothing else. */
  stepWall(us: number): void {
    this.#wallOffsetUs += us;
  }

  #localAt(us: number): number {
    const elapsedUs = us - this.#baseUs;
    return this.#localUs + elapsedUs + Math.floor((elapsedUs * this.#ppm) / MILLION);
  }

  /** The first instant of the world at which the local time is `localUs` or more. */
  #worldAt(localUs: number): number {
    const elapsed = ((localUs - this.#localUs) / (MILLION + this.#ppm)) * MILLION;
    let us = this.#baseUs + Math.floor(elapsed);
    while (this.#localAt(us) < localUs) us++;
    while (this.#localAt(us - 1) >= localUs) us--;
    return us;
  }

  #arm(timer: SimulatedTimer): void {
    // Later than this the world does not last, and beyond it integers are no longer exact.
    if (timer.localUs > LOCAL_US_MAX) return;
    const nowUs = this.#time.nowUs;
    const due = this.#localAt(nowUs) >= timer.localUs;
    const atUs = due ? nowUs : this.#worldAt(timer.localUs);
    timer.event = this.#time.schedule(atUs, this.#owner, () => {
      this.#timers.delete(timer);
      this.#onFire(timer.number);
      timer.fn();
    });
  }
}

const LOCAL_US_MAX = 2 ** 50;

// Rounded up, so that now() >= atMs holds when the timer fires.
function localUsOf(atMs: number): number {
  const us = Math.ceil(atMs * 1_000);
  return us / 1_000 < atMs ? us + 1 : us;
}

class SimulatedTimer implements Disposable {
  readonly #timers: Set<SimulatedTimer>;
  readonly localUs: number;
  readonly number: number;
  readonly fn: () => void;
  event: SimulatedEvent | undefined;

  constructor(timers: Set<SimulatedTimer>, localUs: number, number: number, fn: () => void) {
    this.#timers = timers;
    this.localUs = localUs;
    this.number = number;
    this.fn = fn;
  }

  disarm(): void {
    if (this.event !== undefined) this.event.fn = undefined;
  }

  [Symbol.dispose](): void {
    if (this.#timers.delete(this)) this.disarm();
  }
}
