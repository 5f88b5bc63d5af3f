// What a node gets: its whole world, as an argument. Code that takes nothing else runs the same way
// for the same seed, and has nowhere to hide from a crash.

import type { Clock, Files, Random, Transport } from "@compendium/runtime";
import type { Datagrams } from "./network/datagrams.ts";

/** The world as one life of a node sees it. Once that life is over, nothing in it has an effect. */
export interface World {
  /** The node's name: the same in every life. */
  readonly name: string;

  /** 0 in the first life, one more in each that follows. */
  readonly incarnation: number;

  /** Monotonic time from an origin of the node's own, a wall clock, and timers. */
  readonly clock: Clock;

  /** Chance: another stream in every life. */
  readonly random: Random;

  /** The node's disk, with what earlier lives left on it. */
  readonly files: Files;

  /** Links to other nodes; this one listens at its name, or at `name:anything`. */
  readonly transport: Transport;

  /** Messages to other nodes without any promise. */
  readonly datagrams: Datagrams;

  /**
   * Tells the observers what has happened, and adds it to the trace: an operation that was
   * acknowledged, a leader that was elected. What a dead process records nobody hears: so this is
   * the way to write a history. `data` must be something that JSON can say.
   */
  record(event: string, data?: unknown): void;

  /** Shows the observers an object of this life, to look into between events. */
  expose(value: unknown): void;

  /**
   * Ends this life, as a process does that cannot go on; it is started again after a while, as by
   * a supervisor.
   */
  exit(reason: string): void;
}
