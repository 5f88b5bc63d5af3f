import { appends } from "./appends.ts";
import { crashes } from "./crashes.ts";
import { faults } from "./faults.ts";
import { exhaustiveRot, rot } from "./rot.ts";
import { snapshots } from "./snapshots.ts";
import type { Trap } from "./trap.ts";

/** The quick ones, which every mutant must fall into one of. */
export const quickTraps: readonly Trap[] = [
  ...appends,
  ...faults,
  ...snapshots,
  ...rot,
  ...crashes,
];

/** Every trap of the log. */
export const traps: readonly Trap[] = [...quickTraps, ...exhaustiveRot];
