// What is tried on the package, and on copies of it with a bug in it.
import { connectionTraps } from "./connection-traps.ts";
import { streamTraps } from "./stream-traps.ts";
import { type Subject, type Trap, World } from "./world.ts";

/** All of them. */
export const traps: readonly Trap[] = [...streamTraps, ...connectionTraps];

/** Tries one of them. */
export async function spring(trap: Trap, subject: Subject): Promise<void> {
  await using world = new World(subject);
  await trap.run(world);
}
