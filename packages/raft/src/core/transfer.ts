// Handing leadership over (thesis §3.10). The leader takes no proposals, brings the chosen follower
// up to date, and tells it to start an election at once, which the others grant in spite of their
// lease. If that does not succeed within an election timeout, the leader goes on as before: the
// other may have crashed, and proposals must not wait for it for ever.

import type { Progress } from "../tracker/progress.ts";
import { type Message, NONE } from "./message.ts";
import type { Raft } from "./raft.ts";
import { sendAppend } from "./replication.ts";

/** A leader is asked to hand over to the sender of the request. */
export function handleTransfer(raft: Raft, request: Message, progress: Progress): void {
  const { term } = raft;
  const { trace } = raft.settings;
  const to = request.from;
  if (progress.isLearner) {
    trace?.({ kind: "transfer-ignored", to, term, reason: "learner" });
    return;
  }
  if (raft.transferee === to) {
    trace?.({ kind: "transfer-ignored", to, term, reason: "in-progress" });
    return;
  }
  if (raft.transferee !== NONE) {
    trace?.({ kind: "transfer-replaced", to: raft.transferee, term });
    raft.transferee = NONE;
  }
  if (to === raft.id) {
    trace?.({ kind: "transfer-ignored", to, term, reason: "self" });
    return;
  }
  trace?.({ kind: "transfer-started", to, term });
  // From now on, until the time for a transfer is over.
  raft.electionElapsed = 0;
  raft.transferee = to;
  if (progress.match === raft.log.lastIndex()) {
    raft.send(raft.compose("timeout-now", to));
    trace?.({ kind: "transfer-sent", to, immediately: true });
  } else {
    sendAppend(raft, progress, true);
  }
}
