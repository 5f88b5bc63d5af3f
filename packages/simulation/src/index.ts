export type { DiskOptions, RangeUs } from "./disk/simulated-disk.ts";
export {
  type BitRotFault,
  type BlackoutFault,
  type ClockRateFault,
  type ClockStepFault,
  type CrashFault,
  type CrashKind,
  type DiskFault,
  type EffectCrashFault,
  FAULT_KINDS,
  type Fault,
  type FaultKind,
  type PartitionFault,
  type PauseFault,
  type SlowLinkFault,
  type WeatherFault,
} from "./fault.ts";
export { drawFaults, type FaultPlace, type FaultPlan } from "./fault-plan.ts";
export type { Datagrams } from "./network/datagrams.ts";
export type { NetworkOptions } from "./network/network.ts";
export {
  type CheckOptions,
  checkSeed,
  type Failure,
  faultsOf,
  type Invariants,
  type Phases,
  type Run,
  type Scenario,
  type Verdict,
} from "./scenario.ts";
export { ddmin, type ShrinkOptions, type Shrunk, shrink } from "./shrink.ts";
export { type SimulateOptions, type Summary, simulate } from "./simulate.ts";
export type { ClockOptions } from "./simulated-node.ts";
export { type Observation, Simulation, type SimulationOptions } from "./simulation.ts";
export type { TraceLine } from "./trace.ts";
export type { World } from "./world.ts";
