// What `npm run simulate raft` runs: groups of three and of five, and one whose members change.
import type { Scenario } from "@compendium/simulation";
import { coreOf } from "../../src/core/raw-node.ts";
import { PeerLinks } from "../../src/node/index.ts";
import { engineOf, RaftNode } from "../../src/node/raft-node.ts";
import { groupScenarios } from "./scenario.ts";

export const scenarios: Record<string, Scenario> = groupScenarios({
  RaftNode,
  PeerLinks,
  coreOf,
  engineOf,
});
