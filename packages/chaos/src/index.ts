export { ChaosError, type ChaosErrorCode } from "./errors.ts";
export type { DirectionFaults, Faults, FaultsPatch, Patch, ResetFault } from "./faults.ts";
export type { Address } from "./listen.ts";
export { FaultPipe, type FaultPipeOptions, type Release } from "./pipe.ts";
export {
  type DirectionStats,
  FaultProxy,
  type FaultProxyOptions,
  type FaultProxyStats,
} from "./proxy.ts";
