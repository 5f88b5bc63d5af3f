// The property that Fugue is named for: what one author types at one place without a pause,
// forwards or backwards, stays together, whatever others type there meanwhile. Cases are drawn
// from a seed: a text with a past of its own, in which some was deleted and some was concurrent;
// two or three authors who know different parts of it; a run from each; and an order in which the
// runs arrive.
import assert from "node:assert/strict";
import { generator } from "../generator.ts";
import type { Sequences } from "./subjects.ts";

const RUNS = ["ABCDEFGHIJ", "abcdefghij", "0123456789"];
const AGENTS = ["x", "m", "y"];

type Below = (limit: number) => number;
type TextOf = InstanceType<Sequences["Text"]>;

/** Draws a case, and throws if a run is not in one piece. */
export function checkNoInterleaving(seed: number, { Text }: Pick<Sequences, "Text">): void {
  const below = generator(seed);
  const [one, other] = [new Text("one"), new Text("other")];
  drawPast(below, one, other);
  const ancestors = [one, other];
  const runs: string[] = [];
  const updates: Uint8Array[] = [one.encodeSince(new Map()), other.encodeSince(new Map())];
  const authors = 2 + below(2);
  const place = below(16);
  for (let author = 0; author < authors; author++) {
    const text = ancestors[below(2)]!.fork(AGENTS[(author + below(3)) % 3]! + author);
    // Mostly all at one place; that is where they could mix.
    const at = below(4) > 0 ? place : below(16);
    const run = RUNS[author]!.slice(0, 2 + below(8));
    runs.push(type(below, text, at % (text.length + 1), run, updates));
  }
  const end = new Text("end");
  while (updates.length > 0) end.merge(updates.splice(below(updates.length), 1)[0]!);
  for (const run of runs) {
    assert.ok(end.toString().includes(run), `seed ${seed}: ${run} is in pieces in ${end}`);
  }
}

function drawPast(below: Below, one: TextOf, other: TextOf): void {
  for (let round = below(4); round >= 0; round--) {
    for (const text of [one, other]) {
      text.insert(below(text.length + 1), "....".slice(below(4)));
      if (text.length > 1 && below(2) === 0) text.delete(below(text.length), 1);
    }
    if (below(2) === 0) one.merge(other.encodeSince(one.version));
    if (below(2) === 0) other.merge(one.encodeSince(other.version));
  }
}

// Returns the run as it reads.
function type(below: Below, text: TextOf, at: number, run: string, updates: Uint8Array[]): string {
  const isBackwards = below(2) === 0;
  const isOnePaste = !isBackwards && below(4) === 0;
  if (text.length - at > 0 && below(3) === 0) text.delete(at, 1);
  if (isOnePaste) {
    text.insert(at, run);
  } else {
    for (const [index, unit] of [...run].entries()) {
      text.insert(isBackwards ? at : at + index, unit);
      if (below(3) === 0) updates.push(text.flush()!);
    }
  }
  const last = text.flush();
  if (last !== undefined) updates.push(last);
  return isBackwards ? [...run].reverse().join("") : run;
}
