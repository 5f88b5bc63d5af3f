// What `npm run simulate raft -- --group` runs: groups of three and of five.
import type { Scenario } from "@compendium/simulation";
import { coreOf } from "../../src/core/raw-node.ts";
import { engineOf, RaftNode } from "../../src/node/raft-node.ts";
import { groupScenario } from "./scenario.ts";

const subject = { RaftNode, coreOf, engineOf };

export const scenarios: Record<string, Scenario> = {
  three: groupScenario(subject, { members: 3, clients: 3, operationsMax: 40, safetyMs: 1_500 }),
  five: groupScenario(subject, { members: 5, clients: 3, operationsMax: 40, safetyMs: 1_500 }),
};
