// What callers have asked of this member, and what became of it: proposals, reads, sessions.
import type { Family } from "@compendium/metrics";
import { PROPOSAL_ENDINGS, READ_ENDINGS } from "../node/endings.ts";
import { counter, counterBy, gauge } from "./families.ts";
import type { MeasurableNode } from "./register.ts";

/** The families of proposals and reads. */
export function askedFamilies(node: MeasurableNode): Family[] {
  return [
    counterBy(
      {
        name: "raft_proposals_total",
        help: "Proposals made at this member that are over, by how they ended.",
      },
      "outcome",
      { values: PROPOSAL_ENDINGS, read: () => node.stats().proposals },
    ),
    gauge("raft_proposals_waiting", {
      help: "Proposals made at this member that wait for their answer.",
      read: () => node.stats().proposalsWaiting,
    }),
    gauge("raft_proposals_waiting_bytes", {
      help: "Bytes of the proposals that wait for their answer.",
      read: () => node.stats().proposalBytesWaiting,
    }),
    counterBy(
      {
        name: "raft_reads_total",
        help: "Reads made at this member that are over, by how they ended.",
      },
      "outcome",
      { values: READ_ENDINGS, read: () => node.stats().reads },
    ),
    gauge("raft_reads_waiting", {
      help: "Reads made at this member that wait.",
      read: () => node.stats().readsWaiting,
    }),
    counter("raft_read_rounds_total", {
      help: "Questions that confirmed reads; each carries all that waited.",
      read: () => node.stats().readRounds,
    }),
    counter("raft_session_repeats_total", {
      help: "Commands of sessions that came again, and got the answer of the first time.",
      read: () => node.stats().repeats,
    }),
  ];
}
