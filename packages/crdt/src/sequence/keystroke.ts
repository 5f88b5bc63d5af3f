// The commonest update of all: somebody types on. One run of one agent, whose parent is the
// operation that the same agent did last, and here that is the last of all. Nine updates in ten
// are such a one, and it is worth a way of its own: the same bytes, but written and read without
// filling a column, and applied without a mark to come back to, since all that can be wrong with
// it is one position, and without a list of splices, since it is one.
//
// Whatever is not quite like that is left, unread, to the long way (update.ts).
import type { ByteReader } from "../encoding/byte-reader.ts";
import type { ByteWriter } from "../encoding/byte-writer.ts";
import { readAgent } from "../encoding/runs.ts";
import { Kind } from "./operation-log.ts";
import type { History } from "./update.ts";

/** Writes the operations from one LV up to another, if they are one run; else writes nothing. */
export function writeKeystroke(
  writer: ByteWriter,
  { graph, log, content }: History,
  from: number,
  to: number,
): boolean {
  const run = graph.runOf(from);
  const operation = log.runFrom(from);
  const skipped = from - log.lv(operation);
  const isOne = skipped >= 0 && log.lv(operation) + log.count(operation) >= to;
  if (!isOne || from === graph.runStart(run) || to > graph.runEnd(run)) return false;
  const seq = graph.runSeq(run) + from - graph.runStart(run);
  const count = to - from;
  const kind = log.kindWithin(operation, count);
  // runs.ts: one agent, one run; its parent is its own operation before.
  writer.number(1);
  writer.ascii(graph.agents[graph.runAgent(run)]!);
  writer.number(1);
  writer.number(0);
  writer.signed(seq);
  writer.number(count);
  writer.number(2);
  writer.number(0);
  writer.signed(-seq);
  // operations.ts: none of another container, one run.
  writer.number(0);
  writer.number(1);
  writer.number((count - 1) * 3 + kind);
  writer.signed(log.positionWithin(operation, skipped));
  if (kind === Kind.Insert) content.write(writer, [log.content(operation) + skipped, count]);
  return true;
}

/** Reads, adds and applies such an update; of another one reads nothing, and returns false. */
export function takeKeystroke({ graph, log, content }: History, reader: ByteReader): boolean {
  const start = reader.position;
  if (reader.number() === 1) {
    const agent = graph.findAgent(readAgent(reader));
    const isTypingOn = reader.number() === 1 && reader.number() === 0 && graph.isLast(agent);
    if (isTypingOn && reader.signed() === graph.nextSeqs[agent]) {
      const count = reader.number();
      const seq = graph.nextSeqs[agent]!;
      const isOwnParent =
        reader.number() === 2 && reader.number() === 0 && reader.signed() === -seq;
      const isOne = reader.number() === 0 && reader.number() === 1;
      const shape = reader.number();
      const kind = shape % 3;
      const position = reader.signed();
      const end = kind === Kind.Insert ? position : position + count;
      const isThere = position >= 0 && end <= content.length && kind !== Kind.Backspace;
      if (isOwnParent && isOne && isThere && count > 0 && shape === (count - 1) * 3 + kind) {
        apply({ graph, log, content }, reader, { agent, kind, position, count });
        return true;
      }
    }
  }
  reader.position = start;
  return false;
}

function apply(
  { graph, log, content }: History,
  reader: ByteReader,
  {
    agent,
    kind,
    position,
    count,
  }: Readonly<Record<"agent" | "kind" | "position" | "count", number>>,
): void {
  if (kind === Kind.Insert) {
    const from = log.inserted;
    content.read(reader, count);
    reader.finish();
    log.insert(graph.addLocal(agent, count), position, count);
    content.insert(position, from, count);
  } else {
    reader.finish();
    log.delete(graph.addLocal(agent, count), position, count);
    content.remove(position, count);
  }
}
