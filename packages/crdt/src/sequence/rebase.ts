// Doing again what only one replica has done, in a document that was compacted without it. The
// operations themselves are of no use there, since nothing is left of what they name. But units
// have names on both sides, and stand in one order; so the two sequences are read side by side:
//
//   a unit that both have     is where both agree to be
//   one that only mine has    goes behind the last one on which they agree, if its author asked for
//                             it; it is inserted anew, and has a new name from then on
//   one that only theirs has  is deleted if mine has known it, for then it was deleted there, and
//                             that is what theirs has not heard of; else it is news, and stays
//
// Left out: to whom else the edits have been told. Each author brings back his own insertions, and
// nobody else's, or they would come twice; a deletion may come twice.
import type { VersionVector } from "../causal/base.ts";
import { ByteReader } from "../encoding/byte-reader.ts";
import { ByteWriter } from "../encoding/byte-writer.ts";
import { addPiece, type Content } from "./content.ts";
import { forEachPresent } from "./present.ts";
import type { Replica } from "./replica.ts";

// The units of a sequence, in its order.
interface Units {
  readonly names: readonly string[];
  readonly contents: readonly number[];
  /** The number of the operation, and its author. */
  readonly seqs: readonly number[];
  readonly agents: readonly string[];
}

/** Makes the edits of these authors that are in `mine` and not in `theirs` anew, in `theirs`. */
export function rebase<C extends Content>(
  mine: Replica<C>,
  theirs: Replica<C>,
  authors: ReadonlySet<string>,
): void {
  const { agent } = theirs;
  if (theirs.graph.known(agent) + mine.graph.known(agent) > 0) {
    throw new RangeError(`${agent} has made edits already: take a new name`);
  }
  const [here, there] = [unitsOf(mine), unitsOf(theirs)];
  const kept = deleteKnown(theirs, there, mine.graph.vector(), new Set(here.names));
  const known = theirs.graph.vector();
  let [position, inserted, from] = [0, 0, 0];
  for (let at = 0; at <= here.names.length; at++) {
    const isNews = at < here.names.length && here.seqs[at]! >= (known.get(here.agents[at]!) ?? 0);
    if (isNews && authors.has(here.agents[at]!)) continue;
    insertAgain(theirs, mine, position, here.contents.slice(from, at));
    inserted += at - from;
    position += at - from;
    from = at + 1;
    const agreed = at < here.names.length ? kept.get(here.names[at]!) : undefined;
    if (agreed !== undefined) position = agreed + 1 + inserted;
  }
}

function unitsOf<C extends Content>({ graph, log }: Replica<C>): Units {
  const units = {
    names: [] as string[],
    contents: [] as number[],
    seqs: [] as number[],
    agents: [] as string[],
  };
  forEachPresent({ graph, log }, graph.length, ({ content, count, agent, seq }) => {
    for (let i = 0; i < count; i++) {
      units.names.push(`${seq + i}@${agent}`);
      units.contents.push(content + i);
      units.seqs.push(seq + i);
      units.agents.push(agent);
    }
  });
  return units;
}

// Deletes what mine has known and does not have. Returns where the others are then.
function deleteKnown<C extends Content>(
  theirs: Replica<C>,
  there: Units,
  known: VersionVector,
  here: ReadonlySet<string>,
): Map<string, number> {
  const isDeleted = there.names.map((name, at) => {
    return !here.has(name) && there.seqs[at]! < (known.get(there.agents[at]!) ?? 0);
  });
  for (let end = isDeleted.lastIndexOf(true); end >= 0; ) {
    let start = end;
    while (start > 0 && isDeleted[start - 1]) start--;
    theirs.delete(start, end + 1 - start);
    theirs.content.remove(start, end + 1 - start);
    end = start === 0 ? -1 : isDeleted.lastIndexOf(true, start - 1);
  }
  const kept = new Map<string, number>();
  for (const [at, name] of there.names.entries()) if (!isDeleted[at]) kept.set(name, kept.size);
  return kept;
}

function insertAgain<C extends Content>(
  theirs: Replica<C>,
  mine: Replica<C>,
  position: number,
  contents: readonly number[],
): void {
  if (contents.length === 0) return;
  const pieces: number[] = [];
  for (const content of contents) addPiece(pieces, content, 1);
  const writer = new ByteWriter();
  mine.content.write(writer, pieces);
  theirs.insert(position, contents.length);
  const from = theirs.log.inserted - contents.length;
  theirs.content.read(new ByteReader(writer.take()), contents.length);
  theirs.content.insert(position, from, contents.length);
}
