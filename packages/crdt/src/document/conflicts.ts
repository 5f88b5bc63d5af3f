// What a conflict is. Everything here converges, so nothing is ever "in conflict" for the machine;
// but people write at the same time what cannot both be meant, and should be asked. A merge reports
// three things, at the replica where they come together, and only those that can be told from
// what it holds:
//
//   several-values  a multi-value register that a merge has touched holds more than one value
//   overwritten     the same for a last-writer-wins register: one is read, the others are lost
//   kept            a removal came in of a member or a field that was written here in the meantime,
//                   without having been seen by the remover; the writing wins
//
// The last is reported where the removal comes to the writing. Where the writing comes to the
// removal it reads like any other writing: nothing of what was removed is kept to compare it with.
// Texts, lists and trees merge by their own rules, and report nothing.
import type { Delta } from "../lattice/delta.ts";
import * as kinds from "../lattice/kinds.ts";
import type { Site } from "../lattice/site.ts";
import { aliveAt, type Edit, takesAway } from "./lattice-edits.ts";
import type { Conflict } from "./slot.ts";

/** The conflicts at the leaves that a delta has touched, after it was joined. */
export function conflictsOf(
  container: string,
  root: Site<unknown>,
  edits: readonly Edit[],
  delta: Delta,
): Conflict[] {
  const conflicts: Conflict[] = [];
  for (const edit of edits) {
    const kind = kindOf(root, edit, delta);
    if (kind === undefined) continue;
    const path: unknown[] = edit.path.map(({ name }) => name);
    if (edit.element !== undefined) path.push(edit.element);
    conflicts.push({ container, path, kind });
  }
  return conflicts;
}

function kindOf(root: Site<unknown>, edit: Edit, delta: Delta): Conflict["kind"] | undefined {
  if (edit.amount !== 0) return undefined;
  const now = aliveAt(root, edit);
  if (now === undefined) return undefined;
  const isRegister = [kinds.mvRegister, kinds.lwwRegister].includes(edit.kind as never);
  if (isRegister && now.next !== undefined && edit.after !== undefined) {
    return (edit.kind as unknown) === kinds.mvRegister ? "several-values" : "overwritten";
  }
  // The part of a state that somebody lacked leaves out what is alive and known.
  const isRemoved = edit.after === undefined && (edit.isNamed || takesAway(edit, delta.context));
  return isRemoved ? "kept" : undefined;
}
