// Planted bugs in the document layer, one for each known trap.
import type { Mutant } from "@compendium/house/planted";

const plant = (file: string, name: string, search: string, replacement: string): Mutant => ({
  file: `document/${file}`,
  name,
  search,
  replacement,
});

export const mutants: readonly Mutant[] = [
  plant(
    "document.ts",
    "a change that throws is left as it is",
    "for (const slot of slots) if (slot.isTouched) slot.rollBack();",
    "",
  ),
  plant(
    "document.ts",
    "what depends on unknown changes is applied at once",
    "if (missing === undefined)",
    "if (missing === undefined || bytes.length > 0)",
  ),
  plant(
    "document.ts",
    "what waits is not looked at again",
    "    this.#mergeReady(conflicts);\n",
    "",
  ),
  plant(
    "sequence-undo.ts",
    "undoing brings back what another deleted too",
    "if (targets.has(target)) others.add(target);",
    "if (targets.has(target)) others.delete(target);",
  ),
  plant(
    "sequence-undo.ts",
    "undoing deletes at the place of what is gone",
    "if (tracker.tree.isGone(span)) continue;",
    "",
  ),
  plant(
    "sequence-undo.ts",
    "what came and went in one change is brought back",
    "|| (unit >= lvs[0]! && unit <= lv)",
    "",
  ),
  plant(
    "lattice-edits.ts",
    "undoing does not know what was written anew",
    "if (made !== undefined) remember(copies, before, made);",
    "",
  ),
  plant(
    "lattice-slot.ts",
    "the journal forgets what came from others",
    "    this.#keep([delta]);\n",
    "",
  ),
  plant(
    "lattice-slot.ts",
    "what was sent is sent without what it replaced",
    "for (const delta of deltas) this.#addUnsent(delta);",
    "for (const delta of deltas.slice(0, 1)) this.#addUnsent(delta);",
  ),
  plant(
    "compaction.ts",
    "a container forgets how many operations the changes that went had made",
    "    slot.counts.compact(base.version);\n",
    "    slot.counts.clear();\n",
  ),
  plant(
    "compaction.ts",
    "containers keep what the document has let go",
    "    slot.compact(slot.counts.vector(base.version));\n",
    "",
  ),
  plant(
    "changes.ts",
    "what was let go is still to be sent",
    "if (this.#sent < (version.get(this.#agent) ?? 0)) this.markSent(version);",
    "",
  ),
  plant(
    "tree-slot.ts",
    "the past of a tree begins with nothing",
    "tree.join(new TreeDelta(then, base));",
    "tree.join(new TreeDelta(then));",
  ),
  plant(
    "intake.ts",
    "a document that is taken whole brings no counts",
    "  for (const slot of rows.keys()) slot.counts.clear();\n  push(rows);\n",
    "",
  ),
];
