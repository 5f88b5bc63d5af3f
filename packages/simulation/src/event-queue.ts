// What is still to happen, earliest first: a binary heap over (time, order of creation). Two events
// of one instant happen in the order in which they were asked for, so that the heap's shape, which
// depends on history, never decides anything.
//
// A cancelled event stays where it is until its time comes and is then passed over: finding it in
// the middle of a heap would cost more than carrying it. It drops its callback at once, so that
// what the callback holds can be collected.

/** Something that happens at a time. */
export class SimulatedEvent {
  readonly atUs: number;
  readonly order: number;
  /** Undefined once it has happened or has been cancelled. */
  fn: (() => void) | undefined;
  /** Whose event it is; the world's own where undefined. */
  readonly owner: EventOwner | undefined;

  constructor(atUs: number, order: number, owner: EventOwner | undefined, fn: () => void) {
    this.atUs = atUs;
    this.order = order;
    this.owner = owner;
    this.fn = fn;
  }
}

/** A process that events belong to: dead, they are dropped; paused, they wait. */
export interface EventOwner {
  readonly alive: boolean;
  readonly paused: boolean;
  /** Takes an event that came due during a pause. */
  defer(event: SimulatedEvent): void;
}

/** A priority queue of events; `push` and `pop` in O(log n). */
export class EventQueue {
  // Invariant: heap[i] is not later than heap[2i + 1] and heap[2i + 2].
  readonly #heap: SimulatedEvent[] = [];
  #created = 0;

  get size(): number {
    return this.#heap.length;
  }

  push(atUs: number, owner: EventOwner | undefined, fn: () => void): SimulatedEvent {
    const event = new SimulatedEvent(atUs, this.#created++, owner, fn);
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = heap[parent] as SimulatedEvent;
      if (!isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
    return event;
  }

  peek(): SimulatedEvent | undefined {
    return this.#heap[0];
  }

  pop(): SimulatedEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || last === first) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as SimulatedEvent)) child++;
      const below = heap[child] as SimulatedEvent;
      if (!isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: SimulatedEvent, b: SimulatedEvent): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
