// Planted bugs, one for each trap that implementations of Raft are known to fall into. Each is a
// place in a source file and what stands there instead; a place that is no longer found fails
// loudly.
import type { Mutant as Planted } from "@compendium/house/planted";

/** A planted bug, and what is known to kill it. */
export interface Mutant extends Planted {
  /** A seed whose group finds it; undefined where only a trap does within 2,000 seeds. */
  readonly seed: number | undefined;
}

const seeds =
  (seed?: number) =>
  (file: string, name: string, search: string, replacement: string): Mutant => {
    return { name, file, search, replacement, seed };
  };
const trap = seeds();

export const mutants: readonly Mutant[] = [
  // The log.
  seeds(1)(
    "log/log.ts",
    "entries of earlier terms are committed by counting",
    "if (index <= this.committed || this.term(index) !== term) return false;",
    "if (index <= this.committed) return false;",
  ),
  seeds(1)(
    "log/log.ts",
    "an append cuts off whatever follows it",
    "const conflict = this.#findConflict(entries);",
    "const conflict = this.#findConflict(entries) ?? entries[0]?.index;",
  ),
  trap(
    "log/log.ts",
    "a follower commits what the append does not cover",
    "this.commitTo(Math.min(commit, last));",
    "this.commitTo(Math.min(commit, this.lastIndex()));",
  ),
  seeds(6)(
    "log/log.ts",
    "the entry before an append is not compared",
    "if (!this.matches(index, term)) return undefined;",
    "if (this.term(index) === undefined) return undefined;",
  ),
  seeds(20)(
    "log/log.ts",
    "the longer log wins, whatever its last term",
    "return lastTerm > own || (lastTerm === own && lastIndex >= this.lastIndex());",
    "return lastIndex >= this.lastIndex();",
  ),
  seeds(442)(
    "log/unstable.ts",
    "a storage acknowledgement of another term is taken",
    "if (present !== term) {",
    "if (present !== term && term < 0) {",
  ),
  trap(
    "core/step.ts",
    "a storage acknowledgement of an earlier term is taken",
    'if (message.index !== 0) trace?.({ kind: "lower-term", message, term: raft.term });',
    "if (message.index !== 0) raft.log.unstable.stableTo(message.index, message.logTerm);",
  ),
  seeds(10)(
    "log/log.ts",
    "entries are applied before they are durable here",
    "if (allowUnstable) return this.committed;",
    "if (allowUnstable || this.unstable.snapshot === undefined) return this.committed;",
  ),
  // Promises.
  seeds(0)(
    "core/raft.ts",
    "answers do not wait for the disk",
    "        this.messagesAfterAppend.push(sent);\n        break;",
    "        (sent.to === this.id ? this.messagesAfterAppend : this.messages).push(sent);\n        break;",
  ),
  trap(
    "core/raft.ts",
    "votes are asked for before the own one is durable",
    "(this.settings.votesBeforeSync ? this.messages : this.messagesAfterAppend).push(sent);",
    "this.messages.push(sent);",
  ),
  seeds(25)(
    "core/proposals.ts",
    "a leader counts its own entries before they are durable",
    "  raft.send(acknowledgement);",
    "  raft.send(acknowledgement);\n  raft.tracker.get(raft.id)?.maybeUpdate(index);",
  ),
  // Elections.
  seeds(0)(
    "core/election.ts",
    "a node votes for everybody who asks",
    "vote === from ||\n    (vote === NONE && raft.lead === NONE) ||",
    "true ||",
  ),
  seeds(0)(
    "core/roles.ts",
    "a vote is forgotten within its term",
    "  if (raft.term !== term) {\n    raft.term = term;\n    raft.vote = NONE;\n  }",
    "  raft.term = term;\n  raft.vote = NONE;",
  ),
  seeds(1750)(
    "core/election.ts",
    "a pre-vote costs a term",
    "if (isPre) becomePreCandidate(raft);",
    "if (isPre) raft.term++;\n  if (isPre) becomePreCandidate(raft);",
  ),
  trap(
    "core/step.ts",
    "a candidate is heard in spite of the leader's lease",
    "&& !message.transfer && inLease(raft)) {",
    "&& !message.transfer && inLease(raft) && term < 0) {",
  ),
  trap(
    "core/step.ts",
    "a leader that asked for the election has to wait for its own lease",
    "&& !message.transfer && inLease(raft)) {",
    "&& inLease(raft)) {",
  ),
  seeds(40)(
    "core/step.ts",
    "a node whose term ran ahead is left alone with it",
    'if (!isQuiet && (type === "heartbeat" || type === "append")) {',
    "if (!isQuiet && from > 1e9) {",
  ),
  seeds(907)(
    "core/election.ts",
    "refusals do not tell what is committed",
    "log.maybeCommit(commit, commitTerm)) return;",
    "commit >= 0 || log.maybeCommit(commit, commitTerm)) return;",
  ),
  trap(
    "core/step.ts",
    "a refused vote puts the own election off",
    'if (type === "vote") raft.electionElapsed = electionElapsed;',
    "if (term < 0) raft.electionElapsed = electionElapsed;",
  ),
  trap(
    "core/step.ts",
    "a candidate of a lower term is not told",
    'if (type === "pre-vote" || type === "vote") {',
    'if (type === "pre-vote") {',
  ),
  // Membership.
  seeds(5)(
    "core/membership.ts",
    "a change is proposed while another is not applied",
    "if (pending > log.applied) {",
    "if (pending > log.lastIndex() + 1e9) {",
  ),
  trap(
    "core/election.ts",
    "a node campaigns over a change that it has not applied",
    "} else if (hasUnappliedChange(raft)) {",
    "} else if (hasUnappliedChange(raft) && term < 0) {",
  ),
  seeds(1713)(
    "quorum/joint.ts",
    "commits need only the incoming majority",
    "if (joint.outgoing.length === 0) return incoming;",
    "if (joint.outgoing.length >= 0) return incoming;",
  ),
  seeds(527)(
    "quorum/joint.ts",
    "votes need only the incoming majority",
    "if (incoming === outgoing) return incoming;",
    'if (incoming === outgoing || incoming === "won") return incoming;',
  ),
  seeds(5)(
    "core/membership.ts",
    "a joint configuration is never left by itself",
    "if (!configuration.autoLeave || raft.role",
    "if (!configuration.autoLeave || raft.term > 0 || raft.role",
  ),
  seeds(9)(
    "core/membership.ts",
    "only the leader that proposed a change leaves it",
    "if (raft.log.applied < raft.pendingConfIndex) return;",
    "if (raft.log.applied !== raft.pendingConfIndex) return;",
  ),
  seeds(29)(
    "core/membership.ts",
    "a removed leader goes on leading, though told to step down",
    "if (settings.stepDownOnRemoval) becomeFollower",
    "if (settings.stepDownOnRemoval && raft.term < 0) becomeFollower",
  ),
  seeds(1518)(
    "core/following.ts",
    "a snapshot is taken while a change is being applied",
    "if (isApplyingChange(raft)) {",
    "if (raft.term < 0 && isApplyingChange(raft)) {",
  ),
  trap(
    "core/replication.ts",
    "a snapshot is sent to a member that it does not know",
    "if (snapshot === undefined || !isMember(snapshot.confState, progress.id)) {",
    "if (snapshot === undefined || snapshot.index === 0) {",
  ),
  // Reads.
  seeds(10)(
    "core/reads.ts",
    "a read is answered before the first commit of the term",
    "if (committedInTerm(raft)) begin(",
    "if (raft.term > 0) begin(",
  ),
  seeds(37)(
    "core/reads.ts",
    "a read is answered without asking anybody",
    'if (raft.settings.reads === "lease-based") {',
    "if (raft.term > 0) {",
  ),
  trap(
    "core/reads.ts",
    "answers to older heartbeats confirm a read",
    "raft.reads.acknowledge(from, round);",
    "raft.reads.acknowledge(from, raft.reads.round);",
  ),
  // Snapshots and flow.
  trap(
    "core/following.ts",
    "a snapshot throws away a log that goes beyond it",
    "if (raft.log.matches(snapshot.index, snapshot.term)) {",
    "if (raft.term < 0) {",
  ),
  seeds(1)(
    "core/replication.ts",
    "heartbeats carry the leader's commit index as it is",
    "heartbeat.commit = Math.min(progress.match, raft.log.committed);",
    "heartbeat.commit = raft.log.committed;",
  ),
  seeds(29)(
    "core/step.ts",
    "a transfer that fails is never given up",
    "raft.transferee = NONE;\n      leaveJointIfDue(raft);",
    "leaveJointIfDue(raft);",
  ),
  seeds(8)(
    "core/replication.ts",
    "a full window is never probed",
    "  progress.paused = false;\n  if (progress.match",
    "  if (progress.match",
  ),
];
