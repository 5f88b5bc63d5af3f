// What stands around every encoding here, of a sequence, a state, a tree or a document.
//
//   0xCD | version | tag | length of the body | body | CRC-32C of all before, 4 bytes
//
// The length refuses every truncation for certain, the check every burst of up to 32 wrong bits.
// The tag keeps an update from being read as a document, and a list from being read as a text.
// Version 2 is that of documents that begin at a base (base.ts); all others are of version 1.
import { CrdtError } from "../errors.ts";
import { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { crc32c } from "./crc32c.ts";

const MAGIC = 0xcd;

/** What frames are of. */
export const FrameVersion = { Plain: 1, WithBase: 2 } as const;

/** Puts what has been written into a frame. */
export function frame(
  tag: number,
  body: ByteWriter,
  version: number = FrameVersion.Plain,
): Uint8Array<ArrayBuffer> {
  return body.seal(headOf(tag, body.length, version), crc32c);
}

/** Puts bytes into a frame. */
export function frameOf(tag: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = headOf(tag, body.length, FrameVersion.Plain);
  const end = head.length + body.length;
  const bytes = new Uint8Array(end + 4);
  bytes.set(head);
  bytes.set(body, head.length);
  const check = crc32c(bytes, 0, end);
  for (let i = 0; i < 4; i++) bytes[end + i] = check >>> (8 * i);
  return bytes;
}

function headOf(tag: number, length: number, version: number): number[] {
  const head = [MAGIC, version, tag];
  let rest = length;
  for (; rest >= 128; rest >>>= 7) head.push((rest & 127) | 128);
  head.push(rest);
  return head;
}

/** What a frame says it holds; means nothing before `bodyOf` has found it whole. */
export function tagOf(bytes: Uint8Array): number {
  return bytes[2]!;
}

/** Where the body of a frame is, once all of the frame is found to be as it was written. */
export interface Opened {
  readonly version: number;
  readonly tag: number;
  readonly from: number;
  readonly to: number;
}

/** Opens a frame of version 1, or up to another one, or throws. */
export function openFrame(bytes: Uint8Array, versionMax: number = FrameVersion.Plain): Opened {
  const to = bytes.length - 4;
  const reader = new ByteReader(bytes, 0, Math.max(0, to));
  if (to < 4 || reader.byte() !== MAGIC) throw reader.corrupt("this is no frame");
  const low = bytes[to]! | (bytes[to + 1]! << 8) | (bytes[to + 2]! << 16);
  if (crc32c(bytes, 0, to) !== (low | (bytes[to + 3]! << 24)) >>> 0) {
    throw reader.corrupt("the check does not agree");
  }
  const version = reader.byte();
  if (version === 0 || version > versionMax) {
    throw new CrdtError("CRDT_VERSION", `version ${version} is unknown`);
  }
  const tag = reader.byte();
  const length = reader.number();
  if (length !== reader.left) throw reader.corrupt("the length does not agree");
  return { version, tag, from: reader.position, to };
}

/** A reader of what is in a frame, or throws. */
export function bodyOf(bytes: Uint8Array): ByteReader {
  const { from, to } = openFrame(bytes);
  return new ByteReader(bytes, from, to);
}
