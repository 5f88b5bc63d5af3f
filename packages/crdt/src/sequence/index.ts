export type { VersionVector } from "../causal/causal-graph.ts";
export type { Anchor } from "./anchor.ts";
export { List } from "./list.ts";
export { PENDING_BYTES_MAX, PENDING_UPDATES_MAX } from "./pending.ts";
export type { MergeResult } from "./replica.ts";
export type { SequenceStats } from "./replicated-sequence.ts";
export { Text, type TextListener, type TextSplice } from "./text.ts";
