// The register with its planted bugs, for those who want to see one found.
import type { Scenario } from "@compendium/simulation";
import { type Bug, quorumRegister } from "./quorum-register.ts";

const scenario = (bug: Bug): Scenario => quorumRegister(bug);

export const scenarios: Record<string, Scenario> = {
  "early-ack": scenario("acknowledges before sync"),
  "no-folder-sync": scenario("forgets the folder"),
  "no-majority": scenario("counts one as a majority"),
  "no-resend": scenario("does not resend"),
};
