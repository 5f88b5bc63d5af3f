// Faults are data: a schedule of them is drawn from the seed before the run begins, can be printed,
// cut in half, and run again. What chance decides during the run (how long a message takes, which
// sectors a crash keeps) comes from streams that do not depend on the schedule.

import type { CrashMoment } from "./process.ts";

/** What befalls the world, and when; times are microseconds since the run began. */
export type Fault =
  | CrashFault
  | BlackoutFault
  | EffectCrashFault
  | PauseFault
  | PartitionFault
  | SlowLinkFault
  | WeatherFault
  | ClockRateFault
  | ClockStepFault
  | DiskFault
  | BitRotFault;

/**
 * How a process ends: `kill` leaves the kernel and its caches alive, `power` takes all that was not
 * synced, `diskLost` takes the disk as well.
 */
export type CrashKind = "kill" | "power" | "diskLost";

interface OnNode {
  /** Which node. */
  readonly node: string;
}

interface At {
  /** When. */
  readonly atUs: number;
}

interface Lasting extends At {
  /** How long. */
  readonly forUs: number;
}

interface Death extends OnNode {
  /** What is lost with the process. */
  readonly how: CrashKind;
  /** How long until it is started again. */
  readonly downUs: number;
}

/** A process dies, and is started again after a while. */
export interface CrashFault extends Death, At {
  /** Tells the faults apart. */
  readonly kind: "crash";
}

/** Several machines lose their power at the same instant, as a rack does. */
export interface BlackoutFault extends At {
  /** Tells the faults apart. */
  readonly kind: "blackout";
  /** Which machines. */
  readonly nodes: readonly string[];
  /** How long until they are started again. */
  readonly downUs: number;
}

/** A process dies at an effect that it asks for, in whichever life. */
export interface EffectCrashFault extends Death {
  /** Tells the faults apart. */
  readonly kind: "crashAtEffect";
  /** Which effect of all that the node asks for, from 0. */
  readonly effect: number;
  /** Whether the effect never happens, is cut off, or happens and nobody hears of it. */
  readonly moment: CrashMoment;
}

/** A process stands still, as under SIGSTOP or a long collection: its clocks run on. */
export interface PauseFault extends OnNode, Lasting {
  /** Tells the faults apart. */
  readonly kind: "pause";
}

/** Nothing arrives from some nodes at some others. */
export interface PartitionFault extends Lasting {
  /** Tells the faults apart. */
  readonly kind: "partition";
  /** Who is not heard. */
  readonly from: readonly string[];
  /** Who does not hear. */
  readonly to: readonly string[];
  /** Whether the other way is open. */
  readonly oneWay: boolean;
}

/** The path from one node to another is slow. */
export interface SlowLinkFault extends Lasting {
  /** Tells the faults apart. */
  readonly kind: "slowLink";
  /** Who sends. */
  readonly from: string;
  /** Who receives. */
  readonly to: string;
  /** How many times as long everything takes: an integer from 1. */
  readonly factor: number;
}

/** The whole network loses, doubles and delays more than usual. */
export interface WeatherFault extends Lasting {
  /** Tells the faults apart. */
  readonly kind: "weather";
  /** Of a thousand datagrams, how many are lost. */
  readonly lossPer1000: number;
  /** Of a thousand datagrams, how many arrive twice. */
  readonly duplicatesPer1000: number;
  /** Of a thousand messages, how many take twenty times as long. */
  readonly stragglersPer1000: number;
}

/** A node's clocks run at another rate. */
export interface ClockRateFault extends OnNode, Lasting {
  /** Tells the faults apart. */
  readonly kind: "clockRate";
  /** Millionths that they gain; negative where they lose. */
  readonly ppm: number;
}

/** A node's wall clock is set forward, or back. */
export interface ClockStepFault extends OnNode, At {
  /** Tells the faults apart. */
  readonly kind: "clockStep";
  /** How far, of either sign. */
  readonly byMs: number;
}

/** A node's disk has no space or is slow for a while; or its next write or sync fails. */
export interface DiskFault extends OnNode, Lasting {
  /** Tells the faults apart. */
  readonly kind: "diskFull" | "diskSlow" | "writeFails" | "syncFails";
}

/** One bit of a node's disk flips. */
export interface BitRotFault extends OnNode, At {
  /** Tells the faults apart. */
  readonly kind: "bitRot";
  /** Which bit: an integer from 0, taken modulo what there is. */
  readonly draw: number;
}

/** The kinds of {@link Fault}. */
export type FaultKind = Fault["kind"];

/** The kinds that a protocol with sound disks should survive; without `bitRot` and lost disks. */
export const FAULT_KINDS: readonly FaultKind[] = [
  "crash",
  "blackout",
  "crashAtEffect",
  "pause",
  "partition",
  "slowLink",
  "weather",
  "clockRate",
  "clockStep",
  "diskFull",
  "diskSlow",
  "writeFails",
  "syncFails",
];
