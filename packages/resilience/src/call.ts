// One call on its way through a pipeline: what to do, by when it must be over, and whether somebody
// still waits for it.
//
// Every policy could make an AbortController of its own, and most peers do; at 2 µs a piece they
// cost more than all the policies together, and most work never looks at its signal. Here a call
// carries a plain list of those who want to know, and the AbortSignal is made when it is first
// asked for. A policy that may give up on part of the work (a timeout, a losing hedge) forks the
// call: aborting the child leaves the parent alone, aborting the parent reaches the child.
//
// Whoever gives up on work does not end it: code that ignores its signal runs on. What counts work
// that runs (a bulkhead) therefore asks the call's tally, not its caller; see
// {@link Call.afterWork}.
import type { Clock } from "@compendium/runtime";
import { keepShape } from "./shapes.ts";
import type { Tally } from "./tally.ts";

/** How much a call matters when not all can be served; most important first (SRE book, ch. 21). */
export type Criticality = "critical-plus" | "critical" | "sheddable-plus" | "sheddable";

/** The work of a call. */
export type Work<T> = (call: Call) => T | PromiseLike<T>;

/** What a call is made of. */
export interface CallInit {
  /** What to do, once every policy agrees. */
  work: Work<unknown>;
  /** Measures its time. */
  clock: Clock;
  /** When it must be over, on the clock's monotonic axis; Infinity: whenever. */
  deadlineMs: number;
  /** Whether doing it twice is as good as doing it once. */
  idempotent: boolean;
  /** How much it matters. */
  criticality: Criticality;
  /** Whose call it is, or for what; equal keys may share an answer, a limit or a fate. */
  key: string | undefined;
  /** Counts the work that runs under it, where a policy wants to know. */
  tally?: Tally | undefined;
}

/** Someone who wants to know when a call is aborted. */
export class AbortListener {
  /** Its neighbour in the list, the one that came after it. @internal */
  previous: AbortListener | undefined = undefined;
  /** Its neighbour in the list, the one that came before it. @internal */
  next: AbortListener | undefined = undefined;
  /** The call whose list this stands in; undefined once it stands in none. @internal */
  call: Call | undefined;
  /** Whom to tell. @internal */
  readonly notify: (reason: unknown) => void;

  /** @internal */
  constructor(call: Call, notify: (reason: unknown) => void) {
    this.call = call;
    this.notify = notify;
  }

  /** Stops listening. O(1), and may be repeated. */
  dispose(): void {
    this.call?.forget(this);
  }
}

/** A call, as policies and the work see it. */
export class Call implements CallInit {
  /** What to do, once every policy agrees. */
  readonly work: Work<unknown>;
  /** Measures its time. */
  readonly clock: Clock;
  /** When it must be over, on the clock's monotonic axis; Infinity: whenever. */
  readonly deadlineMs: number;
  /** Whether doing it twice is as good as doing it once. */
  readonly idempotent: boolean;
  /** How much it matters. */
  readonly criticality: Criticality;
  /** Whose call it is, or for what; equal keys may share an answer, a limit or a fate. */
  readonly key: string | undefined;
  /** Whether anybody can abort it: a signal, a deadline, or the policy that forked it. */
  readonly abortable: boolean;
  /** Counts the work that runs under it, where a policy wants to know. @internal */
  readonly tally: Tally | undefined;

  #aborted = false;
  #reason: unknown;
  #controller: AbortController | undefined;
  #listeners: AbortListener | undefined;
  // Set in a fork: how it hears of its parent's abort.
  #fromParent: AbortListener | undefined;

  /** @internal */
  constructor(
    init: CallInit,
    deadlineMs: number = init.deadlineMs,
    work: Work<unknown> = init.work,
    abortable: boolean = true,
  ) {
    this.work = work;
    this.clock = init.clock;
    this.deadlineMs = deadlineMs;
    this.idempotent = init.idempotent;
    this.criticality = init.criticality;
    this.key = init.key;
    this.abortable = abortable;
    this.tally = init.tally;
  }

  /** Whether nobody waits for this call any more. */
  get aborted(): boolean {
    return this.#aborted;
  }

  /** Why it was aborted. */
  get reason(): unknown {
    return this.#reason;
  }

  /** The same as an AbortSignal, made when it is first asked for. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Milliseconds until the deadline: negative once it has passed, Infinity when there is none. */
  remainingMs(): number {
    return this.deadlineMs === Number.POSITIVE_INFINITY
      ? Number.POSITIVE_INFINITY
      : this.deadlineMs - this.clock.now();
  }

  /** Calls `notify` in the turn in which the call is aborted; at once if it is already. O(1). */
  onAbort(notify: (reason: unknown) => void): AbortListener {
    const listener = new AbortListener(this, notify);
    if (this.#aborted) {
      listener.call = undefined;
      notify(this.#reason);
      return listener;
    }
    listener.next = this.#listeners;
    if (this.#listeners !== undefined) this.#listeners.previous = listener;
    this.#listeners = listener;
    return listener;
  }

  /**
   * A part of this call that can be given up alone, by an earlier deadline or with work of its own;
   * {@link release} it when it is over.
   */
  fork(deadlineMs: number = this.deadlineMs, work: Work<unknown> = this.work): Call {
    const child = new Call(this, Math.min(deadlineMs, this.deadlineMs), work);
    if (this.abortable) child.#fromParent = this.onAbort((reason) => child.abort(reason));
    return child;
  }

  /**
   * Calls `notify` once no work runs under this call any more: at once, where none does. Work goes
   * on after a timeout or an abort for as long as it ignores its signal.
   */
  afterWork(notify: () => void): void {
    if (this.tally === undefined) notify();
    else this.tally.afterWork(notify);
  }

  /**
   * Tells everyone who listens, the last to come first, and then the signal. The first reason
   * stands; aborting again does nothing. For the policy that forked the call: a caller aborts
   * through the signal that it brought. What a listener throws is thrown when all have been told.
   */
  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    let listener = this.#listeners;
    this.#listeners = undefined;
    this.release();
    let thrown: { error: unknown } | undefined;
    while (listener !== undefined) {
      // Read first: whoever is notified may dispose of listeners, its own and others'.
      const { next } = listener;
      if (listener.call !== undefined) {
        listener.call = undefined;
        try {
          listener.notify(reason);
        } catch (error) {
          thrown ??= { error };
        }
      }
      listener = next;
    }
    this.#controller?.abort(reason);
    if (thrown !== undefined) throw thrown.error;
  }

  /** A fork is over: its parent need not hold on to it. */
  release(): void {
    this.#fromParent?.dispose();
    this.#fromParent = undefined;
  }

  /** Takes a listener out of the list. O(1). @internal */
  forget(listener: AbortListener): void {
    listener.call = undefined;
    const { previous, next } = listener;
    if (this.#listeners === listener) this.#listeners = next;
    if (previous !== undefined) previous.next = next;
    if (next !== undefined) next.previous = previous;
  }
}

const example = new Call({
  work: () => undefined,
  clock: { now: () => 0, wallMs: () => 0, setTimer: () => ({ [Symbol.dispose]: () => {} }) },
  deadlineMs: 0,
  idempotent: false,
  criticality: "critical",
  key: undefined,
  tally: undefined,
});
keepShape([example, example.onAbort(() => {})]);
