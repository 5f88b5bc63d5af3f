// A group on the simulated world, as a scenario: members on hostile disks and a hostile network, and
// clients that ask them to keep a map.
import type { Scenario } from "@compendium/simulation";
import { Client } from "./client.ts";
import { GroupInvariants, type Insight } from "./invariants.ts";
import { type GroupSubject, runMember } from "./member.ts";

/** What kind of group it is. */
export interface GroupOptions {
  readonly members: number;
  readonly clients: number;
  readonly operationsMax: number;
  readonly safetyMs: number;
}

const ELECTION_TIMEOUT_MS = 200;

/** A group of the package under test. */
export function groupScenario(
  subject: GroupSubject & Insight,
  { members, clients, operationsMax, safetyMs }: GroupOptions,
): Scenario {
  const names = Array.from({ length: members }, (_, index) => `n${index + 1}`);
  const clientNames = Array.from({ length: clients }, (_, index) => `c${index + 1}`);
  const bootstrap = new Map(names.map((name, index) => [index + 1, name]));
  return {
    nodes: names,
    clients: clientNames,
    node: (world) =>
      runMember(subject, world, {
        bootstrap,
        electionTimeoutMs: ELECTION_TIMEOUT_MS,
      }),
    client: (world) =>
      new Client(world, {
        members: names,
        keys: 3,
        operationsMax,
        attemptMs: 150,
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
    faults: { lastsUsMax: 1_000_000, effectsMax: 512 },
  };
}
