// What the specifications speak about: the package, or a copy of it in which a bug was planted.
// Each specification is a program that throws where the package does not keep what its name says.
import type { RuntimeErrorCode } from "@compendium/runtime";
import type { Fault, Simulation, SimulationOptions, World } from "@compendium/simulation";

export type Package = typeof import("@compendium/simulation");

export interface Spec {
  readonly name: string;
  check(subject: Package): Promise<void>;
}

export type Specs = Readonly<Record<string, Spec["check"]>>;

type Options = Partial<Omit<SimulationOptions, "faults">> & {
  readonly faults?: readonly Fault[];
  readonly untilMs?: number;
};

/** Runs a world and returns it. */
export async function run(
  { Simulation: World }: Package,
  { untilMs = 10_000, ...options }: Options,
): Promise<Simulation> {
  const simulation = new World({ seed: 1, nodes: ["a"], start: () => {}, ...options });
  await simulation.run(untilMs * 1_000);
  return simulation;
}

/** Runs a world whose nodes each have a program of their own. */
export function runNodes(
  subject: Package,
  programs: Record<string, (world: World) => void | Promise<void>>,
  options: Options = {},
): Promise<Simulation> {
  const start = (world: World) => programs[world.name]?.(world);
  return run(subject, { nodes: Object.keys(programs), start, ...options });
}

/** Waits on the world's clock. */
export function wait({ clock }: World, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(clock.now() + ms, resolve);
  });
}

/** What a promise rejects with, as the code of a RuntimeError; undefined where it does not. */
export function codeOf(promise: Promise<unknown>): Promise<RuntimeErrorCode | undefined> {
  return promise.then(
    () => undefined,
    (error: { code: RuntimeErrorCode }) => error.code,
  );
}

export const CALM = { lossPer1000: 0, duplicatesPer1000: 0, stragglersPer1000: 0 };
