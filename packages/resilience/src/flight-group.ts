// Who waits for one key, and what is in the air for it: a linked list in order of arrival, because
// a thousand callers may leave it one by one, and a short list of flights.
import type { AbortListener, Call } from "./call.ts";
import type { WheelTimer } from "./deadline-wheel.ts";
import type { Next } from "./policy.ts";

/** One who waits for an answer. */
export class Caller {
  readonly call: Call;
  readonly next: Next<unknown>;
  readonly joinedAtMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  // Whether his own work was started.
  flown = false;
  listener: AbortListener | undefined = undefined;
  older: Caller | undefined = undefined;
  younger: Caller | undefined = undefined;

  constructor(
    call: Call,
    next: Next<unknown>,
    joinedAtMs: number,
    resolve: (value: unknown) => void,
    reject: (reason: unknown) => void,
  ) {
    this.call = call;
    this.next = next;
    this.joinedAtMs = joinedAtMs;
    this.resolve = resolve;
    this.reject = reject;
  }
}

/** Work in the air. */
export interface Flight {
  readonly call: Call;
  readonly startedAtMs: number;
}

/**
 * Everyone who waits for one key, in order of arrival. Invariant: each may share at least one
 * flight that is in the air.
 */
export class Group {
  readonly key: string;
  // Oldest first.
  readonly inAir: Flight[] = [];
  first: Caller | undefined = undefined;
  last: Caller | undefined = undefined;
  timer: WheelTimer | undefined = undefined;

  constructor(key: string) {
    this.key = key;
  }

  /** Joins, as the last. */
  add(caller: Caller): void {
    caller.older = this.last;
    if (this.last === undefined) this.first = caller;
    else this.last.younger = caller;
    this.last = caller;
  }

  /** Leaves; still points to the next, so that a walk along the list goes on from it. */
  remove({ older, younger }: Caller): void {
    if (older === undefined) this.first = younger;
    else older.younger = younger;
    if (younger === undefined) this.last = older;
    else younger.older = older;
  }

  /**
   * The first whose own work was not started, and may be: one whose deadline has passed is about to
   * be told so, and work for it would be work for nobody.
   */
  nextToFly(now: number): Caller | undefined {
    let caller = this.first;
    while (caller !== undefined && (caller.flown || caller.call.deadlineMs <= now)) {
      caller = caller.younger;
    }
    return caller;
  }

  /** False: everybody had gone before, and the flight was aborted. */
  land(flight: Flight): boolean {
    const index = this.inAir.indexOf(flight);
    // A splice allocates, and nearly always there is but this one.
    if (index === this.inAir.length - 1) return this.inAir.pop() !== undefined;
    if (index !== -1) this.inAir.splice(index, 1);
    return index !== -1;
  }
}
