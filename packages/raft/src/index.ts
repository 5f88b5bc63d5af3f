export {
  type Change,
  type ConfChange,
  decodeConfChange,
  encodeConfChange,
  LEAVE_JOINT,
  type Transition,
} from "./confchange/change.ts";
export { type ConfState, EMPTY_CONF_STATE } from "./confchange/conf-state.ts";
export { type Entry, type EntryType, NO_BYTES } from "./core/entry.ts";
export type { LogTip, RaftEvent, Trace } from "./core/events.ts";
export {
  APPEND_THREAD,
  APPLY_THREAD,
  EMPTY_HARD_STATE,
  type HardState,
  type Message,
  type MessageType,
  message,
  NONE,
  type ReadState,
  type Refusal,
  type Role,
  type Snapshot,
  type SoftState,
} from "./core/message.ts";
export type { Chance, RaftOptions } from "./core/options.ts";
export { type MemberStatus, RawNode, type Ready, type Status } from "./core/raw-node.ts";
export { RaftError, type RaftErrorCode } from "./errors.ts";
export { MemoryStorage } from "./log/memory-storage.ts";
export type { LogStorage } from "./log/storage.ts";
export { describeQuorum } from "./quorum/describe.ts";
export type { Joint } from "./quorum/joint.ts";
export type { Acknowledged, Voters } from "./quorum/majority.ts";
export { type Configuration, describeConfiguration } from "./tracker/configuration.ts";
export type { ProgressState } from "./tracker/progress.ts";
