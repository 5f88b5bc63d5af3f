export {
  HybridLogicalClock,
  type HybridLogicalClockOptions,
  STAMPS_PER_MS,
  wallMsOf,
} from "./clock/hybrid-logical-clock.ts";
export * from "./document/index.ts";
export { CrdtError, type CrdtErrorCode } from "./errors.ts";
export * from "./lattice/index.ts";
export * from "./movable-list/index.ts";
export * from "./sequence/index.ts";
export * from "./tree/index.ts";
