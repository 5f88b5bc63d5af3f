// What stands around every encoding of a sequence.
//
//   0xCD | version | tag | length of the body | body | CRC-32C of all before, 4 bytes
//
// The length refuses every truncation for certain, the check every burst of up to 32 wrong bits.
// The tag keeps an update from being read as a document, and a list from being read as a text.
import { CrdtError } from "../errors.ts";
import { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { crc32c } from "./crc32c.ts";

const MAGIC = 0xcd;
const VERSION = 1;

/** Puts what has been written into a frame. */
export function frame(tag: number, body: ByteWriter): Uint8Array<ArrayBuffer> {
  const head = [MAGIC, VERSION, tag];
  let length = body.length;
  for (; length >= 128; length >>>= 7) head.push((length & 127) | 128);
  head.push(length);
  return body.seal(head, crc32c);
}

/** What a frame says it holds; means nothing before `bodyOf` has found it whole. */
export function tagOf(bytes: Uint8Array): number {
  return bytes[2]!;
}

/** A reader of what is in a frame, or throws. */
export function bodyOf(bytes: Uint8Array): ByteReader {
  const last = bytes.length - 4;
  const reader = new ByteReader(bytes, 0, Math.max(0, last));
  if (last < 4 || reader.byte() !== MAGIC) throw reader.corrupt("this is no frame");
  const low = bytes[last]! | (bytes[last + 1]! << 8) | (bytes[last + 2]! << 16);
  if (crc32c(bytes, 0, last) !== (low | (bytes[last + 3]! << 24)) >>> 0) {
    throw reader.corrupt("the check does not agree");
  }
  const version = reader.byte();
  if (version !== VERSION) throw new CrdtError("CRDT_VERSION", `version ${version} is unknown`);
  reader.byte(); // The tag.
  const length = reader.number();
  if (length !== reader.left) throw reader.corrupt("the length does not agree");
  return reader;
}
