// A node: what outlives its processes (a name, a disk, a quartz), and the process of the moment.

import type { SimulatedDisk } from "./disk/simulated-disk.ts";
import { SimulatedFiles } from "./disk/simulated-files.ts";
import type { CrashKind, EffectCrashFault } from "./fault.ts";
import { SimulatedDatagrams } from "./network/datagrams.ts";
import { SimulatedTransport } from "./network/simulated-transport.ts";
import { type CrashMoment, type EffectCounter, Process } from "./process.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import type { Simulation } from "./simulation.ts";
import type { World } from "./world.ts";

/** How good the clocks are when no fault befalls them. */
export interface ClockOptions {
  /** A node's clock gains or loses at most that many millionths. Default 100. */
  driftPpmMax?: number;
  /** A node's wall clock is off by at most that much at first. Default 500. */
  wallSkewMsMax?: number;
}

const WALL_START_US = Date.UTC(2000, 0, 1) * 1_000;
const ORIGIN_US_MAX = 100_000_000_000;

/** A machine with a name. */
export class SimulatedNode implements EffectCounter {
  readonly name: string;
  readonly disk: SimulatedDisk;
  readonly #simulation: Simulation;
  readonly #ppm: number;
  readonly #wallSkewUs: number;
  readonly #crashes: EffectCrashFault[] = [];
  #effects = 0;
  #incarnation = 0;
  #pauses = 0;
  #originUs = 0;
  #bootedUs = 0;
  #process: Process | undefined;
  #clock: SimulatedClock | undefined;
  #ratePpm: number;
  #transport: SimulatedTransport | undefined;
  #vanished: SimulatedTransport | undefined;
  #datagrams: SimulatedDatagrams | undefined;
  #wallStepsUs = 0;
  exposed: unknown;

  constructor(
    simulation: Simulation,
    name: string,
    disk: SimulatedDisk,
    { driftPpmMax = 100, wallSkewMsMax = 500 }: ClockOptions = {},
  ) {
    this.#simulation = simulation;
    this.name = name;
    this.disk = disk;
    const random = simulation.stream("clock", name);
    this.#ppm = random.below(2 * driftPpmMax + 1) - driftPpmMax;
    this.#ratePpm = this.#ppm;
    this.#wallSkewUs = (random.below(2 * wallSkewMsMax + 1) - wallSkewMsMax) * 1_000;
    this.#originUs = random.below(ORIGIN_US_MAX);
  }

  /** The process that lives now. */
  get process(): Process | undefined {
    return this.#process;
  }

  /** The clock of the life that it lives now. */
  get clock(): SimulatedClock | undefined {
    return this.#clock;
  }

  get transport(): SimulatedTransport | undefined {
    return this.#transport;
  }

  get datagrams(): SimulatedDatagrams | undefined {
    return this.#datagrams;
  }

  /** How many effects the node has asked for, in all its lives. */
  get effects(): number {
    return this.#effects;
  }

  /** How much the clock gains now, in millionths. */
  get ppm(): number {
    return this.#ratePpm;
  }

  /** Starts a life, where none is under way. */
  boot(): void {
    if (this.#process !== undefined) return;
    const simulation = this.#simulation;
    const incarnation = this.#incarnation++;
    const process: Process = new Process(this.name, incarnation, this, () => {
      this.#crashAtEffect();
    });
    this.#process = process;
    if (this.#pauses > 0) process.pause();
    simulation.trace.add(simulation.nowUs, "start", this.name, "", incarnation);
    this.#vanished?.reset();
    this.#vanished = undefined;
    const clock = this.#newClock(process);
    this.#clock = clock;
    this.#transport = new SimulatedTransport(simulation, process);
    this.#datagrams = new SimulatedDatagrams(simulation, process);
    const world = this.#world(process, clock, this.#transport, this.#datagrams);
    simulation.schedule(simulation.nowUs, process, () => {
      const started = simulation.options.start(world);
      started?.catch((error: unknown) => {
        if (process.alive) simulation.fail(error);
      });
    });
  }

  next(_effect: string): CrashMoment | undefined {
    const number = this.#effects++;
    return this.#crashes.find(({ effect }) => effect === number)?.moment;
  }

  /** Dies when it asks for that effect. */
  crashAtEffect(fault: EffectCrashFault): void {
    this.#crashes.push(fault);
  }

  crash(how: CrashKind, downUs: number): void {
    const process = this.#process;
    if (process === undefined) return;
    const simulation = this.#simulation;
    simulation.trace.add(simulation.nowUs, `crash ${how}`, this.name, "", process.incarnation);
    process.end();
    this.#process = undefined;
    this.exposed = undefined;
    this.#transport?.end(how !== "kill");
    if (how !== "kill") {
      this.#vanished = this.#transport;
      this.#originUs = 0;
      this.#bootedUs = simulation.nowUs;
    }
    this.#transport = undefined;
    this.#datagrams = undefined;
    this.#clock = undefined;
    if (how === "kill") this.disk.kill();
    else this.disk.cutPower();
    if (how === "diskLost") this.disk.replace();
    if (downUs < Number.POSITIVE_INFINITY) {
      simulation.schedule(simulation.nowUs + downUs, undefined, () => this.boot());
    }
  }

  pause(): void {
    this.#pauses++;
    this.#process?.pause();
  }

  resume(): void {
    this.#pauses = Math.max(0, this.#pauses - 1);
    if (this.#pauses > 0) return;
    const { nowUs } = this.#simulation;
    const process = this.#process;
    for (const event of process?.resume() ?? []) {
      // The event itself may have been taken back during the pause: ask it when its turn comes.
      const fn = (): void => {
        const work = event.fn;
        event.fn = undefined;
        work?.();
      };
      this.#simulation.schedule(nowUs, process, fn);
    }
  }

  setRate(ppm: number | undefined): void {
    this.#ratePpm = ppm ?? this.#ppm;
    this.#clock?.setRate(this.#ratePpm);
  }

  stepWall(us: number): void {
    this.#wallStepsUs += us;
    this.#clock?.stepWall(us);
  }

  /** Every trouble of this machine ends, and it is up. */
  heal(): void {
    this.#crashes.length = 0;
    this.disk.heal();
    this.setRate(undefined);
    this.#pauses = Math.min(this.#pauses, 1);
    this.resume();
    this.boot();
  }

  #crashAtEffect(): void {
    const fault = this.#crashes.find(({ effect }) => effect < this.#effects);
    if (fault === undefined) return;
    this.#crashes.splice(this.#crashes.indexOf(fault), 1);
    this.crash(fault.how, fault.downUs);
  }

  // A machine that was switched off begins to count at zero; one that was not goes on.
  #newClock(process: Process): SimulatedClock {
    const simulation = this.#simulation;
    const { nowUs } = simulation;
    const onFire = (timer: number): void => {
      simulation.trace.add(simulation.nowUs, "timer", this.name, "", timer);
    };
    const originUs = this.#originUs + (nowUs - this.#bootedUs);
    const wallUs = WALL_START_US + nowUs + this.#wallSkewUs + this.#wallStepsUs;
    const settings = { originUs, ppm: this.#ratePpm, wallUs };
    return new SimulatedClock(simulation, process, settings, onFire);
  }

  #world(
    process: Process,
    clock: SimulatedClock,
    transport: SimulatedTransport,
    datagrams: SimulatedDatagrams,
  ): World {
    const simulation = this.#simulation;
    const { name } = this;
    const { incarnation } = process;
    const onOperation = (operation: string, bytes: number): void => {
      simulation.trace.add(simulation.nowUs, operation, name, "", bytes);
    };
    return {
      name,
      incarnation,
      clock,
      random: simulation.stream("node", name, incarnation),
      files: new SimulatedFiles({ time: simulation, process, disk: this.disk, onOperation }),
      transport,
      datagrams,
      record: (event, data) => {
        if (!process.alive) return;
        const us = simulation.nowUs;
        simulation.trace.record(us, event, name, data);
        try {
          simulation.options.onObservation?.({ us, node: name, incarnation, event, data });
        } catch (error) {
          simulation.fail(error);
        }
      },
      expose: (value) => {
        if (process.alive) this.exposed = value;
      },
      exit: (reason) => {
        if (!process.alive) return;
        simulation.trace.record(simulation.nowUs, "exit", name, reason);
        this.crash("kill", simulation.restartUs);
      },
    };
  }
}
