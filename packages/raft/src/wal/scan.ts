// Reads one segment from its beginning to where it ends, and decides what the end means (frame.ts
// has the rule). Three things can stand behind the last good record:
//
// - nothing: the rest of the sector is zero. That is the end, or a header whose sector never
//   reached the disk;
// - in the last segment, a record of the batch that was under way, with a blank sector: torn;
// - anything else: rot.
//
// The first two say that what follows was never acknowledged; but only if all of it is of the batch
// that was under way. So what follows is searched for headers of other batches.
import { corrupt } from "./errors.ts";
import {
  applyMask,
  HEADER_BYTES,
  type Header,
  hasBlankSector,
  isBlank,
  nextBatch,
  readHeader,
  recordBytes,
  recordCrc,
  SECTOR_BYTES,
  sectorEnd,
} from "./frame.ts";

/** Takes a record's payload, `bytes[from .. to)`. False if it makes no sense. */
export type Visit = (type: number, bytes: Uint8Array, from: number, to: number) => boolean;

/** Where the good records of a segment end, and what to go on from. */
export interface ScanEnd {
  readonly offset: number;
  readonly crc: number;
  /** The batch that the next record belongs to. */
  readonly batch: number;
  /** Where the bytes end that a torn write left behind; `offset` if there are none. */
  readonly litterEnd: number;
}

/** Throws a WalError "WAL_CORRUPT" on rot. */
export function scanSegment(
  bytes: Uint8Array,
  { name, sequence, isLast }: { name: string; sequence: number; isLast: boolean },
  visit: Visit,
): ScanEnd {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = 0;
  let batch = 1;
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    if (bytes[at + 4] === 0 && isBlank(bytes, at, Math.min(sectorEnd(at), bytes.length))) break;
    const header = readHeader(view, bytes, at, sequence);
    if (header === undefined) throw corrupt("a header is not as it was written", name, at);
    const size = recordBytes(header.length);
    if (at + size > bytes.length) throw corrupt("a record ends behind the file", name, at);
    const found = recordCrc(bytes, at, size, crc);
    if (found !== header.crc) {
      if (header.batch === batch && hasBlankSector(bytes, at, at + size)) break;
      throw corrupt("a record is not as it was written", name, at);
    }
    if (!show(header, bytes, at + HEADER_BYTES, size, visit)) {
      throw corrupt("a record that makes no sense", name, at);
    }
    crc = found;
    batch = header.isLastOfBatch ? nextBatch(header.batch) : header.batch;
    at += size;
  }
  const litterEnd = lastByte(bytes, at);
  if (litterEnd > at) {
    if (!isLast) throw corrupt("a segment goes on behind its end", name, at);
    const end = Math.min(litterEnd, bytes.length - HEADER_BYTES + 1);
    for (let next = at; next < end; next += HEADER_BYTES) {
      const header = bytes[next + 4] === 0 ? undefined : readHeader(view, bytes, next, sequence);
      if (header === undefined || header.batch === batch) continue;
      throw corrupt(`a gap that had been durable: the record at ${next} came later`, name, at);
    }
  }
  return { offset: at, crc, batch, litterEnd };
}

function show(header: Header, bytes: Uint8Array, from: number, size: number, visit: Visit) {
  const { type, length, mask } = header;
  if (mask === 0) return visit(type, bytes, from, from + length);
  const payload = bytes.slice(from, from + size - HEADER_BYTES);
  applyMask(payload, 0, payload.length, mask);
  return visit(type, payload, 0, length);
}

/** Behind the last byte that is not zero; at least `from`. */
function lastByte(bytes: Uint8Array, from: number): number {
  let end = bytes.length;
  // Most of a segment's tail is blank, and read a sector at a time.
  while (end - SECTOR_BYTES >= from && isBlank(bytes, end - SECTOR_BYTES, end)) end -= SECTOR_BYTES;
  while (end > from && bytes[end - 1] === 0) end--;
  return end;
}
