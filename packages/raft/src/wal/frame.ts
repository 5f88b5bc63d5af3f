// How a record lies in its file, and how a torn write is told from rot.
//
//   0        4      5       6      8             12            16
//   | length | type | batch | mask | chained CRC | CRC of 0-12 | payload, padded to 16 | …
//              └ top bit: the last record of its batch
//
// Everything is little-endian. Records begin at multiples of 16, so that no header crosses the edge
// of a sector: a crash leaves a header whole or not at all. The chained CRC goes over the first
// eight bytes and the stored payload, and continues from the record before it, across segments: a
// record that is lost, stale or from another log breaks the chain. The header's own CRC begins from
// its place, so that it means nothing anywhere else.
//
// What a crash may leave. The file was zeros before anything was written, and of a write that was
// not synced, any sector of 512 bytes may be missing. etcd's rule (its WAL's decoder, isTornEntry):
// a last record with a bad CRC is torn if the part of it in one of its sectors is all zero, and is
// cut off; else it is rot, and is refused. As it stands, a single flipped byte can still
// make that rule cut off an entry that was acknowledged: in a length, so that the record reaches
// into the zeros behind it, or in a record whose own data are zeros. Here it cannot:
//
// - the length is believed only if the header's own CRC is right;
// - what is stored is the payload XOR a mask, chosen such that no sector's part of a record holds
//   fewer than two bytes other than zero. The mask is nearly always 0;
// - "last" is meant: a batch is written only after the one before it was synced, so everything
//   behind the tear is of the batch that was under way. A record of another one proves that the gap
//   had been durable, and is rot.
import { crc32c } from "@compendium/runtime";

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512;
/** The size of a header, and what records are aligned to. */
export const HEADER_BYTES = 16;
/** The data of the largest entry. The sectors of its record are fewer than there are masks. */
export const ENTRY_BYTES_MAX: number = 2 ** 24;

const LAST_OF_BATCH = 0x80;
const BATCHES = 255;

/** The space that a record takes. */
export function recordBytes(payloadBytes: number): number {
  return HEADER_BYTES + ((payloadBytes + 15) & ~15);
}

/** The batch behind that one: 1 to 255, and 1 again. 0 stands before the first. */
export function nextBatch(batch: number): number {
  return (batch % BATCHES) + 1;
}

/** A header that is as it was written. */
export interface Header {
  readonly length: number;
  readonly type: number;
  readonly batch: number;
  readonly isLastOfBatch: boolean;
  readonly mask: number;
  readonly crc: number;
}

/**
 * Reads the header at `at` of a segment, which `view` and `bytes` both show; undefined if its own
 * CRC is wrong.
 */
export function readHeader(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  sequence: number,
): Header | undefined {
  if (view.getUint32(at + 12, true) !== headerCrc(bytes, at, sequence, at)) return undefined;
  const type = view.getUint8(at + 4);
  return {
    length: view.getUint32(at, true),
    type: type & ~LAST_OF_BATCH,
    batch: view.getUint8(at + 5),
    isLastOfBatch: (type & LAST_OF_BATCH) !== 0,
    mask: view.getUint16(at + 6, true),
    crc: view.getUint32(at + 8, true),
  };
}

function headerCrc(bytes: Uint8Array, at: number, sequence: number, offset: number): number {
  return crc32c(bytes, at, at + 12, (Math.imul(sequence, 0x9e3779b1) ^ offset) >>> 0);
}

/** The chained CRC of the record at `at`, which takes `size` bytes. */
export function recordCrc(bytes: Uint8Array, at: number, size: number, previous: number): number {
  const crc = crc32c(bytes, at, at + 8, previous);
  return crc32c(bytes, at + HEADER_BYTES, at + size, crc);
}

/** XORs the bytes with a mask of two; at even positions with its low byte. */
export function applyMask(bytes: Uint8Array, from: number, to: number, mask: number): void {
  for (let at = from; at < to; at += 2) {
    bytes[at] = (bytes[at] as number) ^ (mask & 255);
    bytes[at + 1] = (bytes[at + 1] as number) ^ (mask >>> 8);
  }
}

/** Whether one of the sectors that the record at [from, to) lies in has nothing of it. */
export function hasBlankSector(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at = sectorEnd(at)) {
    if (isBlank(bytes, at, Math.min(sectorEnd(at), to))) return true;
  }
  return false;
}

export function isBlank(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** Where the sector that `at` lies in ends. */
export function sectorEnd(at: number): number {
  return (at | (SECTOR_BYTES - 1)) + 1;
}

// A mask under which every sector's part of [from, to) has two bytes other than zero. The first
// part needs none: it has the header, whose type and batch are never 0. Each other part rules out
// at most one mask, the one that all its bytes but one are equal to.
function chooseMask(bytes: Uint8Array, from: number, to: number): number {
  let isNeeded = false;
  for (let at = sectorEnd(from); at < to && !isNeeded; at += SECTOR_BYTES) {
    isNeeded = isNearly(bytes, at, Math.min(at + SECTOR_BYTES, to), 0);
  }
  if (!isNeeded) return 0;
  const ruledOut = new Set<number>();
  for (let at = sectorEnd(from); at < to; at += SECTOR_BYTES) {
    const low = majority(bytes[at], bytes[at + 2], bytes[at + 4]);
    const high = majority(bytes[at + 1], bytes[at + 3], bytes[at + 5]);
    const mask = low | (high << 8);
    if (isNearly(bytes, at, Math.min(at + SECTOR_BYTES, to), mask)) ruledOut.add(mask);
  }
  let mask = 1;
  while (ruledOut.has(mask)) mask++;
  return mask;
}

// Whether at most one byte differs from the mask.
function isNearly(bytes: Uint8Array, from: number, to: number, mask: number): boolean {
  let others = 0;
  for (let at = from; at < to; at++) {
    if (bytes[at] !== (at & 1 ? mask >>> 8 : mask & 255) && ++others === 2) return false;
  }
  return true;
}

function majority(a = 0, b = 0, c = 0): number {
  return b === c ? b : a;
}

/**
 * Lays records one behind the other, ready to be written at `offset` of a segment. Where a byte
 * lies in its sector is where it lies in the buffer, modulo 512, so that masks can be chosen here.
 */
export class FrameWriter {
  bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.bytes.buffer);
  #sequence = 0;
  // Where the buffer's first byte would lie in the file; at most a sector before `offset`.
  #origin = 0;
  #start = 0;
  #at = 0;
  #end = 0;
  #batch = 0;
  /** The chained CRC of the last record. */
  crc = 0;

  /** Begins a batch of at most `size` bytes at `offset`, behind a record with that chained CRC. */
  begin(
    place: { sequence: number; offset: number; crc: number; batch: number },
    size: number,
  ): void {
    this.#sequence = place.sequence;
    this.#start = place.offset % SECTOR_BYTES;
    this.#origin = place.offset - this.#start;
    this.#at = this.#start;
    this.#batch = place.batch;
    this.crc = place.crc;
    const needed = this.#start + size;
    if (this.bytes.length < needed || this.bytes.length > Math.max(4 * needed, KEPT_BYTES_MAX)) {
      this.bytes = new Uint8Array(Math.max(needed, KEPT_BYTES));
      this.#view = new DataView(this.bytes.buffer);
    }
  }

  /** Makes room for a payload, and says where in `bytes` it goes. Then `end` is called. */
  open(payloadBytes: number): number {
    const payload = this.#at + HEADER_BYTES;
    this.#end = this.#at + recordBytes(payloadBytes);
    this.bytes.fill(0, payload + payloadBytes, this.#end);
    this.#view.setUint32(this.#at, payloadBytes, true);
    return payload;
  }

  /** The payload is in its place. */
  end(type: number, isLastOfBatch: boolean): void {
    const { bytes } = this;
    const view = this.#view;
    const at = this.#at;
    const end = this.#end;
    const mask = sectorEnd(at) < end ? chooseMask(bytes, at, end) : 0;
    if (mask !== 0) applyMask(bytes, at + HEADER_BYTES, end, mask);
    bytes[at + 4] = isLastOfBatch ? type | LAST_OF_BATCH : type;
    bytes[at + 5] = this.#batch;
    view.setUint16(at + 6, mask, true);
    this.crc = recordCrc(bytes, at, end - at, this.crc);
    view.setUint32(at + 8, this.crc, true);
    view.setUint32(at + 12, headerCrc(bytes, at, this.#sequence, this.#origin + at), true);
    this.#at = end;
  }

  /** What was laid down since `begin`, without a copy. */
  get written(): Uint8Array {
    return this.bytes.subarray(this.#start, this.#at);
  }
}

const KEPT_BYTES = 64 * 1_024;
const KEPT_BYTES_MAX = 2 ** 20;
