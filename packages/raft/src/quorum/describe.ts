// A quorum as a picture: one row per voter, and a bar that is the longer the further the voter is
// ahead of the others. What the middle of the field has reached is committed. For status pages and
// transcripts; nothing decides by it.
import { type Joint, jointIds } from "./joint.ts";
import type { Acknowledged } from "./majority.ts";

interface Row {
  readonly id: number;
  readonly index: number | undefined;
  bar: number;
}

/** The members of a set: `(1 2 3)`. */
export function describeIds(ids: readonly number[]): string {
  return `(${ids.join(" ")})`;
}

/** Who votes: `(1 2 3)`, or `(1 2 4)&&(1 2 3)` in a joint configuration. */
export function describeVoters({ incoming, outgoing }: Joint): string {
  const more = outgoing.length > 0 ? `&&${describeIds(outgoing)}` : "";
  return `${describeIds(incoming)}${more}`;
}

/**
 * What every voter has acknowledged, as rows that end in a newline each. A voter of whom nothing is
 * known has a question mark in place of its bar.
 */
export function describeQuorum(joint: Joint, acknowledged: Acknowledged): string {
  const ids = jointIds(joint);
  if (ids.length === 0) return "<empty majority quorum>";
  const rows: Row[] = ids.map((id) => ({ id, index: acknowledged.acked(id), bar: 0 }));
  const ascending = rows.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0) || a.id - b.id);
  for (const [rank, row] of ascending.entries()) {
    const before = ascending[rank - 1];
    if (before === undefined) continue;
    row.bar = (before.index ?? 0) < (row.index ?? 0) ? rank : before.bar;
  }
  const lines = rows.map(({ id, index, bar }) => {
    const mark = index === undefined ? "?" : `${"x".repeat(bar)}>`;
    return `${mark.padEnd(rows.length + 1)} ${String(index ?? 0).padStart(5)}    (id=${id})\n`;
  });
  return `${" ".repeat(rows.length)}    idx\n${lines.join("")}`;
}
