// Planted bugs, one for each trap that sequences are known to fall into.
import type { Mutant } from "@compendium/house/planted";

const mutant = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { name, file, search, replacement };
};

export const mutants: readonly Mutant[] = [
  mutant(
    "sequence/tracker/order.ts",
    "siblings stand in the order of arrival",
    "if (graph.isBefore(lv, tree.id(other))) break;",
    "",
  ),
  mutant(
    "sequence/tracker/order.ts",
    "siblings are told apart by LVs, which differ between replicas",
    "graph.isBefore(lv, tree.id(other))",
    "lv < tree.id(other)",
  ),
  mutant(
    "sequence/tracker/order.ts",
    "what hangs to the left of a sibling is taken for the sibling's own place",
    "undecided = standsBefore(spans, otherRight, right);",
    "undecided = false;",
  ),
  mutant(
    "sequence/tracker/order.ts",
    "the walk goes on past the right side of the left neighbour",
    "(left !== NONE && standsBefore(spans, otherLeft, left))",
    "false",
  ),
  mutant(
    "sequence/tracker/tracker.ts",
    "whatever stands to the right is a right parent",
    "const right = tree.left(until) === left ? tree.id(until) : NONE;",
    "const right = tree.id(until);",
  ),
  mutant(
    "sequence/tracker/tracker.ts",
    "what the author did not know is not taken back",
    "if (side === Side.Left) this.#retreat(from, to);",
    "if (side === Side.Left) void 0;",
  ),
  mutant(
    "sequence/tracker/tracker.ts",
    "what the author did know stays taken back",
    "else advance.push(to, from);",
    "",
  ),
  mutant(
    "sequence/tracker/tracker.ts",
    "a unit that two delete is taken out of the text twice",
    "if (splices !== undefined && !this.tree.isGone(span)) {",
    "if (splices !== undefined) {",
  ),
  mutant(
    "sequence/tracker/tracker.ts",
    "Backspace deletes towards the right",
    "this.#index.setTarget(lv + done, taken, tree.id(span) + taken - 1, -1);",
    "this.#index.setTarget(lv + done, taken, tree.id(span), 1);",
  ),
  mutant(
    "sequence/tracker/span-tree.ts",
    "the second half of a span forgets what stood to its left",
    "this.#spans[head + LENGTH]! - at, id + at - 1, NONE);",
    "this.#spans[head + LENGTH]! - at, this.#spans[head + LEFT]!, NONE);",
  ),
  mutant(
    "causal/cuts.ts",
    "a cut outlives an operation that was made without what stands before it",
    "if (top >= 0 && this.#tos.data[top]! > lv) this.#tos.data[top] = lv;",
    "",
  ),
  mutant(
    "sequence/replay.ts",
    "an old tracker is taken for one of this window",
    "const isUsable = tracker.from <= cut && cut < tracker.to && tracker.to <= lv;",
    "const isUsable = tracker.to > 0 && tracker.to <= lv;",
  ),
  mutant(
    "sequence/replay.ts",
    "the tracker is never dropped",
    "if (unused > Math.max(this.windowLength, SLACK)) this.#tracker = undefined;",
    "",
  ),
  mutant(
    "sequence/update.ts",
    "an update is taken before what it depends on",
    "if (parentSeq >= known.data[parent]!) return",
    "if (parentSeq < 0) return",
  ),
  mutant(
    "sequence/update.ts",
    "known content is not passed over",
    "if (read + skipped !== log.inserted) content.move(log.inserted, read + skipped, count);",
    "",
  ),
  mutant(
    "sequence/operation-log.ts",
    "a deletion of several is turned round by the Backspace that follows",
    "const backwards = kind === Kind.Backspace || shape >>> 2 === 1;",
    "const backwards = true;",
  ),
  mutant(
    "sequence/text.ts",
    "a pair of surrogates may be parted",
    "if ((next & 0xfc00) === 0xdc00 && isPair(buffer.unitAt(position - 1), next)) {",
    "if (position < 0) {",
  ),
  mutant(
    "encoding/frame.ts",
    "the check is not looked at",
    "if (crc32c(bytes, 0, to) !== (low | (bytes[to + 3]! << 24)) >>> 0) {",
    "if (to < 0) {",
  ),
  mutant(
    "sequence/text-buffer.ts",
    "joined blocks take their gap for text",
    "this.#gaps[index] = size + added;",
    "this.#gaps[index] = size;",
  ),
  mutant(
    "causal/causal-graph.ts",
    "an operation is believed to know all that came before it",
    "if (side === Side.Left) covered = from;",
    "",
  ),
  mutant(
    "sequence/replica.ts",
    "the first edit after opening goes to the log of before",
    "const lv = this.#addLocal(count); // May unpack, and with that replace the log.\n    this.#log.insert(lv, position, count);",
    "this.#log.insert(this.#addLocal(count), position, count);",
  ),
  mutant(
    "causal/compaction.ts",
    "all that is stable is let go, though something that is not was made without it",
    "return lv === graph.length ? lv : graph.cuts.atMost(lv);",
    "return lv;",
  ),
  mutant(
    "causal/compaction.ts",
    "what one replica lacks is let go",
    "lv = Math.min(lv, graph.lvOf(number, first));",
    "lv = Math.max(0, lv);",
  ),
  mutant(
    "causal/base.ts",
    "to know one head of the base is to know all of it",
    "base.heads.every(knows)",
    "base.heads.some(knows)",
  ),
  mutant(
    "causal/base.ts",
    "whoever lacks a part of the base is told what comes after it",
    "if (base === undefined || covers(version, base.version)) return;",
    "if (base === undefined || version.size >= 0) return;",
  ),
  mutant(
    "sequence/update.ts",
    "what goes on from an operation of its own is taken to know all of the base",
    "else checkStandsOn(graph.base,",
    "else if (lv > 0) checkStandsOn(graph.base,",
  ),
  mutant(
    "encoding/runs.ts",
    "what follows a base is told as if nothing came before",
    "if (all.length === 0 && graph.base !== undefined) {",
    "if (all.length < 0 && graph.base !== undefined) {",
  ),
  mutant(
    "sequence/present.ts",
    "what was deleted stands at the base again",
    "if (tree.isGone(span)) continue;",
    "",
  ),
  mutant(
    "sequence/compaction.ts",
    "what was inserted since is forgotten, and what was before takes its place",
    "addPiece(pieces, log.inserted - kept, kept);",
    "addPiece(pieces, 0, kept);",
  ),
  mutant(
    "sequence/anchor.ts",
    "an anchor in the base means its first unit",
    "const id = lv < 0 ? BASE + inBase : lv;",
    "const id = lv < 0 ? BASE : lv;",
  ),
  mutant(
    "sequence/replica.ts",
    "a compacted document takes the place of what it lacks",
    "if (!covers(whole.graph.vector(), known)) {",
    "if (known.size < 0) {",
  ),
  mutant(
    "sequence/replica.ts",
    "what was let go is still to be sent",
    "this.#unsent = Math.max(this.#unsent, graph.base?.version.get(this.agent) ?? 0);",
    "",
  ),
  mutant(
    "sequence/rebase.ts",
    "what was deleted without the others' knowledge is not deleted there",
    "return !here.has(name) && there.seqs[at]! < (known.get(there.agents[at]!) ?? 0);",
    "return here.size < 0;",
  ),
  mutant(
    "sequence/keystroke.ts",
    "several strokes of Backspace delete towards the right",
    "end > content.length || kind === Kind.Backspace) return false;",
    "end > content.length) return false;",
  ),
  mutant(
    "sequence/keystroke.ts",
    "a keystroke of somebody else is taken for the last author's",
    "if (reader.byte() !== 1 || !reader.skipAscii(graph.agents[agent]!)) return false;",
    "if (reader.byte() !== 1 || reader.bytes(reader.number()).length === 0) return false;",
  ),
  mutant(
    "causal/causal-graph.ts",
    "a keystroke is believed to know what it came after",
    "return isOnlyHead ? this.#runAgents.last() : -1;",
    "return isOnlyHead || this.length > 0 ? this.#runAgents.last() : -1;",
  ),
];
