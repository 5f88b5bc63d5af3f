export type { PeerLinksOptions } from "../net/options.ts";
export { PeerLinks } from "../net/peer-links.ts";
export type {
  PeerIdentity,
  PeerNetwork,
  PeerNetworkStats,
  PeerReceiver,
} from "../net/peer-network.ts";
export type { MemberChange } from "./admin.ts";
export type { ProposalEnding, ReadEnding } from "./endings.ts";
export { type Outcome, RaftNodeError, type RaftNodeErrorCode } from "./errors.ts";
export { type ForceNewGroupOptions, forceNewGroup } from "./force-new-group.ts";
export type { Leadership, RaftNodeOptions } from "./options.ts";
export type { Answer } from "./proposals.ts";
export { type ProposeOptions, RaftNode } from "./raft-node.ts";
export type { MemberRecord, StateMachine } from "./replicated-state.ts";
export { type Attempt, Session, type SessionCommandId, type WaitOptions } from "./session.ts";
export type { NodeStats, NodeStatus } from "./status.ts";
