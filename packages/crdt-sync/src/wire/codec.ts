// Parts and messages as bytes.
//
//   message   0xC5 | version | part | part | … | CRC-32C of all before, 4 bytes
//   part      number of its type | its fields
//
// A message is decoded as a whole before anything of it is done.
import { crc32c } from "@compendium/runtime";
import { Writers } from "../core/writers.ts";
import { CODES, CrdtSyncError, type CrdtSyncErrorCode } from "../errors.ts";
import { Reader, Writer } from "./bytes.ts";
import { type Limits, MEMBERS_MAX, NAME_BYTES_MAX } from "./limits.ts";
import type { Part, PresenceEntry, Row } from "./part.ts";
import { readAgent, readVersion, writeVersion } from "./version.ts";
import { wordAt } from "./word.ts";

const MAGIC = 0xc5;
const VERSION = 1;
/** What a message has besides its parts. */
export const MESSAGE_OVERHEAD_BYTES = 6;
/** What a piece has besides its bytes, at most. */
export const PIECE_OVERHEAD_BYTES = 20;

const TYPES: readonly Part["type"][] = [
  "hello",
  "open",
  "close",
  "update",
  "ack",
  "check",
  "rows",
  "presence",
  "refuse",
  "piece",
  "ping",
  "deny",
];
const NONCE = /^[0-9a-f]{16}$/;
const DIGEST = /^[0-9a-f]{32}$/;
const KIND = /^[!-~]{1,32}$/;
const CHANNEL_MAX = 2 ** 32;
const REASON_BYTES_MAX = 512;

/** The message of those parts. */
export function encodeMessage(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = parts.reduce((sum, part) => sum + part.length, MESSAGE_OVERHEAD_BYTES);
  const message = new Uint8Array(bytes);
  message.set([MAGIC, VERSION]);
  let at = 2;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  const check = crc32c(message, 0, at);
  for (let shift = 0; shift < 32; shift += 8) message[at++] = check >>> shift;
  return message;
}

/**
 * The parts of a message.
 *
 * @throws CrdtSyncError `SYNC_CORRUPT`, `SYNC_VERSION`, `SYNC_TOO_LARGE`
 */
export function decodeMessage(message: Uint8Array, limits: Limits): Part[] {
  const { length } = message;
  if (length > limits.messageBytesMax) {
    const { messageBytesMax } = limits;
    throw new CrdtSyncError("SYNC_TOO_LARGE", `${length} bytes, at most ${messageBytesMax}`);
  }
  if (length < MESSAGE_OVERHEAD_BYTES || message[0] !== MAGIC) {
    throw new CrdtSyncError("SYNC_CORRUPT", "that is no message");
  }
  if (crc32c(message, 0, length - 4) !== wordAt(message, length - 4) >>> 0) {
    throw new CrdtSyncError("SYNC_CORRUPT", "the check of a message does not agree");
  }
  if (message[1] !== VERSION) {
    throw new CrdtSyncError("SYNC_VERSION", `version ${message[1]} is unknown`);
  }
  const reader = new Reader(message.subarray(2, length - 4));
  const parts: Part[] = [];
  while (reader.left > 0) parts.push(readPart(reader, limits));
  return parts;
}

/** One part as bytes. */
export function encodePart(part: Part): Uint8Array<ArrayBuffer> {
  const to = new Writer().number(TYPES.indexOf(part.type));
  if ("channel" in part) to.number(part.channel);
  writeFields(to, part);
  return to.done();
}

/** The part that was sent in pieces. */
export function decodePart(bytes: Uint8Array, limits: Limits): Part {
  const reader = new Reader(bytes);
  const part = readPart(reader, limits);
  reader.finish();
  if (part.type === "piece") throw reader.corrupt("a piece of a piece");
  return part;
}

function writeFields(to: Writer, part: Part): void {
  switch (part.type) {
    case "hello":
      to.string(part.name).string(part.session);
      break;
    case "open":
      to.string(part.document).string(part.kind).string(part.agent);
      writeVersion(to, part.version);
      part.writers.write(to);
      break;
    case "update":
      to.number(part.number);
      writeVersion(to, part.version);
      part.writers.write(to);
      to.blob(part.bytes);
      break;
    case "ack":
      to.number(part.number).number(part.isWhole ? 1 : 0);
      break;
    case "check":
      to.string(part.digest);
      break;
    case "rows":
      to.number(part.rows.length);
      for (const { member, version } of part.rows) writeVersion(to.string(member), version);
      break;
    case "presence":
      to.number(part.entries.length);
      for (const { session, counter, state } of part.entries) {
        to.string(session)
          .number(counter)
          .string(state ?? "");
      }
      break;
    case "refuse":
      to.number(CODES.indexOf(part.code)).string(shortened(part.message));
      break;
    case "piece":
      to.number(part.total).number(part.offset).blob(part.bytes).word(part.check);
      break;
    case "deny":
      to.string(part.document).string(shortened(part.message));
      break;
    case "close":
    case "ping":
      break;
  }
}

function readPart(from: Reader, limits: Limits): Part {
  const type = TYPES[from.number(0, TYPES.length - 1)] as Part["type"];
  const channel = (): number => from.number(0, CHANNEL_MAX);
  switch (type) {
    case "hello":
      return { type, name: readAgent(from), session: matching(from, NONCE) };
    case "open":
      return {
        type,
        channel: channel(),
        document: readName(from),
        kind: matching(from, KIND),
        agent: readAgent(from),
        version: readVersion(from),
        writers: Writers.read(from),
      };
    case "update":
      return {
        type,
        channel: channel(),
        number: from.number(1),
        version: readVersion(from),
        writers: Writers.read(from),
        bytes: from.blob(),
      };
    case "ack":
      return {
        type,
        channel: channel(),
        number: from.number(1),
        isWhole: from.number(0, 1) === 1,
      };
    case "check":
      return { type, channel: channel(), digest: matching(from, DIGEST) };
    case "rows":
      return { type, channel: channel(), rows: readRows(from) };
    case "presence":
      return { type, channel: channel(), entries: readPresences(from, limits) };
    case "refuse":
      return { type, channel: channel(), code: readCode(from), message: from.string(1_024) };
    case "piece":
      return {
        type,
        total: from.number(1, limits.partBytesMax),
        offset: from.number(),
        bytes: from.blob(),
        check: from.word(),
      };
    case "close":
      return { type, channel: channel() };
    case "ping":
      return { type };
    case "deny":
      return { type, document: readName(from), message: from.string(1_024) };
  }
}

function readName(from: Reader): string {
  const name = from.string(NAME_BYTES_MAX);
  if (name === "") throw from.corrupt("a document without a name");
  return name;
}

function readCode(from: Reader): CrdtSyncErrorCode {
  return CODES[from.number(0, CODES.length - 1)] as CrdtSyncErrorCode;
}

function readRows(from: Reader): Row[] {
  return Array.from({ length: from.count(2, MEMBERS_MAX) }, () => {
    return { member: readAgent(from), version: readVersion(from) };
  });
}

function readPresences(from: Reader, limits: Limits): PresenceEntry[] {
  return Array.from({ length: from.count(19, limits.presencesMax) }, () => {
    const session = matching(from, NONCE);
    const counter = from.number(1, Number.MAX_SAFE_INTEGER - 1);
    const state = from.string(limits.presenceBytesMax);
    if (state === "") return { session, counter, state: undefined };
    try {
      JSON.parse(state);
    } catch (cause) {
      throw new CrdtSyncError("SYNC_CORRUPT", "a presence is no JSON", { cause });
    }
    return { session, counter, state };
  });
}

function matching(from: Reader, pattern: RegExp): string {
  const value = from.string(64);
  if (!pattern.test(value)) throw from.corrupt(`${JSON.stringify(value)} is not ${pattern}`);
  return value;
}

// Not in the middle of a character: what is left is checked as UTF-8 by whoever reads it.
function shortened(message: string): string {
  return message.slice(0, REASON_BYTES_MAX / 4).toWellFormed();
}
