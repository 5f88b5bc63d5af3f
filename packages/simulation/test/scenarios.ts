// What `npm run simulate` runs here: the register as it should be.
import type { Scenario } from "@compendium/simulation";
import { quorumRegister } from "./quorum-register.ts";

export const scenarios: Record<string, Scenario> = {
  register: quorumRegister(),
};
