// The rules by which one membership follows from another (Raft §6; thesis §4.1 and §4.3).
//
//   simple        (1 2 3)              → (1 2 3 4)              one voter more or less
//   enter joint   (1 2 3)              → (1 4 5)&&(1 2 3)       any change, both majorities decide
//   leave joint   (1 4 5)&&(1 2 3)     → (1 4 5)
//
// A change is worked out on a copy and checked as a whole, so that one that is refused leaves no
// trace. A voter that is to become a learner stays a voter of the outgoing set for the time of the
// joint configuration (it is in learnersNext): nobody is voter and learner at once.
import { RaftError } from "../errors.ts";
import type { Configuration } from "../tracker/configuration.ts";
import type { Progress } from "../tracker/progress.ts";
import type { Tracker } from "../tracker/tracker.ts";
import type { Change } from "./change.ts";

/** A membership and the progress of its members. */
export interface Membership {
  readonly configuration: Configuration;
  readonly members: readonly Progress[];
}

/** One change of at most one voter, without a joint configuration. */
export function simple(
  tracker: Tracker,
  lastIndex: number,
  changes: readonly Change[],
): Membership {
  const draft = new Draft(tracker, lastIndex);
  if (draft.outgoing.size > 0) refuse("can't apply simple config change in joint config");
  draft.apply(changes);
  const { incoming } = tracker.configuration;
  const gone = incoming.filter((id) => !draft.incoming.has(id)).length;
  const kept = incoming.length - gone;
  if (gone + draft.incoming.size - kept > 1) {
    refuse("more than one voter changed without entering joint config");
  }
  return draft.finish();
}

/** Into a joint configuration: the voters so far become the outgoing set. */
export function enterJoint(
  tracker: Tracker,
  lastIndex: number,
  autoLeave: boolean,
  changes: readonly Change[],
): Membership {
  const draft = new Draft(tracker, lastIndex);
  if (draft.outgoing.size > 0) refuse("config is already joint");
  if (draft.incoming.size === 0) refuse("can't make a zero-voter config joint");
  for (const id of draft.incoming) draft.outgoing.add(id);
  draft.apply(changes);
  draft.autoLeave = autoLeave;
  return draft.finish();
}

/** Out of a joint configuration: the incoming set decides alone. */
export function leaveJoint(tracker: Tracker, lastIndex: number): Membership {
  const draft = new Draft(tracker, lastIndex);
  if (draft.outgoing.size === 0) refuse("can't leave a non-joint config");
  for (const id of draft.learnersNext) {
    draft.learners.add(id);
    draft.progress(id).isLearner = true;
  }
  draft.learnersNext.clear();
  for (const id of draft.outgoing) {
    if (!draft.incoming.has(id) && !draft.learners.has(id)) draft.members.delete(id);
  }
  draft.outgoing.clear();
  draft.autoLeave = false;
  return draft.finish();
}

/** A membership while it is being changed. */
class Draft {
  readonly incoming: Set<number>;
  readonly outgoing: Set<number>;
  readonly learners: Set<number>;
  readonly learnersNext: Set<number>;
  readonly members = new Map<number, Progress>();
  autoLeave: boolean;
  readonly #tracker: Tracker;
  readonly #lastIndex: number;

  constructor(tracker: Tracker, lastIndex: number) {
    const { incoming, outgoing, learners, learnersNext, autoLeave } = tracker.configuration;
    this.incoming = new Set(incoming);
    this.outgoing = new Set(outgoing);
    this.learners = new Set(learners);
    this.learnersNext = new Set(learnersNext);
    this.autoLeave = autoLeave;
    for (const progress of tracker.members) this.members.set(progress.id, progress.clone());
    this.#tracker = tracker;
    this.#lastIndex = lastIndex;
  }

  apply(changes: readonly Change[]): void {
    for (const { type, id } of changes) {
      if (id === 0) continue;
      if (type === "add-voter") this.#makeVoter(id);
      else if (type === "add-learner") this.#makeLearner(id);
      else if (type === "remove") this.#remove(id);
    }
    if (this.incoming.size === 0) refuse("removed all voters");
  }

  progress(id: number): Progress {
    return this.members.get(id) ?? refuse(`no progress for ${id}`);
  }

  finish(): Membership {
    this.#check();
    const { autoLeave } = this;
    const configuration = {
      incoming: sorted(this.incoming),
      outgoing: sorted(this.outgoing),
      learners: sorted(this.learners),
      learnersNext: sorted(this.learnersNext),
      autoLeave,
    };
    const members = [...this.members.values()].sort((a, b) => a.id - b.id);
    return { configuration, members };
  }

  #makeVoter(id: number): void {
    const progress = this.members.get(id);
    if (progress === undefined) this.#add(id, false);
    else progress.isLearner = false;
    this.learners.delete(id);
    this.learnersNext.delete(id);
    this.incoming.add(id);
  }

  #makeLearner(id: number): void {
    const progress = this.members.get(id);
    if (progress === undefined) {
      this.#add(id, true);
      this.learners.add(id);
      return;
    }
    if (progress.isLearner) return;
    this.#remove(id);
    this.members.set(id, progress);
    if (this.outgoing.has(id)) {
      this.learnersNext.add(id);
    } else {
      progress.isLearner = true;
      this.learners.add(id);
    }
  }

  #remove(id: number): void {
    this.incoming.delete(id);
    this.learners.delete(id);
    this.learnersNext.delete(id);
    // Its acknowledgements still count in the outgoing majority.
    if (!this.outgoing.has(id)) this.members.delete(id);
  }

  #add(id: number, isLearner: boolean): void {
    // Probed at the end of the leader's log, wherever its own may end.
    const progress = this.#tracker.newProgress(id, Math.max(this.#lastIndex, 1), isLearner);
    // Or the leader's next look at its quorum would count the new one as lost, and step down.
    progress.recentActive = true;
    this.members.set(id, progress);
  }

  #check(): void {
    const { incoming, outgoing, learners, learnersNext } = this;
    for (const ids of [incoming, outgoing, learners, learnersNext]) {
      for (const id of ids) this.progress(id);
    }
    for (const id of learnersNext) {
      if (!outgoing.has(id)) refuse(`${id} is in learnersNext, but no outgoing voter`);
      if (this.progress(id).isLearner) refuse(`${id} is in learnersNext, but a learner already`);
    }
    for (const id of learners) {
      if (outgoing.has(id) || incoming.has(id)) refuse(`${id} is learner and voter`);
      if (!this.progress(id).isLearner) refuse(`${id} is in learners, but not marked as one`);
    }
    if (outgoing.size === 0 && (learnersNext.size > 0 || this.autoLeave)) {
      refuse("learnersNext and autoLeave belong to a joint config");
    }
  }
}

const sorted = (ids: ReadonlySet<number>): number[] => [...ids].sort((a, b) => a - b);

function refuse(why: string): never {
  throw new RaftError("RAFT_CONF_CHANGE", why);
}
