// The groups on a copy of the package's sources, which may have a bug planted in it.
import path from "node:path";
import { groupScenarios } from "./scenario.ts";

/** The groups of the package whose sources are in that folder. */
export async function loadGroup(source: string): Promise<ReturnType<typeof groupScenarios>> {
  const [{ RaftNode, PeerLinks }, { engineOf }, { coreOf }] = await Promise.all(
    ["node/index.ts", "node/raft-node.ts", "core/raw-node.ts"].map(
      (file) => import(path.join(source, file)),
    ),
  );
  return groupScenarios({ RaftNode, PeerLinks, engineOf, coreOf });
}
