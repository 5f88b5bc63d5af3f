// One timer for all deadlines: a hashed timing wheel (Varghese & Lauck, SOSP 1987, scheme 6).
//
// Nearly every timeout is cancelled, because nearly every call answers in time. So adding and
// cancelling must be cheap, and firing may be late: an entry goes into the slot of its tick, a
// linked list, in O(1), and leaves it in O(1). The wheel's one real timer runs only while there is
// something to wait for.
//
//     slot    0    1    2  …  k  …  255        tick = ⌈deadline / 8 ms⌉; slot = tick % 256
//             │         │     └ e ⇄ e ⇄ e      an entry more than a turn away waits in its
//             e         e                      slot until its own tick has come round
//
// A deadline is never early, and late by at most two ticks. Left out: hierarchy. A long deadline is
// looked at once per turn of the wheel, every two seconds.
import type { Clock } from "@compendium/runtime";

const TICK_MS = 8;
const SLOTS = 256;

/** A deadline on the wheel. */
export class WheelTimer {
  /** @internal */ previous: WheelTimer | undefined = undefined;
  /** @internal */ next: WheelTimer | undefined = undefined;
  /** @internal Invariant: the slot that lists this timer is tick % SLOTS; -1: none does. */
  tick: number;
  /** @internal */ readonly fire: () => void;
  readonly #wheel: DeadlineWheel;

  /** @internal */
  constructor(wheel: DeadlineWheel, tick: number, fire: () => void) {
    this.#wheel = wheel;
    this.tick = tick;
    this.fire = fire;
  }

  /** It will not fire. O(1), and may be repeated. */
  cancel(): void {
    if (this.tick !== -1) this.#wheel.remove(this);
  }
}

/** Fires many deadlines from one timer of a clock. */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slots: (WheelTimer | undefined)[] = new Array(SLOTS).fill(undefined);
  // Every tick up to this one has been looked at.
  #tick = 0;
  #size = 0;
  #timer: Disposable | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Deadlines that are waited for. */
  get size(): number {
    return this.#size;
  }

  /** Calls `fire` once, at `deadlineMs` on the clock or at most two ticks after. O(1). */
  add(deadlineMs: number, fire: () => void): WheelTimer {
    if (this.#size++ === 0) this.#start();
    // A deadline that has passed fires with the next tick, and not inside this call.
    const tick = Math.max(Math.ceil(deadlineMs / TICK_MS), this.#tick + 1);
    const timer = new WheelTimer(this, tick, fire);
    const slot = tick % SLOTS;
    const first = this.#slots[slot];
    timer.next = first;
    if (first !== undefined) first.previous = timer;
    this.#slots[slot] = timer;
    return timer;
  }

  /** @internal */
  remove(timer: WheelTimer): void {
    const { previous, next, tick } = timer;
    if (previous === undefined) this.#slots[tick % SLOTS] = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    timer.tick = -1;
    this.#size--;
  }

  // Time may have passed while the wheel stood still, with nothing on it.
  #start(): void {
    this.#tick = Math.floor(this.#clock.now() / TICK_MS);
    this.#timer ??= this.#wait();
  }

  #wait(): Disposable {
    return this.#clock.setTimer((this.#tick + 1) * TICK_MS, () => this.#turn());
  }

  // The timer is let run out instead of being cancelled: one idle wake-up is cheaper than setting
  // and clearing a timer around every lonely call.
  #turn(): void {
    this.#timer = undefined;
    const now = Math.floor(this.#clock.now() / TICK_MS);
    const due: WheelTimer[] = [];
    const last = Math.min(now, this.#tick + SLOTS);
    for (let tick = this.#tick + 1; tick <= last; tick++) {
      for (let timer = this.#slots[tick % SLOTS]; timer !== undefined; timer = timer.next) {
        if (timer.tick <= now) due.push(timer);
      }
    }
    this.#tick = Math.max(this.#tick, now);
    due.sort((a, b) => a.tick - b.tick);
    for (const timer of due) {
      // One that fired before it may have cancelled it.
      if (timer.tick === -1) continue;
      this.remove(timer);
      timer.fire();
    }
    if (this.#size > 0) this.#timer ??= this.#wait();
  }
}

const wheels = new WeakMap<Clock, DeadlineWheel>();

/** The one wheel of a clock. */
export function wheelOf(clock: Clock): DeadlineWheel {
  let wheel = wheels.get(clock);
  if (wheel === undefined) {
    wheel = new DeadlineWheel(clock);
    wheels.set(clock, wheel);
  }
  return wheel;
}
