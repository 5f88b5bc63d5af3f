// One timer for all deadlines: a hashed timing wheel (Varghese & Lauck, SOSP 1987, scheme 6).
//
// Nearly every timeout is cancelled, because nearly every call answers in time. So adding and
// cancelling must be cheap, and firing may be late: an entry goes into the slot of its tick, a
// linked list, in O(1), and leaves it in O(1). The wheel's one real timer runs only while there is
// something to wait for, and sleeps over empty slots: in a busy process the slots ahead are empty
// because their calls have answered, in a quiet one because there are none.
//
//     slot    0    1    2  …  k  …  255        tick = ⌈deadline / 8 ms⌉; slot = tick % 256
//             │         │     └ e ⇄ e ⇄ e      an entry more than a turn away waits in its
//             e         e                      slot until its own tick has come round
//
// A deadline is never early, and late by at most two ticks: one for rounding, one for the clock.
// Left out: hierarchy. A long deadline is looked at once per turn of the wheel, every two seconds.
import type { Clock } from "@compendium/runtime";
import { keepShape } from "./shapes.ts";

const TICK_MS = 8;
const SLOTS = 256;
// How far the timer sleeps over empty slots. It is not cancelled when the last deadline is, so this
// is also how long an idle wheel may keep a process from ending: 128 ms.
const SLEEP_TICKS = 16;

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
  // While there is a timer: the tick it is set for. Invariant: no entry is due before that.
  #wakeTick = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Deadlines that are waited for. */
  get size(): number {
    return this.#size;
  }

  /**
   * Calls `fire` once, at `deadlineMs` on the clock or at most two ticks after; never from inside
   * this call. What it throws is thrown when all that is due has fired. O(1). Throws a RangeError
   * for a deadline that is no number, or infinite. Whoever has just looked at the clock may say so.
   */
  add(deadlineMs: number, fire: () => void, nowMs?: number): WheelTimer {
    if (!(deadlineMs < Infinity)) {
      throw new RangeError(`deadlineMs must be a finite number, got ${deadlineMs}`);
    }
    // Time may have passed while the wheel stood still, with nothing on it.
    if (this.#size++ === 0) {
      this.#tick = Math.floor((nowMs ?? this.#clock.now()) / TICK_MS);
    }
    // A deadline that has passed fires with the next tick.
    const tick = Math.max(Math.ceil(deadlineMs / TICK_MS), this.#tick + 1);
    if (this.#timer === undefined || tick < this.#wakeTick) this.#sleepUntil(tick);
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

  #sleepUntil(tick: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#wakeTick = Math.min(tick, this.#tick + SLEEP_TICKS);
    this.#timer = this.#clock.setTimer(this.#wakeTick * TICK_MS, () => this.#turn());
  }

  // The timer is let run out instead of being cancelled: one idle wake-up is cheaper than setting
  // and clearing a timer around every lonely call.
  #turn(): void {
    this.#timer = undefined;
    const now = Math.floor(this.#clock.now() / TICK_MS);
    const due: WheelTimer[] = [];
    // After a stall of more than a turn, one look at every slot finds all that is due.
    const last = Math.min(now, this.#tick + SLOTS);
    for (let tick = this.#tick + 1; tick <= last; tick++) {
      for (let timer = this.#slots[tick % SLOTS]; timer !== undefined; timer = timer.next) {
        if (timer.tick <= now) due.push(timer);
      }
    }
    this.#tick = Math.max(this.#tick, now);
    due.sort((a, b) => a.tick - b.tick);
    try {
      this.#fire(due);
    } finally {
      this.#sleepOn();
    }
  }

  // One that throws must not keep the others from firing, nor stop the wheel of the whole process.
  #fire(due: readonly WheelTimer[]): void {
    let thrown: { error: unknown } | undefined;
    for (const timer of due) {
      // One that fired before it may have cancelled it.
      if (timer.tick === -1) continue;
      this.remove(timer);
      try {
        timer.fire();
      } catch (error) {
        thrown ??= { error };
      }
    }
    if (thrown !== undefined) throw thrown.error;
  }

  // Until the first tick ahead whose slot holds something, or for as long as the timer may sleep.
  #sleepOn(): void {
    if (this.#size === 0) return;
    const last = this.#tick + SLEEP_TICKS;
    let tick = this.#tick + 1;
    while (tick < last && this.#slots[tick % SLOTS] === undefined) tick++;
    // What has just fired may have added an entry, and set the timer for that alone.
    if (this.#timer === undefined || tick < this.#wakeTick) this.#sleepUntil(tick);
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

keepShape(new WheelTimer(undefined as never, -1, () => {}));
