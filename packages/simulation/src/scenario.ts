// A system under test and what must hold of it. A run has two phases. In the first the world is
// hostile, and only safety is asked for: nothing bad may happen, and nothing good need to. Then all
// troubles end, and liveness is asked for: within a bounded time the system must do again what it
// is there for. Without the second phase a system that refuses everything would pass; without an
// end of the troubles no system could (M. Fischer, N. Lynch, M. Paterson, JACM 1985).

import type { DiskOptions } from "./disk/simulated-disk.ts";
import type { Fault } from "./fault.ts";
import { drawFaults, type FaultPlan } from "./fault-plan.ts";
import type { NetworkOptions } from "./network/network.ts";
import type { ClockOptions } from "./simulated-node.ts";
import { type Observation, Simulation, type SimulationOptions } from "./simulation.ts";
import { streamOf, type TraceLine } from "./trace.ts";
import type { World } from "./world.ts";

/** What is tested, and how. */
export interface Scenario {
  /** The nodes that faults befall. */
  readonly nodes: readonly string[];
  /** Starts a node, in each of its lives. */
  readonly node: (world: World) => void | Promise<void>;
  /** Nodes that never crash and whose disks and clocks are sound; the network may cut them off. */
  readonly clients?: readonly string[];
  /** Starts a client. */
  readonly client?: (world: World) => void | Promise<void>;
  /** What must hold; made anew for each run. */
  readonly invariants: (run: Run) => Invariants;
  /** What may befall the nodes. */
  readonly faults?: FaultPlan;
  /** How long the phases last. */
  readonly phases?: Phases;
  /** What kind of network it is. */
  readonly network?: NetworkOptions;
  /** What kind of disks the nodes have. */
  readonly disk?: DiskOptions;
  /** How good the clocks are. */
  readonly clock?: ClockOptions;
}

/** How long the phases of a run last. */
export interface Phases {
  /** Faults befall the world for that long. Default 5,000. */
  readonly safetyMs?: number;
  /** Afterwards the system has that long to be live again. Default 10,000. */
  readonly livenessMs?: number;
}

/** What invariants can look at besides what is recorded. */
export interface Run {
  /** The seed of the run. */
  readonly seed: number;
  /** What a node exposes in its present life; undefined while it is down. */
  exposed(node: string): unknown;
  /** Microseconds since the run began. */
  nowUs(): number;
}

/** What must hold; each part throws where it does not. */
export interface Invariants {
  /** Called with each thing that a node records, when it does. */
  observe?(observation: Observation): void;
  /** Called after each event, once all has settled that follows from it. */
  step?(): void;
  /** Whether the system is live again: the run ends then. Asked every 10 ms after the faults. */
  live?(): boolean;
  /** Called at the end of the run. */
  end?(): void;
}

/** A run: what befell it, and how it ended. */
export interface Verdict {
  /** The seed of the run. */
  readonly seed: number;
  /** Equal only where every event was. */
  readonly hash: string;
  /** How many events there were. */
  readonly events: number;
  /** What befell the world. */
  readonly faults: readonly Fault[];
  /** What went wrong; undefined when all held. */
  readonly failure: Failure | undefined;
}

/** What went wrong, and when. */
export interface Failure {
  /** In which phase, or at the end. */
  readonly phase: "safety" | "liveness" | "end";
  /** When, in microseconds since the run began. */
  readonly us: number;
  /** What an invariant or a node has thrown. */
  readonly error: unknown;
}

/** How a seed is run. */
export interface CheckOptions {
  /** These faults instead of those that the seed draws: a schedule that is worth keeping. */
  faults?: readonly Fault[];
  /** Only these of the faults, by their numbers. */
  only?: readonly number[];
  /** Nothing is lost, doubled or very late in the network, but for the faults. */
  calm?: boolean;
  /** Runs it twice and compares: finds code that asks the real world. */
  twice?: boolean;
  /** Gets each event. */
  onTrace?: (line: TraceLine) => void;
}

/** The faults that a seed draws for a scenario. */
export function faultsOf(scenario: Scenario, seed: number): Fault[] {
  const place = {
    nodes: scenario.nodes,
    clients: scenario.clients ?? [],
    untilUs: safetyUs(scenario),
  };
  return drawFaults(streamOf(seed, "faults"), place, scenario.faults);
}

/** Runs one seed; a failure is a value. */
export async function checkSeed(
  scenario: Scenario,
  seed: number,
  { faults: given, only, calm = false, twice = false, onTrace }: CheckOptions = {},
): Promise<Verdict> {
  const drawn = given ?? faultsOf(scenario, seed);
  const faults = only === undefined ? drawn : drawn.filter((_, number) => only.includes(number));
  const verdict = await run(scenario, seed, faults, calm, onTrace);
  if (!twice) return verdict;
  const { hash } = await run(scenario, seed, faults, calm);
  if (hash === verdict.hash) return verdict;
  const message = `the same seed gave ${verdict.hash}, then ${hash}: something asks the real world`;
  return { ...verdict, failure: { phase: "end", us: 0, error: new Error(message) } };
}

const CALM: NetworkOptions = { lossPer1000: 0, duplicatesPer1000: 0, stragglersPer1000: 0 };
const LIVE_EVERY_US = 10_000;
const SAFETY_MS = 5_000;
const LIVENESS_MS = 10_000;

function safetyUs({ phases }: Scenario): number {
  return (phases?.safetyMs ?? SAFETY_MS) * 1_000;
}

async function run(
  scenario: Scenario,
  seed: number,
  faults: readonly Fault[],
  calm: boolean,
  onTrace?: (line: TraceLine) => void,
): Promise<Verdict> {
  let invariants: Invariants = {};
  const simulation = new Simulation({
    ...optionsOf(scenario, seed, faults, calm),
    ...(onTrace && { onTrace }),
    onObservation: (observation) => invariants.observe?.(observation),
    onStep: () => invariants.step?.(),
  });
  invariants = scenario.invariants({
    seed,
    exposed: (node) => simulation.exposed(node),
    nowUs: () => simulation.nowUs,
  });
  let phase: Failure["phase"] = "safety";
  let failure: Failure | undefined;
  try {
    await simulation.run(safetyUs(scenario));
    phase = "liveness";
    simulation.heal();
    await becomeLive(simulation, scenario, invariants);
    phase = "end";
    invariants.end?.();
  } catch (error) {
    failure = { phase, us: simulation.nowUs, error };
  }
  return { seed, hash: simulation.hash, events: simulation.events, faults, failure };
}

function optionsOf(
  scenario: Scenario,
  seed: number,
  faults: readonly Fault[],
  calm: boolean,
): SimulationOptions {
  const { nodes, clients = [], node, client = node } = scenario;
  return {
    seed,
    faults,
    nodes: [...nodes, ...clients],
    start: (world) => (clients.includes(world.name) ? client(world) : node(world)),
    network: { ...scenario.network, ...(calm && CALM) },
    ...(scenario.disk && { disk: scenario.disk }),
    ...(scenario.clock && { clock: scenario.clock }),
  };
}

async function becomeLive(
  simulation: Simulation,
  { phases }: Scenario,
  invariants: Invariants,
): Promise<void> {
  const livenessMs = phases?.livenessMs ?? LIVENESS_MS;
  const deadlineUs = simulation.nowUs + livenessMs * 1_000;
  while (simulation.nowUs < deadlineUs) {
    await simulation.run(Math.min(deadlineUs, simulation.nowUs + LIVE_EVERY_US));
    if (invariants.live?.()) return;
  }
  if (invariants.live === undefined) return;
  throw new Error(`not live within ${livenessMs} ms after the last fault`);
}
