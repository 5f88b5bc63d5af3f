// What is hashed to compare trees: the moves that they have, by name alone, and for every node the
// move that it follows. Two logs, one of them compacted, have the same.
import { Writer } from "../lattice/codec.ts";
import type { CausalContext } from "../lattice/context.ts";
import { compareStrings } from "../lattice/scalar.ts";
import { type MoveLog, NONE } from "./move-log.ts";

/** The bytes of what makes a tree this tree. */
export function bodyOfNodes(log: MoveLog, context: CausalContext): Uint8Array {
  const writer = new Writer();
  context.write(writer);
  const names: { node: number; name: string }[] = [];
  for (let node = 0; node < log.nodes; node++) {
    if (log.follows(node) !== NONE) names.push({ node, name: log.nameOf(node) });
  }
  names.sort((a, b) => compareStrings(a.name, b.name));
  for (const { node, name } of names) {
    const move = log.follows(node);
    const { replica, counter } = log.makerOf(move);
    writer.string(name);
    writer.string(log.nameOf(log.parentIn(move)));
    writer.string(log.positionIn(move));
    writer.string(replica);
    writer.number(counter);
  }
  return writer.done();
}
