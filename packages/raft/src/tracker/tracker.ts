// The members of the group and what is known of each: how far it has the log, how it voted, whether
// it was heard of. Every question that needs a majority is asked here, and answered for both
// majorities of a joint configuration.
import { jointCommittedIndex, jointIds, jointVoteResult } from "../quorum/joint.ts";
import type { Acknowledged, VoteResult } from "../quorum/majority.ts";
import { type Configuration, NO_MEMBERS } from "./configuration.ts";
import { Inflights } from "./inflights.ts";
import { Progress } from "./progress.ts";

/** How an election stands. */
export interface Tally {
  readonly granted: number;
  readonly rejected: number;
  readonly result: VoteResult;
}

/** Members, votes and progress. */
export class Tracker implements Acknowledged {
  /** The appends in flight to one follower: how many, and how many bytes. */
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  configuration: Configuration = NO_MEMBERS;
  /** In ascending order of ids: messages go out in one order, whatever happened before. */
  members: readonly Progress[] = [];
  readonly #byId = new Map<number, Progress>();
  // Invariant: the first word of each voter counts, so that no repetition changes a vote.
  readonly votes: Map<number, boolean> = new Map();

  constructor(inflightMessagesMax: number, inflightBytesMax: number) {
    this.inflightMessagesMax = inflightMessagesMax;
    this.inflightBytesMax = inflightBytesMax;
  }

  /** Takes over another membership, with the progress of each member. */
  switchTo(configuration: Configuration, members: readonly Progress[]): void {
    this.configuration = configuration;
    this.members = members;
    this.#byId.clear();
    for (const progress of members) this.#byId.set(progress.id, progress);
  }

  /** A member that nothing is known of yet. */
  newProgress(id: number, next: number, isLearner: boolean): Progress {
    const inflights = new Inflights(this.inflightMessagesMax, this.inflightBytesMax);
    return new Progress(id, next, inflights, isLearner);
  }

  get(id: number): Progress | undefined {
    return this.#byId.get(id);
  }

  acked(id: number): number | undefined {
    return this.#byId.get(id)?.match;
  }

  /** What a majority has, of each set. It may be of an earlier term, and not committed yet. */
  committed(): number {
    return jointCommittedIndex(this.configuration, this);
  }

  /** Whether this leader needs nobody's word but its own. */
  get isSingleton(): boolean {
    return this.configuration.incoming.length === 1 && this.configuration.outgoing.length === 0;
  }

  /** All voters, of both sets, in order. */
  voters(): number[] {
    return jointIds(this.configuration);
  }

  recordVote(id: number, granted: boolean): void {
    if (!this.votes.has(id)) this.votes.set(id, granted);
  }

  tally(): Tally {
    let granted = 0;
    let rejected = 0;
    for (const progress of this.members) {
      if (progress.isLearner) continue;
      const vote = this.votes.get(progress.id);
      if (vote === true) granted++;
      else if (vote === false) rejected++;
    }
    return { granted, rejected, result: jointVoteResult(this.configuration, this.votes) };
  }

  /** Whether a majority, of each set, was heard of lately. */
  quorumActive(): boolean {
    const active = new Map<number, boolean>();
    for (const { id, isLearner, recentActive } of this.members) {
      if (!isLearner) active.set(id, recentActive);
    }
    return jointVoteResult(this.configuration, active) === "won";
  }
}
