// What a leader knows of one follower, and whether it may send to it now (Raft §5.3's nextIndex and
// matchIndex, with etcd's flow control around them).
//
//              rejection, unreachable
//   ┌───────┐ ◀──────────────────────── ┌───────────┐
//   │ probe │                           │ replicate │   entries flow, many messages in flight
//   └───────┘ ────────────────────────▶ └───────────┘
//     │   ▲           acknowledged            ▲
//     │   │ sent, or failed                   │ acknowledged up to where the log begins
//     ▼   │                                   │
//   ┌──────────┐ ─────────────────────────────┘
//   │ snapshot │   the entries it needs are gone; nothing is sent until it has the state
//   └──────────┘
//
// While probing, one append per heartbeat asks where the logs agree. Only what a follower has
// acknowledged itself is known; everything sent is hope.
import type { Inflights } from "./inflights.ts";

/** How a leader treats a follower. */
export type ProgressState = "probe" | "replicate" | "snapshot";

/** A leader's view of one member, itself included. */
export class Progress {
  /** Whose progress this is. */
  readonly id: number;
  /** Up to where the follower's log is known to be the leader's. Never falls within a term. */
  // Invariant: 0 <= match < next. Entries in (match, next) are in flight.
  match = 0;
  /** The next entry to send. */
  next: number;
  /** The highest commit index sent; it says whether an empty append would tell anything new. */
  sentCommit = 0;
  /** How entries are sent. */
  state: ProgressState = "probe";
  /** In the snapshot state: the index of the snapshot on its way. */
  pendingSnapshot = 0;
  /** Whether the follower was heard of since the leader last counted its quorum. */
  recentActive = false;
  /** Whether appends wait for the next answer, so that a follower is not flooded. */
  paused = false;
  /** The appends on their way. */
  readonly inflights: Inflights;
  /** Whether it receives the log without a vote. */
  isLearner: boolean;

  constructor(id: number, next: number, inflights: Inflights, isLearner: boolean) {
    this.id = id;
    this.next = next;
    this.inflights = inflights;
    this.isLearner = isLearner;
  }

  /** A copy that shares the window of messages in flight. */
  clone(): Progress {
    const copy = new Progress(this.id, this.next, this.inflights, this.isLearner);
    copy.match = this.match;
    copy.sentCommit = this.sentCommit;
    copy.state = this.state;
    copy.pendingSnapshot = this.pendingSnapshot;
    copy.recentActive = this.recentActive;
    copy.paused = this.paused;
    return copy;
  }

  /** Back to what a new leader knows, which is nothing: it probes at the end of its own log. */
  reset(next: number, match: number): void {
    this.#enter("probe");
    this.match = match;
    this.next = next;
    this.sentCommit = 0;
    this.recentActive = false;
  }

  /** Whether no append is to be sent now. */
  get isPaused(): boolean {
    return this.state === "snapshot" || this.paused;
  }

  /** Asks again where the logs agree; after a snapshot, from where that ends. */
  becomeProbe(): void {
    const { state, pendingSnapshot } = this;
    this.#enter("probe");
    this.next = this.match + 1;
    if (state === "snapshot") this.next = Math.max(this.next, pendingSnapshot + 1);
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
  }

  /** Streams entries from where the logs are known to agree. */
  becomeReplicate(): void {
    this.#enter("replicate");
    this.next = this.match + 1;
  }

  /** Waits for a snapshot to arrive. */
  becomeSnapshot(index: number): void {
    this.#enter("snapshot");
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.sentCommit = index;
  }

  /** Notes an append of that many entries from `next` on, which was just sent. */
  sentEntries(count: number, bytes: number): void {
    if (this.state === "replicate") {
      if (count > 0) {
        this.next += count;
        this.inflights.add(this.next - 1, bytes);
      }
      // The message that fills the window is a probe: silence until an answer or a heartbeat.
      this.paused = this.inflights.full;
    } else if (count > 0) {
      this.paused = true;
    }
  }

  /** Whether the follower would learn something from this commit index. */
  canBumpCommit(commit: number): boolean {
    return commit > this.sentCommit && this.sentCommit < this.next - 1;
  }

  /** An acknowledgement up to `index`; false if it says nothing new. */
  maybeUpdate(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.paused = false;
    return true;
  }

  /**
   * A rejection of the append after entry `rejected`, by a follower whose log may agree up to
   * `hint`. False if it is an old one: messages are reordered and doubled.
   */
  maybeDecrease(rejected: number, hint: number): boolean {
    if (this.state === "replicate") {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
      this.sentCommit = Math.min(this.sentCommit, this.next - 1);
      return true;
    }
    // One probe at a time is on its way, so an answer to any other one is old.
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
    this.paused = false;
    return true;
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.paused = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }
}
