// The containers of one document, by name: opened as its schema has them, and the doors behind
// which users find them.
import type { HybridLogicalClock } from "../clock/hybrid-logical-clock.ts";
import { checkString, compareStrings } from "../lattice/scalar.ts";
import type { Schema } from "./schema.ts";
import type { Gate, Slot } from "./slot.ts";
import { NAME_BYTES_MAX } from "./update.ts";

/** How many containers a document may have. */
export const CONTAINERS_MAX = 1024;

/** Opens empty containers, in the order of their names. */
export function openAll(
  schema: Schema,
  opening: { agent: string; gate: Gate; clock: HybridLogicalClock | undefined },
): Map<string, Slot> {
  const names = Object.keys(schema).sort(compareStrings);
  if (names.length > CONTAINERS_MAX) {
    throw new RangeError(`a document has ${CONTAINERS_MAX} containers at most`);
  }
  const slots = new Map<string, Slot>();
  for (const name of names) {
    const isNamed = new TextEncoder().encode(checkString(name)).length <= NAME_BYTES_MAX;
    if (!isNamed) throw new RangeError(`a name has ${NAME_BYTES_MAX} bytes at most: ${name}`);
    slots.set(name, schema[name]!.open({ name, ...opening }));
  }
  return slots;
}

/** The containers by name. One that was made anew is found behind the same door. */
export function doorsOf(slots: ReadonlyMap<string, Slot>): unknown {
  const doors = Object.create(null) as object;
  for (const [name, slot] of slots) {
    Object.defineProperty(doors, name, { enumerable: true, get: () => slot.container });
  }
  return doors;
}
