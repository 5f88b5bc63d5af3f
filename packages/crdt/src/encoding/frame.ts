// What stands around every encoding here, of a sequence, a state, a tree or a document.
//
//   0xCD | version | tag | length of the body | body | CRC-32C of all before, 4 bytes
//
// The length refuses every truncation for certain, the check every burst of up to 32 wrong bits.
// The tag keeps an update from being read as a document, and a list from being read as a text.
// Version 2 is that of documents that begin at a base (base.ts); all others are of version 1.
import { CrdtError } from "../errors.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { crc32c } from "./crc32c.ts";

const MAGIC = 0xcd;

/** What frames are of. */
export const FrameVersion = { Plain: 1, WithBase: 2 } as const;

const writer = new ByteWriter();

/** Puts what has been written into a frame. */
export function frame(
  tag: number,
  body: ByteWriter,
  version: number = FrameVersion.Plain,
): Uint8Array<ArrayBuffer> {
  body.prependNumber(body.length);
  body.prependByte(tag);
  body.prependByte(version);
  body.prependByte(MAGIC);
  return body.seal(crc32c);
}

/** Puts bytes into a frame. */
export function frameOf(tag: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  writer.reset();
  writer.bytes(body);
  return frame(tag, writer);
}

/** What a frame says it holds; means nothing before `bodyOf` has found it whole. */
export function tagOf(bytes: Uint8Array): number {
  return bytes[2]!;
}

/** The version that a frame says it is of; means nothing before `bodyOf`. */
export function versionOf(bytes: Uint8Array): number {
  return bytes[1]!;
}

/** A reader of what is in a frame of version 1, or up to another one; or throws. */
export function bodyOf(bytes: Uint8Array, versionMax: number = FrameVersion.Plain): ByteReader {
  const to = bytes.length - 4;
  const body = new ByteReader(bytes, 0, Math.max(0, to));
  if (to < 4 || body.byte() !== MAGIC) throw body.corrupt("this is no frame");
  const low = bytes[to]! | (bytes[to + 1]! << 8) | (bytes[to + 2]! << 16);
  if (crc32c(bytes, 0, to) !== (low | (bytes[to + 3]! << 24)) >>> 0) {
    throw body.corrupt("the check does not agree");
  }
  const version = body.byte();
  if (version === 0 || version > versionMax) {
    throw new CrdtError("CRDT_VERSION", `version ${version} is unknown`);
  }
  body.byte(); // The tag.
  if (body.number() !== body.left) throw body.corrupt("the length does not agree");
  return body;
}
