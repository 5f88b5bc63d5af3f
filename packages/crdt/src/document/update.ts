// Updates and whole documents as bytes. An update is some changes, and for each container that they
// touch what they did to it, in the container's own encoding: changes that go together share one
// header, and a text's keystrokes stay runs.
//
//   runs        the changes, and on which they depend (encoding/runs.ts)
//   containers  how many; then for each, in the order of their names:
//     name, type
//     rows      of each run of changes: how many of them touched the container, and for each its
//               number and how many operations of its agent the container has after it
//     length    of the encoding, and the encoding
//
// A document has the same form: its update is everything, and its encodings are whole. If it was
// compacted, its frame is of version 2: it begins with the base (encoding/base.ts), and the rows of
// each container with one number for each agent of the base: 0 if none of its changes touched the
// container, else one more than it has operations there.
import type { Base } from "../causal/base.ts";
import type { CausalGraph } from "../causal/causal-graph.ts";
import { readBase, writeBase } from "../encoding/base.ts";
import type { ByteReader } from "../encoding/byte-reader.ts";
import { ByteWriter } from "../encoding/byte-writer.ts";
import { bodyOf, FrameVersion, frame, tagOf, versionOf } from "../encoding/frame.ts";
import { OPERATIONS_MAX, type Runs, readRuns, writeRuns } from "../encoding/runs.ts";
import { CrdtError } from "../errors.ts";
import type { Row } from "./counts.ts";
import type { Slot } from "./slot.ts";

/** What frames are tagged with. */
export const Tag = { Update: 0xd0, Document: 0xd1 } as const;

/** How many bytes the name of a container may have. */
export const NAME_BYTES_MAX = 255;

/** What an update says of one container. */
export interface Part {
  readonly slot: Slot;
  /** By agent, those of the update's changes that touch the container. */
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  readonly bytes: Uint8Array;
}

/** Changes, as ascending LVs: from, to, from, to. */
export type Ranges = readonly number[];

/** Writes changes with what they did to these containers. */
export function writeUpdate(
  tag: number,
  graph: CausalGraph,
  ranges: Ranges,
  slots: Iterable<Slot>,
  encode: (slot: Slot) => Uint8Array,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  const base = tag === Tag.Document ? graph.base : undefined;
  if (base !== undefined) writeBase(writer, base);
  writeRuns(writer, graph, ranges);
  const touched = [...slots].filter((slot) => {
    return !isSpared(slot, graph, ranges) || (base !== undefined && isInBase(slot, base));
  });
  writer.number(touched.length);
  for (const slot of touched) {
    writer.string(slot.name);
    writer.byte(slot.tag);
    for (const [agent, count] of base?.version ?? []) {
      const row = slot.counts.rows(agent, count - 1, count)[0];
      writer.number(row === undefined ? 0 : row.count + 1);
    }
    forEachRun(graph, ranges, (agent, from, to) => {
      const rows = slot.counts.rows(agent, from, to);
      writer.number(rows.length);
      for (let i = 0, seq = from, count = 0; i < rows.length; i++) {
        writer.number(rows[i]!.seq - seq);
        writer.number(rows[i]!.count - count);
        ({ seq, count } = rows[i]!);
      }
    });
    const bytes = encode(slot);
    writer.number(bytes.length);
    writer.bytes(bytes);
  }
  return frame(tag, writer, base === undefined ? FrameVersion.Plain : FrameVersion.WithBase);
}

function isInBase({ counts }: Slot, { version }: Base): boolean {
  for (const [agent, count] of version) {
    if (counts.rows(agent, count - 1, count).length > 0) return true;
  }
  return false;
}

function isSpared(slot: Slot, graph: CausalGraph, ranges: Ranges): boolean {
  let isTouched = false;
  forEachRun(graph, ranges, (agent, from, to) => {
    isTouched ||= slot.counts.rows(agent, from, to).length > 0;
  });
  return !isTouched;
}

// In the pieces in which `writeRuns` writes them.
function forEachRun(
  graph: CausalGraph,
  ranges: Ranges,
  visit: (agent: string, from: number, to: number) => void,
): void {
  for (let i = 0; i < ranges.length; i += 2) {
    for (let lv = ranges[i]!, to = ranges[i + 1]!; lv < to; ) {
      const run = graph.runOf(lv);
      const end = Math.min(to, graph.runEnd(run));
      const seq = graph.seqOf(lv);
      visit(graph.agents[graph.runAgent(run)]!, seq, seq + end - lv);
      lv = end;
    }
  }
}

/** The changes of an update; good until other runs are read. */
export interface Read {
  readonly tag: number;
  readonly base: Base | undefined;
  readonly runs: Runs;
  readonly parts: readonly Part[];
}

/**
 * Reads an update or a document, but not yet what it says of each container.
 *
 * @throws CrdtError `CRDT_KIND` for a container that this document does not have, or has as another
 *   type; the message names it
 */
export function readUpdate(bytes: Uint8Array, slots: ReadonlyMap<string, Slot>): Read {
  const body = bodyOf(bytes, FrameVersion.WithBase);
  const tag = tagOf(bytes);
  if (tag !== Tag.Update && tag !== Tag.Document) {
    throw new CrdtError("CRDT_KIND", `expected a document or an update of one, got tag ${tag}`);
  }
  const hasBase = versionOf(bytes) === FrameVersion.WithBase;
  if (hasBase && tag !== Tag.Document) throw body.corrupt("an update with a base");
  const base = hasBase ? readBase(body) : undefined;
  const runs = readRuns(body);
  const parts: Part[] = [];
  let last = "";
  for (let left = body.count(3); left > 0; left--) {
    const name = body.string(NAME_BYTES_MAX);
    if (parts.length > 0 && name <= last) throw body.corrupt("containers out of order");
    const slot = slotFor(name, body.byte(), slots);
    const rows = readRows(body, runs, base);
    parts.push({ slot, rows, bytes: body.bytes(body.number()) });
    last = name;
  }
  body.finish();
  return { tag, base, runs, parts };
}

function slotFor(name: string, tag: number, slots: ReadonlyMap<string, Slot>): Slot {
  const slot = slots.get(name);
  if (slot === undefined) {
    throw new CrdtError("CRDT_KIND", `the schema has no container ${JSON.stringify(name)}`);
  }
  if (slot.tag !== tag) {
    throw new CrdtError(
      "CRDT_KIND",
      `container ${JSON.stringify(name)} is of type ${slot.tag} here, and of type ${tag} there`,
    );
  }
  return slot;
}

function readRows(body: ByteReader, runs: Runs, base: Base | undefined): Map<string, Row[]> {
  const rows = new Map<string, Row[]>();
  for (const [agent, end] of base?.version ?? []) {
    body.charge(10); // What the number's one byte pays for.
    const field = body.number(OPERATIONS_MAX + 1);
    if (field > 0) rows.set(agent, [{ seq: end - 1, count: field - 1 }]);
  }
  for (let run = 0; run < runs.length; run++) {
    const agent = runs.agents[runs.agentOf.data[run]!]!;
    let seq = runs.seqs.data[run]!;
    const end = seq + runs.counts.data[run]!;
    let count = 0;
    for (let left = body.count(2), isFirst = true; left > 0; left--, isFirst = false) {
      body.charge(16);
      const step = body.number();
      seq += step;
      count += body.number();
      if ((step === 0 && !isFirst) || seq >= end) throw body.corrupt("a change that is not there");
      const of = rows.get(agent);
      if (of === undefined) rows.set(agent, [{ seq, count }]);
      else of.push({ seq, count });
    }
  }
  return rows;
}
