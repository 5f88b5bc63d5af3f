// A group on the simulated world, as a scenario: members on hostile disks and a hostile network,
// and clients that ask them to keep a map.
import { FAULT_KINDS, type FaultKind, type Scenario } from "@compendium/simulation";
import { Client } from "./client.ts";
import { GroupInvariants, type Insight } from "./invariants.ts";
import { type GroupSubject, runMember } from "./member.ts";
import { Operator } from "./operator.ts";

/** What kind of group it is. */
export interface GroupOptions {
  readonly members: number;
  /** Members that are not in the group at first, and are taken in and removed by an operator. */
  readonly spares?: number;
  /** Whether members talk over links: else over datagrams, which is harsher, and quicker. */
  readonly links?: boolean;
  readonly clients: number;
  readonly operationsMax: number;
  readonly safetyMs: number;
}

// Short, so that much happens in little virtual time: what counts is its proportion to delays (up
// to one millisecond, stragglers twenty), to disks, and to how long faults last.
const ELECTION_TIMEOUT_MS = 60;

// Logs differ where a leader is cut off while it takes proposals: so that is drawn more often.
const KINDS: readonly FaultKind[] = [...FAULT_KINDS, "partition", "partition", "pause", "crash"];

/** A group of the package under test. */
export function groupScenario(
  subject: GroupSubject & Insight,
  { members, spares = 0, links = false, clients, operationsMax, safetyMs }: GroupOptions,
): Scenario {
  const names = Array.from({ length: members + spares }, (_, index) => `n${index + 1}`);
  const clientNames = Array.from({ length: clients }, (_, index) => `c${index + 1}`);
  const suffix = links ? ":raft" : "";
  const bootstrap = new Map(
    names.slice(0, members).map((name, index) => [index + 1, `${name}${suffix}`]),
  );
  return {
    nodes: names,
    clients: [...clientNames, "operator"],
    node: (world) =>
      runMember(subject, world, {
        bootstrap,
        electionTimeoutMs: ELECTION_TIMEOUT_MS,
        links,
      }),
    client: (world) =>
      world.name === "operator"
        ? new Operator(world, { members: names, changesGroup: spares > 0 }).run()
        : new Client(world, {
            members: names,
            lasting: spares > 0 ? names.slice(0, 2) : names,
            keys: 2,
            operationsMax,
            attemptMs: 100,
            attemptsMax: 8,
          }).run(),
    invariants: (run) =>
      new GroupInvariants({
        run,
        insight: subject,
        members: names,
        clients,
        electionTimeoutMs: ELECTION_TIMEOUT_MS,
      }),
    phases: { safetyMs, livenessMs: 30_000 },
    network: { retransmitUs: 20_000, breakAfterUs: 200_000, lingerUs: 100_000 },
    faults: { kinds: KINDS, countMax: 40, lastsUsMax: 500_000, effectsMax: 512 },
  };
}

/** The groups that every change must pass. */
export function groupScenarios(
  subject: GroupSubject & Insight,
): Record<"three" | "links" | "five" | "changing", Scenario> {
  const load = { clients: 3, operationsMax: 40, safetyMs: 2_000 };
  return {
    three: groupScenario(subject, { ...load, members: 3 }),
    links: groupScenario(subject, { ...load, members: 3, links: true }),
    five: groupScenario(subject, { ...load, members: 5 }),
    changing: groupScenario(subject, { ...load, members: 3, spares: 3, clients: 2 }),
  };
}
