// Changes of the group, as an operator asks for them. Each is checked here first, where there is
// still somebody to tell why not; the core checks again when its turn has come, because by then
// things may be different.
//
// A member that is to vote should first be a learner: it gets the log without counting in any
// majority, and is promoted once it is nearly up to date. Added as a voter at once, it would count
// in every majority while it has nothing, and a group of two plus such a one cannot lose anybody.
import type { Change, ConfChange } from "../confchange/change.ts";
import { encodeConfChange } from "../confchange/change.ts";
import { isMember } from "../confchange/conf-state.ts";
import type { Engine } from "./engine.ts";
import { encodeChangeContext } from "./envelope.ts";
import { RaftNodeError } from "./errors.ts";
import { checkMember } from "./options.ts";
import type { Answer } from "./proposals.ts";

/** One step of a change of the group. */
export type MemberChange =
  /** Comes in with a vote; or, a learner already, gets one. */
  | { readonly type: "add-voter"; readonly id: number; readonly address?: string }
  /** Comes in without a vote; or, a voter, loses it. */
  | { readonly type: "add-learner"; readonly id: number; readonly address?: string }
  /** Goes, and its id with it. */
  | { readonly type: "remove"; readonly id: number };

/** Proposes a change; it is made when the answer comes. */
export function proposeChange(
  engine: Engine,
  changes: readonly MemberChange[],
  waiting: { deadlineMs: number; signal: AbortSignal | undefined },
): Promise<Answer> {
  requireLeader(engine);
  if (changes.length === 0) throw new RangeError("changes must not be empty");
  const addresses = new Map<number, string>();
  for (const change of changes) {
    const why = whyNot(engine, change);
    if (why !== undefined) throw new RaftNodeError("CHANGE_REFUSED", why, "not-executed");
    if (change.type !== "remove" && change.address !== undefined) {
      addresses.set(change.id, change.address);
    }
  }
  const steps: Change[] = changes.map(({ type, id }) => ({ type, id }));
  return engine.proposals.add({
    type: "conf-change",
    ...waiting,
    encode: (number) => {
      const context = encodeChangeContext({ proposer: engine.proposer, number, addresses });
      return encodeConfChange({ transition: "auto", changes: steps, context });
    },
  });
}

function whyNot({ state }: Engine, change: MemberChange): string | undefined {
  const { id, type } = change;
  const { confState, removed } = state;
  checkMember(id, type === "remove" ? "-" : (change.address ?? "-"));
  if (confState.votersOutgoing.length > 0) return "another change is being made; wait for its end";
  if (removed.has(id)) return `${id} was removed, and its votes may still be about; take a new id`;
  if (type === "remove") return isMember(confState, id) ? undefined : `${id} is not a member`;
  if (!isMember(confState, id) && change.address === undefined) {
    return `${id} is not a member yet: say its address`;
  }
  return undefined;
}

/** Refuses to promote a member that has much to catch up on. */
export function checkCaughtUp(engine: Engine, id: number): void {
  requireLeader(engine);
  const { members, committed } = engine.raw.status();
  const member = members.find((each) => each.id === id);
  const lag = committed - (member?.match ?? 0);
  if (member?.isLearner !== true) {
    throw new RaftNodeError("CHANGE_REFUSED", `${id} is not a learner`, "not-executed");
  }
  // A tenth of a short log is nothing; of a long one it is more than can be sent in a while.
  const lagMax = Math.min(Math.max(100, committed / 10), 10_000);
  if (lag <= lagMax) return;
  const text = `learner ${id} lacks ${lag} entries, more than ${Math.floor(lagMax)}; wait for it`;
  throw new RaftNodeError("CHANGE_REFUSED", text, "not-executed");
}

/** The voter that leadership is best handed to: heard of lately, and with the longest log. */
export function bestSuccessor(engine: Engine): number | undefined {
  const { id } = engine.settings;
  const { members } = engine.raw.status();
  const { voters } = engine.state.confState;
  const fit = members.filter(
    (each) => each.id !== id && each.recentActive && voters.includes(each.id),
  );
  fit.sort((a, b) => b.match - a.match);
  return fit[0]?.id;
}

/** Why a change that was asked for a while ago cannot be proposed any more; undefined if it can. */
export function refusalByNow(engine: Engine, change: ConfChange): RaftNodeError | undefined {
  if (!engine.raw.isLeader) return notLeader(engine);
  const gone = change.changes.find(({ id }) => engine.state.removed.has(id));
  if (gone === undefined) return undefined;
  const text = `${gone.id} was removed meanwhile, and its votes may still be about; take a new id`;
  return new RaftNodeError("CHANGE_REFUSED", text, "not-executed");
}

/** Refuses what only a leader can do, and says who that is. */
export function requireLeader(engine: Engine): void {
  if (!engine.raw.isLeader) throw notLeader(engine);
}

function notLeader({ leadership: { leader }, state }: Engine): RaftNodeError {
  const address = state.members.get(leader)?.address;
  const where = leader === 0 ? "nobody leads now" : `member ${leader} at ${address} does`;
  return new RaftNodeError("NOT_LEADER", `this member does not lead: ${where}`, "not-executed");
}
