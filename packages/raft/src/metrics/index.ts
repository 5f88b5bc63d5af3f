export { type MeasurableNode, type RaftMetricsOptions, registerRaftNode } from "./register.ts";
