// Proposals on their way: made here, not yet come by in the committed log.
//
//   queued ──▶ appended here (index known) ──▶ committed and applied: answered
//     │    └─▶ forwarded to the leader     ──▶ the same, if it arrived
//     └─▶ no leader takes it in time: "not-executed", and safe to repeat
//
// A proposal that was appended here and whose place is taken by another entry has not happened and
// never will: (index, term) names an entry for ever. One that was forwarded may be lost without a
// sound; its caller waits until its time is over, and then nobody can say (Raft §8).
//
// Everything that waits is bounded, in number and in bytes.
import { Endings, PROPOSAL_ENDINGS, type ProposalEnding } from "./endings.ts";
import { RaftNodeError, type RaftNodeErrorCode } from "./errors.ts";

/** What a proposer gets. */
export interface Answer {
  /** The entry at which it happened; a session's name, where one was opened. */
  readonly index: number;
  /** What the application said. */
  readonly result: Uint8Array;
}

/** A proposal and who waits for it. */
export interface Pending {
  readonly number: number;
  readonly data: Uint8Array;
  readonly type: "normal" | "conf-change";
  readonly deadlineMs: number;
  /** Where it was appended, if that was here; 0 before. */
  index: number;
  /** Whether it was handed to the core: from then on it may happen. */
  isProposed: boolean;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

/** A request for a proposal. */
export interface ProposalRequest {
  readonly type: "normal" | "conf-change";
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  /** Makes the entry's data, with the proposal's number in it. */
  readonly encode: (number: number) => Uint8Array;
}

/** What may wait. */
export interface ProposalLimits {
  readonly proposalsMax: number;
  readonly proposalBytesMax: number;
}

/** The proposals of one life of a node. */
export class Proposals {
  readonly #limits: ProposalLimits;
  readonly #pending = new Map<number, Pending>();
  // Invariant: each is in #pending, under its number.
  readonly #byIndex = new Map<number, Pending>();
  readonly #endings = new Endings(PROPOSAL_ENDINGS);
  #queue: Pending[] = [];
  #bytes = 0;
  #lastNumber = 0;

  constructor(limits: ProposalLimits) {
    this.#limits = limits;
  }

  /** How many wait. */
  get size(): number {
    return this.#pending.size;
  }

  /** How many bytes wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How those that wait no more have ended. */
  get endings(): Readonly<Record<ProposalEnding, number>> {
    return this.#endings.counts;
  }

  /** Whether some wait to be handed to the core. */
  get hasQueued(): boolean {
    return this.#queue.length > 0;
  }

  /**
   * Takes one into the queue.
   *
   * @throws RaftNodeError `BUSY`; the signal's reason
   */
  add({ type, deadlineMs, signal, encode }: ProposalRequest): Promise<Answer> {
    signal?.throwIfAborted();
    const { proposalsMax, proposalBytesMax } = this.#limits;
    if (this.#pending.size >= proposalsMax || this.#bytes >= proposalBytesMax) {
      const text = `${this.#pending.size} proposals of ${this.#bytes} bytes wait; try again later`;
      const refusal = new RaftNodeError("BUSY", text, "not-executed");
      this.#endings.failed(refusal);
      throw refusal;
    }
    const number = ++this.#lastNumber;
    const data = encode(number);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const onAbort = (): void => this.#fail(pending, signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const forget = (): void => signal?.removeEventListener("abort", onAbort);
    const pending: Pending = {
      number,
      data,
      type,
      deadlineMs,
      index: 0,
      isProposed: false,
      resolve: (answer) => {
        forget();
        resolve(answer);
      },
      reject: (reason) => {
        forget();
        reject(reason);
      },
    };
    this.#pending.set(number, pending);
    this.#queue.push(pending);
    this.#bytes += data.length;
    return promise;
  }

  /** Hands over what is queued, in order. What is not accepted is to be given back. */
  takeQueued(): Pending[] {
    const queued = this.#queue;
    this.#queue = [];
    return queued.filter(({ number }) => this.#pending.has(number));
  }

  /** Nobody took these: they wait in front of the others. */
  giveBack(queued: readonly Pending[]): void {
    this.#queue = [...queued, ...this.#queue];
  }

  /** They were appended here, from that index on; or forwarded, if it is 0. */
  proposed(accepted: readonly Pending[], firstIndex: number): void {
    let index = firstIndex;
    for (const pending of accepted) {
      pending.isProposed = true;
      if (firstIndex === 0) continue;
      pending.index = index++;
      this.#byIndex.set(pending.index, pending);
    }
  }

  /** One of this node's proposals has come by. */
  answer(number: number, answer: Answer | RaftNodeError): void {
    const pending = this.#pending.get(number);
    if (pending === undefined) return;
    if (answer instanceof RaftNodeError) return this.#fail(pending, answer);
    this.#remove(pending);
    this.#endings.answered();
    pending.resolve(answer);
  }

  /** An entry has been applied: who had its place and is still waiting is superseded. */
  passed(index: number, onSuperseded: (pending: Pending) => Error): void {
    const pending = this.#byIndex.get(index);
    if (pending !== undefined) this.#fail(pending, onSuperseded(pending));
  }

  /** A snapshot covers everything up to there: what had its place there may be in it. */
  covered(index: number): void {
    for (const pending of this.#byIndex.values()) {
      if (pending.index > index) continue;
      const text = "a snapshot of the leader covers it; whether it is in there is not known";
      this.#fail(pending, new RaftNodeError("TIMEOUT", text, "unknown"));
    }
  }

  /** Ends those whose time is over. Called once a tick, over a bounded number. */
  expire(nowMs: number): number {
    let expired = 0;
    for (const pending of this.#pending.values()) {
      if (pending.deadlineMs > nowMs) continue;
      expired++;
      this.#fail(pending, timeout(pending));
    }
    // Where no leader takes them, nothing else would let go of those that are over.
    if (this.#queue.length > this.#pending.size) this.#queue = this.takeQueued();
    return expired;
  }

  /** Ends all: what was handed to the core may have happened, the rest has not. */
  endAll(code: RaftNodeErrorCode, text: string, cause?: unknown): void {
    for (const pending of this.#pending.values()) {
      const outcome = pending.isProposed ? "unknown" : "not-executed";
      const options = cause === undefined ? undefined : { cause };
      this.#fail(pending, new RaftNodeError(code, text, outcome, options));
    }
    this.#queue = [];
  }

  // A caller may give up with any reason, a string or a number.
  #fail(pending: Pending, reason: unknown): void {
    if (!this.#remove(pending)) return;
    this.#endings.failed(reason);
    pending.reject(reason);
  }

  #remove(pending: Pending): boolean {
    if (!this.#pending.delete(pending.number)) return false;
    // Its place may be another's by now: the log was cut off there, and this node led again.
    if (this.#byIndex.get(pending.index) === pending) this.#byIndex.delete(pending.index);
    this.#bytes -= pending.data.length;
    return true;
  }
}

function timeout({ isProposed }: Pending): RaftNodeError {
  if (!isProposed) {
    const text = "no leader took the proposal in its time; it is safe to repeat";
    return new RaftNodeError("NO_LEADER", text, "not-executed");
  }
  const text = "no answer in its time; it may have happened: repeat it only in a session";
  return new RaftNodeError("TIMEOUT", text, "unknown");
}
