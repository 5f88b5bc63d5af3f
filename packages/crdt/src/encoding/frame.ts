// What stands around every encoding of a sequence.
//
//   0xCD | version | tag | length of the body | body | CRC-32C of all before, 4 bytes
//
// The length refuses every truncation for certain, the check every burst of up to 32 wrong bits. The
// tag keeps an update from being read as a document, and a list from being read as a text.
import { CrdtError } from "../errors.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { crc32c } from "./crc32c.ts";

const MAGIC = 0xcd;
const VERSION = 1;

const framed = new ByteWriter();

/** Puts a body into its frame. */
export function frame(tag: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  framed.reset();
  framed.byte(MAGIC);
  framed.byte(VERSION);
  framed.byte(tag);
  framed.number(body.length);
  framed.bytes(body);
  framed.word(crc32c(framed.view()));
  return framed.take();
}

/** Takes a body out of its frame, or throws. */
export function unframe(bytes: Uint8Array): { readonly tag: number; readonly body: ByteReader } {
  const last = bytes.length - 4;
  const head = new ByteReader(bytes, 0, Math.max(0, last));
  if (last < 4 || head.byte() !== MAGIC) throw head.corrupt("this is no frame");
  const check = bytes[last]! | (bytes[last + 1]! << 8) | (bytes[last + 2]! << 16);
  if (crc32c(bytes, 0, last) !== (check | (bytes[last + 3]! << 24)) >>> 0) {
    throw head.corrupt("the check does not agree");
  }
  const version = head.byte();
  if (version !== VERSION) throw new CrdtError("CRDT_VERSION", `version ${version} is unknown`);
  const tag = head.byte();
  const length = head.number();
  if (length !== head.left) throw head.corrupt("the length does not agree");
  return { tag, body: head.part(length) };
}
