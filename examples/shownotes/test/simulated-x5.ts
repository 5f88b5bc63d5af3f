// X5 in virtual time: the registry's members, their links, disks and state machine, the client and
// the crew as they are; a simulated world around them in place of processes, sockets and clocks.
// Exact, and repeatable: the same seed is the same run.
import { check } from "@compendium/linearizability";
import { PeerLinks } from "@compendium/raft/node";
import { type CrashKind, Simulation, type World } from "@compendium/simulation";
import { RegistryClient, type RegistryRequest } from "../src/registry-client.ts";
import { RegistryMember, type Reply } from "../src/registry-member.ts";
import type { X5Measurement } from "../src/x5.ts";
import { Crew, gapMs, lostOf } from "../src/x5-crew.ts";
import { registryModel } from "../src/x5-model.ts";
import type { X5Scenario } from "../src/x5-scenario.ts";

const CREW = "crew";
const CALM = { lossPer1000: 0, duplicatesPer1000: 0, stragglersPer1000: 0 };
const SLICE_US = 1_000;
const PATIENCE_US = 30_000_000;

interface Envelope {
  readonly number: number;
  readonly request?: RegistryRequest;
  readonly reply?: Reply<unknown>;
}

/** How the world is, besides. */
export interface SimulatedX5Options {
  readonly members: number;
  readonly seed: number;
  /** How a leader dies, if not as by kill -9. */
  readonly death?: CrashKind;
  /** How a member answers, if not as it should. */
  readonly answer?: typeof answer;
}

/** Runs one side; what is measured, and when, is as in x5.ts. */
export async function simulateX5(
  scenario: X5Scenario,
  options: SimulatedX5Options,
): Promise<X5Measurement> {
  const x5 = new SimulatedX5(scenario, options);
  const { warmUp, killed, paused, recovery } = scenario.phasesMs;
  await x5.until(() => x5.crew !== undefined && x5.leader() !== undefined);
  await x5.run(warmUp);
  const killedGapMs = await x5.phase(killed, (leader) => {
    x5.simulation.crash(leader, options.death ?? "kill", scenario.restartAfterMs * 1_000);
  });
  const pausedGapMs = await x5.phase(paused + recovery, (leader) => x5.pause(leader, paused));
  return { killedGapMs, pausedGapMs, ...(await x5.end()) };
}

/** The world. */
export class SimulatedX5 {
  readonly simulation: Simulation;
  crew: Crew | undefined;
  readonly #scenario: X5Scenario;
  readonly #answer: typeof answer;
  readonly #names: readonly string[];
  readonly #members = new Map<string, RegistryMember>();
  #client: RegistryClient | undefined;
  #crewWorld: World | undefined;
  #worked = false;

  constructor(scenario: X5Scenario, options: SimulatedX5Options) {
    const { members, seed } = options;
    this.#scenario = scenario;
    this.#answer = options.answer ?? answer;
    this.#names = Array.from({ length: members }, (_, at) => `r${at + 1}`);
    this.simulation = new Simulation({
      seed,
      nodes: [...this.#names, CREW],
      start: (world) => (world.name === CREW ? this.#runCrew(world) : this.#runMember(world)),
      network: CALM,
    });
  }

  /** Lets time pass. */
  async run(ms: number): Promise<void> {
    await this.simulation.run(this.simulation.nowUs + ms * 1_000);
  }

  /** Lets time pass until that holds. */
  async until(condition: () => boolean): Promise<void> {
    const giveUpUs = this.simulation.nowUs + PATIENCE_US;
    while (!condition()) {
      if (this.simulation.nowUs > giveUpUs) throw new Error(`not in time: ${condition}`);
      await this.simulation.run(this.simulation.nowUs + SLICE_US);
    }
  }

  /** Who leads and is not away. */
  leader(): string | undefined {
    return this.#names.find((name) => {
      const member = this.#members.get(name);
      return member === this.simulation.exposed(name) && member?.node.leadership.isLeader;
    });
  }

  /** Does that to the leader, and says how long nothing was answered. */
  async phase(ms: number, befall: (leader: string) => void): Promise<number> {
    await this.until(() => this.leader() !== undefined);
    const { clock } = this.#crewWorld as World;
    const fromMs = clock.now();
    befall(this.leader() as string);
    await this.run(ms);
    return gapMs(this.crew?.acknowledged ?? [], fromMs, clock.now());
  }

  /** Stops a member in its tracks for so long. */
  pause(name: string, ms: number): void {
    const node = this.simulation.node(name);
    node.pause();
    this.simulation.schedule(this.simulation.nowUs + ms * 1_000, undefined, () => node.resume());
  }

  /** Lets the crew finish, and judges what it saw. */
  async end(): Promise<Omit<X5Measurement, "killedGapMs" | "pausedGapMs">> {
    const crew = this.crew as Crew;
    crew.rest();
    await this.until(() => this.#worked);
    let revision: number | undefined;
    const asked = this.#client?.read({ of: "seats", workspace: "none" }, { timeoutMs: 20_000 });
    void asked?.then((found) => {
      revision = found.revision;
    });
    await this.until(() => revision !== undefined);
    const { history, acknowledged } = crew;
    return {
      lost: lostOf(acknowledged, revision as number),
      acknowledged: acknowledged.length,
      operations: history.length,
      checks: 1,
      verdict: check(history, registryModel()).verdict,
    };
  }

  async #runMember(world: World): Promise<void> {
    const { clock, random, files, transport, datagrams, name } = world;
    const network = new PeerLinks({ transport, address: name, group: "x5", clock, random });
    const id = Number(name.slice(1));
    const bootstrap = new Map(this.#names.map((each, at) => [at + 1, each]));
    const sizes = { segmentBytes: 65_536, snapshotEntries: 200 };
    const member = await RegistryMember.open({
      id,
      files,
      folder: "raft",
      network,
      bootstrap,
      clock,
      random,
      ...this.#scenario.raft,
      ...sizes,
    });
    this.#members.set(name, member);
    world.expose(member);
    datagrams.receive(async (message, from) => {
      const { number, request } = message as Envelope;
      const reply = await this.#answer(member, request as RegistryRequest);
      datagrams.send(from, { number, reply } satisfies Envelope);
    });
  }

  async #runCrew(world: World): Promise<void> {
    const { clock, random, datagrams } = world;
    const waiting = new Map<number, (reply: Reply<unknown>) => void>();
    let last = 0;
    datagrams.receive((message) => {
      const { number, reply } = message as Envelope;
      waiting.get(number)?.(reply as Reply<unknown>);
    });
    const client = new RegistryClient({
      members: this.#names.length,
      clock,
      random,
      ask: (member, request, signal) =>
        new Promise((resolve, reject) => {
          const number = ++last;
          const end = () => {
            waiting.delete(number);
            reject(new Error("no answer in time"));
          };
          waiting.set(number, (reply) => {
            waiting.delete(number);
            signal.removeEventListener("abort", end);
            resolve(reply);
          });
          signal.addEventListener("abort", end, { once: true });
          datagrams.send(`r${member}`, { number, request } satisfies Envelope);
        }),
    });
    this.#client = client;
    this.#crewWorld = world;
    this.crew = new Crew({ client, clock, scenario: this.#scenario, name: "x5" });
    await this.crew.work(new AbortController().signal);
    this.#worked = true;
  }
}

/** As a member's service does. */
export async function answer(
  member: RegistryMember,
  request: RegistryRequest,
): Promise<Reply<unknown>> {
  switch (request.kind) {
    case "open":
      return member.openSession();
    case "run":
      return member.run(request.command, request.session);
    case "read":
      return member.read(request.query);
  }
}
