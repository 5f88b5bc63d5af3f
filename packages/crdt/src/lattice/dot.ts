// The leaves of every state: live dots, each with what its update said. The paper has them as
// DotSet (dots alone) and DotFun (dots with values); here both are one list, sorted by replica and
// counter, and never changed once made, so that a state and its deltas share them. Nearly every
// list has length one, and then costs one object.
import type { CausalContext } from "./context.ts";

/** A live dot with its value, and the dots behind it. */
export class Dot {
  readonly replica: string;
  readonly counter: number;
  readonly value: unknown;
  readonly next: Dots;

  constructor(replica: string, counter: number, value: unknown, next: Dots) {
    this.replica = replica;
    this.counter = counter;
    this.value = value;
    this.next = next;
  }
}

/** A list of dots; undefined is the empty one. */
export type Dots = Dot | undefined;

/** Below 0 when the first dot stands before the second, 0 when they are the same. */
export function compareDots(a: Dot, b: Dot): number {
  if (a.replica === b.replica) return a.counter - b.counter;
  return a.replica < b.replica ? -1 : 1;
}

/**
 * The join of two lists whose states have seen these contexts (Almeida et al. 2018, §7.3): a dot
 * stays if both have it, or if the one that lacks it has not seen it; seen and absent is removed.
 * Returns the first list itself when nothing changes.
 */
export function joinDots(a: Dots, seenByA: CausalContext, b: Dots, seenByB: CausalContext): Dots {
  if (a === b) return a;
  // One dot against none: a new element, or a removed one.
  if (a === undefined && b!.next === undefined) {
    return seenByA.has(b!.replica, b!.counter) ? undefined : b;
  }
  if (b === undefined && a!.next === undefined) {
    return seenByB.has(a!.replica, a!.counter) ? undefined : a;
  }
  const kept: Dot[] = [];
  let changed = false;
  let left = a;
  let right = b;
  while (left !== undefined || right !== undefined) {
    const order = orderOf(left, right);
    if (order === 0) {
      kept.push(left!);
      left = left!.next;
      right = right!.next;
    } else if (order < 0) {
      if (seenByB.has(left!.replica, left!.counter)) changed = true;
      else kept.push(left!);
      left = left!.next;
    } else {
      if (!seenByA.has(right!.replica, right!.counter)) {
        kept.push(right!);
        changed = true;
      }
      right = right!.next;
    }
  }
  return changed ? listOf(kept) : a;
}

function orderOf(left: Dots, right: Dots): number {
  if (left === undefined) return 1;
  return right === undefined ? -1 : compareDots(left, right);
}

/** A list of these dots, which are in order. */
export function listOf(dots: readonly Dot[]): Dots {
  let list: Dots;
  for (let i = dots.length - 1; i >= 0; i--) {
    const dot = dots[i]!;
    list = dot.next === list ? dot : new Dot(dot.replica, dot.counter, dot.value, list);
  }
  return list;
}

/** Every dot of the list. */
export function* each(list: Dots): Generator<Dot> {
  for (let dot = list; dot !== undefined; dot = dot.next) yield dot;
}

/** Whether any of these is as asked for; none is drawn after it. */
export function some<T>(items: Iterable<T>, asked: (item: T) => boolean): boolean {
  for (const item of items) if (asked(item)) return true;
  return false;
}
