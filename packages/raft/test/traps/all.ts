// Every trap of the core, by subject.
import { durability } from "./durability.ts";
import { elections } from "./elections.ts";
import { log } from "./log.ts";
import { membership } from "./membership.ts";
import { reads } from "./reads.ts";
import type { Trap } from "./trap.ts";

export const traps: readonly Trap[] = [
  ...elections,
  ...log,
  ...durability,
  ...membership,
  ...reads,
];
