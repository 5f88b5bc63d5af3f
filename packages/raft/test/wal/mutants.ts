// Planted bugs, one for each trap that write-ahead logs are known to fall into. Each is a place in
// a source file and what stands there instead; a place that is no longer found fails loudly.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are pieces of source text.

import type { Mutant } from "@compendium/house/planted";

const mutant = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { name, file: `wal/${file}`, search, replacement };
};
const log = mutant.bind(undefined, "write-ahead-log.ts");
const recovery = mutant.bind(undefined, "recovery.ts");
const scan = mutant.bind(undefined, "scan.ts");
const frame = mutant.bind(undefined, "frame.ts");
const queue = mutant.bind(undefined, "queue.ts");
const replay = mutant.bind(undefined, "replay.ts");
const segment = mutant.bind(undefined, "segment.ts");
const snapshot = mutant.bind(undefined, "snapshot-file.ts");

export const mutants: readonly Mutant[] = [
  // What is acknowledged is durable.
  log(
    "an append is acknowledged before its sync",
    "const place = await file.writeThrough(this.#writer.written, offset);\n    this.#segment",
    'const place = "apart";\n    await file.write(this.#writer.written, offset);\n    void file.sync();\n    this.#segment',
  ),
  log(
    "a sync that failed is tried again",
    "const place = await file.writeThrough(this.#writer.written, offset);\n    this.#segment",
    'const place = "apart";\n    await file.write(this.#writer.written, offset);\n    await file.sync().catch(() => file.sync()).catch(() => {});\n    this.#segment',
  ),
  log(
    "a failure is forgotten: the log goes on",
    "this.#failure ??= new WalError(",
    "if (this.#failure === undefined) return new WalError(",
  ),
  log(
    "an append without news overtakes those before it",
    "this.#enqueue(entries) : this.#newest)",
    "this.#enqueue(entries) : undefined)",
  ),
  log(
    "every append has a sync of its own",
    "Math.max(first, this.#settings.batchBytesMax)",
    "first",
  ),
  log(
    "a vote waits as a commit index does",
    "entries.length > 0 || isUrgent",
    "entries.length > 0",
  ),
  segment("the folder of a new segment is not synced", "  await files.syncFolder(folder);\n", ""),
  segment("the head of a segment is not synced", "  await blank.file.sync();\n", ""),
  segment(
    "a segment has its name before it has its head",
    "  await blank.file.write(written, 0);\n  await blank.file.sync();\n  await files.rename(blank.path, `${folder}/${segmentName(sequence)}`);\n",
    "  await files.rename(blank.path, `${folder}/${segmentName(sequence)}`);\n  await blank.file.write(written, 0);\n  await blank.file.sync();\n",
  ),
  recovery(
    "the names above the folder are not synced",
    "for (const parent of parents) await files.syncFolder(parent);",
    "",
  ),
  recovery(
    "what was found is believed without being written back",
    "await file.write(bytes.subarray(0, Math.max(offset, litterEnd)), 0);",
    "if (litterEnd > offset) await file.write(bytes.subarray(offset, litterEnd), offset);",
  ),
  recovery(
    "what was written back is not synced",
    "Math.max(offset, litterEnd)), 0);\n  await file.sync();",
    "Math.max(offset, litterEnd)), 0);",
  ),
  // What is found is what was written.
  scan(
    "a bad last record is torn, whatever it looks like",
    "header.batch === batch && hasBlankSector(bytes, at, at + size)",
    "header.batch === batch",
  ),
  scan(
    "a torn record is refused",
    "if (header.batch === batch && hasBlankSector(bytes, at, at + size)) break;",
    "",
  ),
  scan(
    "a gap in front of a later batch is taken for the end",
    "if (header === undefined || header.batch === batch) continue;",
    "continue;",
  ),
  frame(
    "the checks are not chained",
    "crc32c(bytes, at, at + 8, previous)",
    "crc32c(bytes, at, at + 8, 0)",
  ),
  frame(
    "a length is believed without a check of its own",
    "if (view.getUint32(at + 12, true) !== headerCrc(bytes, at, sequence, at)) return undefined;",
    "",
  ),
  frame("records of zeros are stored as they are", "if (!isNeeded) return 0;", "return 0;"),
  frame(
    "one byte is enough to keep a sector from being blank",
    "&& ++others === 2) return false",
    "&& ++others === 1) return false",
  ),
  recovery("a torn write is left where it was", "bytes.fill(0, offset, litterEnd);\n", ""),
  recovery(
    "segments are not chained to each other",
    "head.previousCrc === (previous?.crc ?? head.previousCrc)",
    "true",
  ),
  recovery(
    "a shorter file is taken for a whole one",
    "if (head.bytes !== bytes.length) {",
    "if (false) {",
  ),
  recovery(
    "a missing segment goes unnoticed",
    "if (entries === undefined) throw",
    "if (entries === null) throw",
  ),
  recovery(
    "a gap is bridged by the segments before it",
    "while (from > 0 && sequences[from - 1] === (sequences[from] as number) - 1) from--;",
    "from = 0;",
  ),
  replay(
    "an overwritten suffix comes back",
    "if (kept < this.#entries.length) this.#entries.length = kept;",
    "",
  ),
  replay(
    "the commit index may be ahead of the log",
    "commit: Math.min(known, this.shape.last)",
    "commit: known",
  ),
  replay(
    "a leader's snapshot leaves the entries that it disagrees with",
    "if (mark.replaces) {",
    "if (mark.index > this.#offset + this.#entries.length) {",
  ),
  // Order.
  queue(
    "entries are written before the hard state beside them",
    "this.owesHardState ? state.hardState : undefined;\n    if",
    "this.owesHardState && entries.length === 0 ? state.hardState : undefined;\n    if",
  ),
  queue(
    "a second vote in a term is written",
    "const refusal = hardStateRefusal(this.#state.hardState, hardState);",
    "const refusal = undefined;",
  ),
  queue(
    "after a full disk, the refused entries count as written",
    "this.#state = { ...state, shape: state.shape.clone() };\n    this.#writtenHardState = state.hardState;\n    for",
    "for",
  ),
  log(
    "a snapshot is named before it is there",
    "      await writeSnapshot(files, folder, snapshot);\n",
    "      await this.#enqueue([], snapshot);\n      await writeSnapshot(files, folder, snapshot);\n      return;\n",
  ),
  snapshot(
    "a snapshot is not synced",
    "await file.sync();\n    await file.close();",
    "await file.close();",
  ),
  snapshot("the folder of a snapshot is not synced", "  await files.syncFolder(folder);\n", ""),
  snapshot(
    "a snapshot is written in its place",
    "const beside = `${folder}/${name}.tmp`;",
    "const beside = `${folder}/${name}`;",
  ),
  snapshot(
    "the members of a snapshot are not checked",
    "crc32c(header, HEADER_BYTES, header.length, crc32c(header, 0, 20, 0))",
    "0",
  ),
  log(
    "segments go though nothing covers them",
    "shape.neededSegment ?? this.#segment.sequence, this",
    "this",
  ),
  mutant(
    "shape.ts",
    "overwritten entries keep their segment",
    "while (this.#runs.length > 0 && (this.#runs.at(-1) as Run).first >= index) this.#runs.pop();",
    "",
  ),
];
