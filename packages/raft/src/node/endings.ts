// How what was asked of a node has ended, counted. The words are a closed set, the values of a
// label (metrics/asked.ts); what ends with an error ends with the word of its code.
import { RaftNodeError, type RaftNodeErrorCode } from "./errors.ts";

/** Every way in which a proposal can end. */
export const PROPOSAL_ENDINGS = [
  "answered",
  "no-leader",
  "timeout",
  "busy",
  "superseded",
  "change-refused",
  "session-expired",
  "session-sequence",
  "cancelled",
  "stopped",
] as const;

/** Every way in which a read can end. */
export const READ_ENDINGS = ["answered", "no-leader", "busy", "cancelled", "stopped"] as const;

/** How a proposal has ended. */
export type ProposalEnding = (typeof PROPOSAL_ENDINGS)[number];

/** How a read has ended. */
export type ReadEnding = (typeof READ_ENDINGS)[number];

const ENDING_OF: { readonly [Code in RaftNodeErrorCode]?: ProposalEnding } = {
  NO_LEADER: "no-leader",
  TIMEOUT: "timeout",
  BUSY: "busy",
  SUPERSEDED: "superseded",
  CHANGE_REFUSED: "change-refused",
  SESSION_EXPIRED: "session-expired",
  SESSION_SEQUENCE: "session-sequence",
};

/** Counts endings. */
export class Endings<E extends ProposalEnding> {
  readonly #counts: Record<E, number>;

  constructor(endings: readonly E[]) {
    this.#counts = Object.fromEntries(endings.map((each) => [each, 0])) as Record<E, number>;
  }

  /** A copy of the counts. */
  get counts(): Readonly<Record<E, number>> {
    return { ...this.#counts };
  }

  /** One was answered. */
  answered(): void {
    this.#add("answered");
  }

  /** One has failed; a reason that is not the node's own is that of a caller who gave up. */
  failed(reason: unknown): void {
    const isOwn = reason instanceof RaftNodeError;
    this.#add(isOwn ? (ENDING_OF[reason.code] ?? "stopped") : "cancelled");
  }

  #add(ending: ProposalEnding): void {
    this.#counts[ending as E]++;
  }
}
