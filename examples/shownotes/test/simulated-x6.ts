// X6 in virtual time: the regions' replicas, their disks and links, the writers and the judging as
// they are; a simulated world around them in place of processes, sockets and clocks. Exact, and
// repeatable: the same seed is the same run.
import { FileStore } from "@compendium/crdt-sync/store";
import { Simulation, type World } from "@compendium/simulation";
import { PresenceReplica } from "../src/presence-replica.ts";
import { measureX6, type X6Comparison } from "../src/x6.ts";
import type { Regions } from "../src/x6-crew.ts";
import type { X6Scenario } from "../src/x6-scenario.ts";

const WRITERS = "writers";
const CALM = { lossPer1000: 0, duplicatesPer1000: 0, stragglersPer1000: 0 };
const SLICE_US = 10_000;
const PATIENCE_US = 120_000_000;

/** How the world is, besides. */
export interface SimulatedX6Options {
  readonly seed: number;
  /** Does what a service ought not to, to an edit that it was asked for. */
  readonly spoil?: (regions: Regions) => Regions;
  /** Whether links are cut at all. */
  readonly parts?: boolean;
  /** By how much the regions' wall clocks are off at most. Default: not at all. */
  readonly wallSkewMsMax?: number;
  /** Who loses its power while apart, and for how long. */
  readonly crash?: { readonly region: string; readonly atMs: number; readonly downMs: number };
}

/** Runs X6. */
export async function simulateX6(
  scenario: X6Scenario,
  {
    seed,
    spoil = (regions) => regions,
    parts = true,
    wallSkewMsMax = 0,
    crash,
  }: SimulatedX6Options,
): Promise<X6Comparison> {
  const { regions } = scenario;
  let writers: World | undefined;
  const simulation = new Simulation({
    seed,
    nodes: [...regions, WRITERS],
    start: async (world) => {
      if (world.name === WRITERS) writers = world;
      else world.expose(await openIn(world, scenario));
    },
    network: CALM,
    clock: { wallSkewMsMax },
  });
  const until = async (condition: () => boolean) => {
    const giveUpUs = simulation.nowUs + PATIENCE_US;
    while (!condition()) {
      if (simulation.nowUs > giveUpUs) throw new Error(`not in time: ${condition}`);
      await simulation.run(simulation.nowUs + SLICE_US);
    }
  };
  const replica = (region: number) => simulation.exposed(regions[region] ?? "") as PresenceReplica;
  const all = () => regions.map((_, at) => replica(at));
  const each = (act: (path: { cut(): void; mend(): void }) => void) => {
    for (const from of regions) {
      for (const to of regions) if (from !== to && parts) act(simulation.network.path(from, to));
    }
  };
  await until(() => writers !== undefined && !all().includes(undefined as never));

  let result: X6Comparison | undefined;
  let failure: unknown;
  const { clock } = writers as World;
  const link = {
    part: async () => {
      each((path) => path.cut());
      if (crash === undefined) return;
      const { region, atMs, downMs } = crash;
      const atUs = simulation.nowUs + atMs * 1_000;
      simulation.schedule(atUs, undefined, () => {
        simulation.crash(region, "power", downMs * 1_000);
      });
    },
    heal: async () => each((path) => path.mend()),
  };
  const run = { say: () => {}, signal: new AbortController().signal, clock };
  measureX6(spoil(directly(replica)), link, scenario, run).then(
    (comparison) => {
      result = comparison;
    },
    (error) => {
      failure = error;
    },
  );
  await until(() => result !== undefined || failure !== undefined);
  if (result === undefined) throw failure;
  return result;
}

function openIn(world: World, { regions, sync, cursorMs }: X6Scenario): Promise<PresenceReplica> {
  const { name: region, clock, random, files, transport } = world;
  const peers = Object.fromEntries(regions.map((each) => [each, each]));
  const store = new FileStore(files);
  const own = { region, peers, transport, store, sync, cursorMs, column: true, clock, random };
  return PresenceReplica.open(own, region);
}

// As the services do, without what is between.
function directly(replica: (region: number) => PresenceReplica): Regions {
  return {
    edit: async (region, id, edit, signal) => {
      const gone = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
      const episode = await Promise.race([replica(region).edit(id, edit), gone]);
      if (episode === undefined) throw new Error("no room");
    },
    read: async (region, id) => {
      const episode = await replica(region).find(id);
      if (episode === undefined) throw new Error(`no episode ${id}`);
      return episode.view();
    },
    state: async (region) => replica(region).state(),
  };
}
