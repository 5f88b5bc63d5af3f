// Whether a copy of the package with a bug in it falls into a trap. Many a bug is a link that waits
// for ever, and no clock can tell that from a busy machine. So the package itself is the clock: it
// goes into the same trap, in the same process, in the same turns of the event loop. What it has
// been through so many times, one after the other, while the copy has not been through it once, the
// copy will never be through, or is so slow that it makes no difference.
import { traps } from "./traps.ts";
import { refusalOf, type Subject, type Trap, World } from "./world.ts";

// A copy begins cold, where the package is warm: several times as slow, and for one round.
const ROUNDS = 10;

/**
 * The trap into which the copy falls, or in which it hangs; undefined if it stands. Those whose
 * names begin so are tried first.
 */
export async function faultOf(
  copy: Subject,
  original: Subject,
  first = "",
): Promise<string | undefined> {
  const isFirst = ({ name }: Trap): boolean => name.startsWith(first);
  if (!traps.some(isFirst)) throw new Error(`no trap begins with: ${first}`);
  for (const trap of traps.toSorted((a, b) => Number(isFirst(b)) - Number(isFirst(a)))) {
    const fault = await faultIn(trap, copy, original);
    if (fault !== undefined) return `${trap.name}: ${fault}`;
  }
  return undefined;
}

async function faultIn(trap: Trap, copy: Subject, original: Subject): Promise<string | undefined> {
  const world = new World(copy);
  let isOver = false;
  const outcome = refusalOf(trap.run(world)).then((error) => {
    isOver = true;
    return error === undefined ? undefined : String(error);
  });
  for (let round = 0; round < ROUNDS && !isOver; round++) await spring(trap, original);
  // What hangs, or has a bug, may not close either; nobody waits for it.
  void refusalOf(world[Symbol.asyncDispose]());
  return isOver ? await outcome : "hangs";
}

/** Tries one trap. */
export async function spring(trap: Trap, subject: Subject): Promise<void> {
  await using world = new World(subject);
  await trap.run(world);
}
