// A set of voters that decides by majority, as a sorted list of ids: the arithmetic that Raft's
// safety rests on (§5.2, §5.4). Any two majorities of one set share a voter; that voter is why two
// leaders of one term cannot be elected, and why a new leader has every committed entry.
//
// By convention the empty set agrees with everything, so that half of a joint configuration may be
// absent without a special case.

/** A sorted list of distinct ids. */
export type Voters = readonly number[];

/** What each voter has acknowledged. */
export interface Acknowledged {
  /** The highest index that the voter acknowledged, or undefined while nothing is known. */
  acked(id: number): number | undefined;
}

/** How a vote stands: still open, or decided whatever the others say. */
export type VoteResult = "pending" | "lost" | "won";

// Reused between calls: this runs for every acknowledgement.
const scratch: number[] = [];

/**
 * The highest index that a majority has acknowledged; Infinity for an empty set. O(n²) in the
 * number of voters, which is a handful, and without an allocation.
 */
export function committedIndex(voters: Voters, acknowledged: Acknowledged): number {
  const count = voters.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  // Insertion sort, descending. Who has not been heard of has acknowledged nothing.
  for (let filled = 0; filled < count; filled++) {
    const index = acknowledged.acked(voters[filled] as number) ?? 0;
    let at = filled;
    while (at > 0 && (scratch[at - 1] as number) < index) {
      scratch[at] = scratch[at - 1] as number;
      at--;
    }
    scratch[at] = index;
  }
  // The (n/2 + 1)-th largest is what n/2 + 1 voters have reached.
  return scratch[count >> 1] as number;
}

/** How the voters have decided: won by a majority of yes, lost once that is out of reach. */
export function voteResult(voters: Voters, votes: ReadonlyMap<number, boolean>): VoteResult {
  if (voters.length === 0) return "won";
  let yes = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) yes++;
  }
  const majority = (voters.length >> 1) + 1;
  if (yes >= majority) return "won";
  return yes + missing >= majority ? "pending" : "lost";
}
