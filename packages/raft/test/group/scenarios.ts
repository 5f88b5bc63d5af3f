// What `npm run simulate:group` runs: groups of three and of five, and one whose members change.
import type { Scenario } from "@compendium/simulation";
import { coreOf } from "../../src/core/raw-node.ts";
import { engineOf, RaftNode } from "../../src/node/raft-node.ts";
import { groupScenarios } from "./scenario.ts";

export const scenarios: Record<string, Scenario> = groupScenarios({ RaftNode, coreOf, engineOf });
