// Linearizable reads without a log entry (thesis §6.4), many with one question. While one question
// goes round the members, whoever wants to read waits for the next: it must be asked after the read
// came, or its answer could be older than something the reader has seen already.
//
//   read ─┐
//   read ─┼─▶ one question ─▶ a majority ─▶ index ─▶ applied up to it ─▶ all of them may look
//   read ─┘
//
// The core loses questions with their leader. So one that has no answer after an election timeout,
// or whose leader has changed, is asked again; a read changes nothing, and may be asked twice.
import type { ReadState, Refusal } from "../core/message.ts";
import { Endings, READ_ENDINGS, type ReadEnding } from "./endings.ts";
import { RaftNodeError, type RaftNodeErrorCode } from "./errors.ts";

interface Reader {
  readonly deadlineMs: number;
  readonly resolve: (index: number) => void;
  readonly reject: (reason: unknown) => void;
  done: boolean;
}

interface Round {
  readonly context: Uint8Array;
  readonly readers: readonly Reader[];
  readonly askedMs: number;
}

/** The reads of one life of a node. */
export class Reads {
  readonly #proposer: number;
  readonly #readsMax: number;
  readonly #endings = new Endings(READ_ENDINGS);
  #waiting: Reader[] = [];
  #round: Round | undefined;
  // Confirmed, and waiting until the application has applied up to their index.
  #confirmed: { readonly index: number; readonly readers: readonly Reader[] }[] = [];
  #size = 0;
  #rounds = 0;

  /** @param proposer what tells this life of the node from all others */
  constructor(proposer: number, readsMax: number) {
    this.#proposer = proposer;
    this.#readsMax = readsMax;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** How many are remembered: those that wait, and until the next tick who has given up. */
  get kept(): number {
    let kept = 0;
    for (const _ of this.#all()) kept++;
    return kept;
  }

  /** How many questions were asked. */
  get rounds(): number {
    return this.#rounds;
  }

  /** How those that wait no more have ended. */
  get endings(): Readonly<Record<ReadEnding, number>> {
    return this.#endings.counts;
  }

  /**
   * Waits until the applied state is as new as anything that was answered before this call.
   * Resolves to the index it is new up to.
   *
   * @throws RaftNodeError `BUSY`; the signal's reason
   */
  add(deadlineMs: number, signal: AbortSignal | undefined): Promise<number> {
    signal?.throwIfAborted();
    if (this.#size >= this.#readsMax) {
      const text = `${this.#size} reads wait; try again later`;
      const refusal = new RaftNodeError("BUSY", text, "not-executed");
      this.#endings.failed(refusal);
      throw refusal;
    }
    this.#size++;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const onAbort = (): void => this.#fail(reader, signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const forget = (): void => signal?.removeEventListener("abort", onAbort);
    const reader: Reader = {
      deadlineMs,
      resolve: (index) => {
        forget();
        resolve(index);
      },
      reject: (reason) => {
        forget();
        reject(reason);
      },
      done: false,
    };
    this.#waiting.push(reader);
    return promise;
  }

  /** Asks the next question, if there is one and none is under way. */
  ask(nowMs: number, readIndex: (context: Uint8Array) => Refusal | undefined): void {
    if (this.#round !== undefined || this.#waiting.length === 0) return;
    const readers = this.#waiting.filter(({ done }) => !done);
    if (readers.length === 0) {
      this.#waiting = [];
      return;
    }
    const context = new Uint8Array(16);
    const view = new DataView(context.buffer);
    view.setFloat64(0, this.#proposer);
    view.setFloat64(8, this.#rounds + 1);
    if (readIndex(context) !== undefined) return;
    this.#rounds++;
    this.#waiting = [];
    this.#round = { context, readers, askedMs: nowMs };
  }

  /** The core has an answer. Questions that were given up are not known any more. */
  confirmed({ index, context }: ReadState): void {
    const round = this.#round;
    if (round === undefined || !isEqual(round.context, context)) return;
    this.#round = undefined;
    this.#confirmed.push({ index, readers: round.readers });
  }

  /** The application has applied up to there. */
  applied(upTo: number): void {
    while (this.#confirmed.length > 0) {
      const next = this.#confirmed[0] as { index: number; readers: readonly Reader[] };
      if (next.index > upTo) return;
      this.#confirmed.shift();
      for (const reader of next.readers) this.#answer(reader, next.index);
    }
  }

  /** The question is lost, or older than that: its readers wait for the next one. */
  giveUp(askedBeforeMs: number = Number.POSITIVE_INFINITY): void {
    const round = this.#round;
    if (round === undefined || round.askedMs > askedBeforeMs) return;
    this.#round = undefined;
    this.#waiting = [...round.readers, ...this.#waiting];
  }

  /** Ends those whose time is over. */
  expire(nowMs: number): number {
    let expired = 0;
    for (const reader of this.#all()) {
      if (reader.done || reader.deadlineMs > nowMs) continue;
      expired++;
      const text = "no leader has confirmed the read in its time; try again";
      this.#fail(reader, new RaftNodeError("NO_LEADER", text, "not-executed"));
    }
    this.#letGo();
    return expired;
  }

  // Without a leader, or with a disk that does not write, nothing else would let go of those that
  // are over. The readers of the question under way are as many as waited when it was asked.
  #letGo(): void {
    const waits = ({ done }: Reader): boolean => !done;
    this.#waiting = this.#waiting.filter(waits);
    this.#confirmed = this.#confirmed.filter(({ readers }) => readers.some(waits));
  }

  /** Ends all. */
  endAll(code: RaftNodeErrorCode, text: string, cause?: unknown): void {
    const options = cause === undefined ? undefined : { cause };
    for (const reader of [...this.#all()]) {
      this.#fail(reader, new RaftNodeError(code, text, "not-executed", options));
    }
    this.#waiting = [];
    this.#round = undefined;
    this.#confirmed = [];
  }

  *#all(): Generator<Reader> {
    for (const { readers } of this.#confirmed) yield* readers;
    if (this.#round !== undefined) yield* this.#round.readers;
    yield* this.#waiting;
  }

  #answer(reader: Reader, index: number): void {
    if (!this.#finish(reader)) return;
    this.#endings.answered();
    reader.resolve(index);
  }

  // A caller may give up with any reason, a string or a number.
  #fail(reader: Reader, reason: unknown): void {
    if (!this.#finish(reader)) return;
    this.#endings.failed(reason);
    reader.reject(reason);
  }

  #finish(reader: Reader): boolean {
    if (reader.done) return false;
    reader.done = true;
    this.#size--;
    return true;
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
