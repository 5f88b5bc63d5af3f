// A client's end of a session: numbers its commands, asks again until there is an answer, and lets
// go of answers it has. With it, a command is carried out exactly once, although any single attempt
// may end without an answer.
import { RaftNodeError } from "./errors.ts";
import type { Answer } from "./proposals.ts";

/** Which of a session's commands it is. */
export interface SessionCommandId {
  /** The session. */
  readonly id: number;
  /** Which of its commands, from 1. */
  readonly sequence: number;
  /** The client has the answers to all of its commands up to that one, and needs them no more. */
  readonly acknowledged: number;
}

/** How a call waits. */
export interface WaitOptions {
  /** How long it may take, in milliseconds; the node's `timeoutMs`. */
  readonly timeoutMs?: number;
  /** Ends the waiting, not what was asked for. */
  readonly signal?: AbortSignal;
}

/** One attempt to have a command carried out; its waiting ends with the signal. */
export type Attempt = (
  command: Uint8Array,
  id: SessionCommandId,
  signal?: AbortSignal,
) => Promise<Answer>;

/** A session of one client. Its commands may be made at the same time; each happens once. */
export class Session {
  /** What the group knows it by. */
  readonly id: number;
  readonly #attempt: Attempt;
  #sequence = 0;
  // Invariant: #open holds the sequences without an answer, in order.
  readonly #open = new Set<number>();

  /** @param attempt proposes a command once, to whichever member */
  constructor(id: number, attempt: Attempt) {
    this.id = id;
    this.#attempt = attempt;
  }

  /**
   * Has a command carried out once. Asks again where that may help: up to `attemptsMax` times (10),
   * each for as long as the node's `timeoutMs`, or until the signal is aborted.
   *
   * @throws RaftNodeError `SESSION_EXPIRED`, and the last attempt's; its `outcome` is that of all
   * attempts: one that ended without an answer may have happened, whatever the last one says
   */
  async propose(
    command: Uint8Array,
    { attemptsMax = 10, signal }: { attemptsMax?: number; signal?: AbortSignal } = {},
  ): Promise<Answer> {
    const sequence = ++this.#sequence;
    this.#open.add(sequence);
    let mayHaveHappened = false;
    try {
      for (let attempt = 1; ; attempt++) {
        signal?.throwIfAborted();
        try {
          const acknowledged = this.#acknowledged();
          return await this.#attempt(command, { id: this.id, sequence, acknowledged }, signal);
        } catch (error) {
          mayHaveHappened ||= !(error instanceof RaftNodeError && error.outcome === "not-executed");
          if (attempt < attemptsMax && isWorthRepeating(error)) continue;
          throw mayHaveHappened ? asUnknown(error) : error;
        }
      }
    } finally {
      this.#open.delete(sequence);
    }
  }

  #acknowledged(): number {
    const [oldest] = this.#open;
    return (oldest ?? this.#sequence + 1) - 1;
  }
}

function asUnknown(error: unknown): unknown {
  if (!(error instanceof RaftNodeError) || error.outcome === "unknown") return error;
  const text = `an earlier attempt may have happened; the last one: ${error.message}`;
  return new RaftNodeError(error.code, text, "unknown", { cause: error });
}

function isWorthRepeating(error: unknown): boolean {
  if (!(error instanceof RaftNodeError)) return false;
  return ["NO_LEADER", "TIMEOUT", "SUPERSEDED"].includes(error.code);
}
