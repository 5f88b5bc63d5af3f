// etcd's way of writing messages, entries and the work of a node down, so that its transcripts can
// be compared to the letter.
import {
  APPEND_THREAD,
  APPLY_THREAD,
  type Change,
  type ConfChange,
  type ConfState,
  decodeConfChange,
  type Entry,
  type HardState,
  type Message,
  type MessageType,
  type Ready,
  type Role,
  type Snapshot,
} from "@compendium/raft";
import type { Progress } from "../../src/tracker/progress.ts";

/** etcd's names of messages. */
export const typeNames: Record<MessageType, string> = {
  vote: "MsgVote",
  "vote-response": "MsgVoteResp",
  "pre-vote": "MsgPreVote",
  "pre-vote-response": "MsgPreVoteResp",
  append: "MsgApp",
  "append-response": "MsgAppResp",
  heartbeat: "MsgHeartbeat",
  "heartbeat-response": "MsgHeartbeatResp",
  snapshot: "MsgSnap",
  propose: "MsgProp",
  "read-index": "MsgReadIndex",
  "read-index-response": "MsgReadIndexResp",
  "transfer-leader": "MsgTransferLeader",
  "timeout-now": "MsgTimeoutNow",
  campaign: "MsgHup",
  beat: "MsgBeat",
  "check-quorum": "MsgCheckQuorum",
  "forget-leader": "MsgForgetLeader",
  unreachable: "MsgUnreachable",
  "snapshot-status": "MsgSnapStatus",
  "storage-append": "MsgStorageAppend",
  "storage-append-response": "MsgStorageAppendResp",
  "storage-apply": "MsgStorageApply",
  "storage-apply-response": "MsgStorageApplyResp",
};

/** etcd's names of what a node does. */
export const roleNames: Record<Role, string> = {
  follower: "StateFollower",
  "pre-candidate": "StatePreCandidate",
  candidate: "StateCandidate",
  leader: "StateLeader",
};

/** What a change of the membership was proposed as; etcd has two types of entries for it. */
export const V1_CONTEXT = "v1";

const decoder = new TextDecoder();
const letters: Record<Change["type"], string> = {
  "add-voter": "v",
  "add-learner": "l",
  remove: "r",
  update: "u",
};

/** `v1 l2 r3` */
export function describeChanges({ changes }: ConfChange): string {
  return changes.map(({ type, id }) => `${letters[type]}${id}`).join(" ");
}

export function describeEntry({ term, index, type, data }: Entry): string {
  if (type === "normal") {
    return `${term}/${index} EntryNormal ${JSON.stringify(decoder.decode(data))}`;
  }
  const change = decodeConfChange(data);
  const version = decoder.decode(change.context) === V1_CONTEXT ? "" : "V2";
  return `${term}/${index} EntryConfChange${version} ${describeChanges(change)}`.trimEnd();
}

export function describeHardState({ term, vote, commit }: HardState): string {
  return `Term:${term}${vote === 0 ? "" : ` Vote:${vote}`} Commit:${commit}`;
}

function describeConfState(state: ConfState): string {
  const list = (ids: readonly number[]) => `[${ids.join(" ")}]`;
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = state;
  return [
    `Voters:${list(voters)}`,
    `VotersOutgoing:${list(votersOutgoing)}`,
    `Learners:${list(learners)}`,
    `LearnersNext:${list(learnersNext)}`,
    `AutoLeave:${autoLeave}`,
  ].join(" ");
}

export function describeSnapshot({ index, term, confState }: Snapshot): string {
  return `Index:${index} Term:${term} ConfState:${describeConfState(confState)}`;
}

function describeTarget(id: number): string {
  if (id === APPEND_THREAD) return "AppendThread";
  if (id === APPLY_THREAD) return "ApplyThread";
  return id === 0 ? "None" : id.toString(16);
}

export function describeMessage(message: Message, indent = ""): string {
  const { type, from, to, term, logTerm, index, entries, snapshot, responses } = message;
  let text = `${indent}${describeTarget(from)}->${describeTarget(to)} ${typeNames[type]}`;
  text += ` Term:${term} Log:${logTerm}/${index}`;
  if (message.reject) text += ` Rejected (Hint: ${message.rejectHint})`;
  // etcd's votes say nothing of what is committed.
  const isVote = type.includes("vote");
  if (message.commit !== 0 && !isVote) text += ` Commit:${message.commit}`;
  if (message.vote !== 0) text += ` Vote:${message.vote}`;
  const [first] = entries;
  if (entries.length === 1 && first !== undefined) {
    text += ` Entries:[${describeEntry(first)}]`;
  } else if (entries.length > 1) {
    const lines = entries.map((entry) => `\n${indent}  ${describeEntry(entry)}`);
    text += ` Entries:[${lines.join("")}\n${indent}]`;
  }
  if (snapshot !== undefined) text += `\n${indent}  Snapshot: ${describeSnapshot(snapshot)}`;
  if (responses.length > 0) {
    const lines = responses.map((each) => `\n${describeMessage(each, `${indent}  `)}`);
    text += ` Responses:[${lines.join("")}\n${indent}]`;
  }
  return text;
}

/** The messages of a `ready` as etcd orders them: requests for votes are no promises there. */
export function inOrder({ messages, promises }: Ready): Message[] {
  const isVote = ({ type }: Message) => type === "vote";
  return [...messages, ...promises.filter(isVote), ...promises.filter((each) => !isVote(each))];
}

export function describeReady(ready: Ready): string {
  let text = "";
  const { softState, hardState, snapshot, readStates } = ready;
  if (softState !== undefined) {
    text += `Lead:${softState.lead} State:${roleNames[softState.role]}\n`;
  }
  if (hardState !== undefined) text += `HardState ${describeHardState(hardState)}\n`;
  if (readStates.length > 0) {
    const states = readStates.map(({ index, context }) => `{${index} [${context.join(" ")}]}`);
    text += `ReadStates [${states.join(" ")}]\n`;
  }
  if (ready.entries.length > 0) text += `Entries:\n${describeEntries(ready.entries)}`;
  if (snapshot !== undefined) text += `Snapshot ${describeSnapshot(snapshot)}\n`;
  if (ready.committedEntries.length > 0) {
    text += `CommittedEntries:\n${describeEntries(ready.committedEntries)}`;
  }
  const messages = inOrder(ready);
  if (messages.length > 0) text += "Messages:\n";
  for (const message of messages) text += `${describeMessage(message)}\n`;
  return text === "" ? "<empty Ready>" : `Ready MustSync=${ready.mustSync}:\n${text}`;
}

export function describeEntries(entries: readonly Entry[]): string {
  return entries.map((entry) => `${describeEntry(entry)}\n`).join("");
}

const stateNames = {
  probe: "StateProbe",
  replicate: "StateReplicate",
  snapshot: "StateSnapshot",
} as const;

export function describeProgress(progress: Progress): string {
  let text = `${stateNames[progress.state]} match=${progress.match} next=${progress.next}`;
  if (progress.isLearner) text += " learner";
  if (progress.isPaused) text += " paused";
  if (progress.pendingSnapshot > 0) text += ` pendingSnap=${progress.pendingSnapshot}`;
  if (!progress.recentActive) text += " inactive";
  const { count, full } = progress.inflights;
  if (count > 0) text += ` inflight=${count}${full ? "[full]" : ""}`;
  return text;
}

export function describeMembers(members: readonly Progress[]): string {
  return members.map((each) => `${each.id}: ${describeProgress(each)}\n`).join("");
}
