// What is tried on the package, and on copies of it with a bug in it.
import { connectionTraps } from "./connection-traps.ts";
import { streamTraps } from "./stream-traps.ts";
import { tlsTraps } from "./tls-traps.ts";
import type { Trap } from "./world.ts";

/** All of them. */
export const traps: readonly Trap[] = [...streamTraps, ...connectionTraps, ...tlsTraps];
