// What is said on a link of purpose "snapshot", by the sender:
//
//   offer      5 | transfer | total | CRC of all | chunk | message without its data (codec.ts)
//   chunk      7 | CRC of all up to its end | data
//
// and by the receiver:
//
//   have       6 | how many bytes of it are here
//   delivered  8
//
// The check of a chunk goes on from that of the chunk before it, so that one pass over the data
// checks each chunk, its place, and with the last one the whole.

import { Cursor, numberBytes, putNumber } from "@compendium/runtime/varint";
import type { Message, Snapshot } from "../core/message.ts";
import { messageBytes, putMessage, takeMessage } from "./codec.ts";
import { CHUNK, HAVE, malformed, OFFER } from "./hello.ts";

/** A message of type "snapshot". */
export type SnapshotMessage = Message & { readonly snapshot: Snapshot };

/** What a sender has to send. */
export interface Offer {
  /** Drawn for each snapshot that is sent: what has been delivered is not delivered again. */
  readonly transfer: number;
  /** The length of the data. */
  readonly total: number;
  /** The CRC-32C of the data. */
  readonly crc: number;
  /** The length of each chunk but the last. */
  readonly chunkBytes: number;
  /** The message, its data left out. */
  readonly message: SnapshotMessage;
}

const CHUNK_HEAD_BYTES = 5;

/** An offer as a frame. */
export function encodeOffer({ transfer, total, crc, chunkBytes, message }: Offer): Uint8Array {
  const numbers = [transfer, total, crc, chunkBytes];
  const bytes = numbers.reduce((sum, value) => sum + numberBytes(value), 1);
  const frame = new Uint8Array(bytes + messageBytes(message));
  frame[0] = OFFER;
  let at = 1;
  for (const value of numbers) at = putNumber(frame, at, value);
  putMessage(frame, at, message);
  return frame;
}

/** Reads an offer. @throws RaftError `RAFT_MALFORMED` */
export function decodeOffer(frame: Uint8Array): Offer {
  const cursor = new Cursor(frame, 0, frame.length);
  const isOffer = cursor.byte() === OFFER;
  const [transfer, total, crc] = [cursor.number(), cursor.number(), cursor.number()];
  const chunkBytes = cursor.number();
  const message = takeMessage(cursor);
  const isWhole = isOffer && cursor.isDone && crc < 2 ** 32 && chunkBytes > 0;
  if (!isWhole || message?.snapshot === undefined || message.snapshot.data.length > 0) {
    throw malformed("offer of a snapshot");
  }
  return { transfer, total, crc, chunkBytes, message: message as SnapshotMessage };
}

/** A chunk as a frame: a copy of `data[from .. to)`. */
export function encodeChunk(data: Uint8Array, from: number, to: number, crc: number): Uint8Array {
  const frame = new Uint8Array(CHUNK_HEAD_BYTES + to - from);
  frame[0] = CHUNK;
  new DataView(frame.buffer).setUint32(1, crc, true);
  frame.set(data.subarray(from, to), CHUNK_HEAD_BYTES);
  return frame;
}

/** Reads a chunk; its data are a view of the frame. @throws RaftError `RAFT_MALFORMED` */
export function decodeChunk(frame: Uint8Array): { crc: number; data: Uint8Array } {
  const cursor = new Cursor(frame, 0, frame.length);
  const isChunk = cursor.byte() === CHUNK;
  const crc = cursor.word();
  if (!isChunk || cursor.failed) throw malformed("chunk of a snapshot");
  return { crc, data: cursor.rest() };
}

/** How much is there, as a frame. */
export function encodeHave(bytes: number): Uint8Array {
  const frame = new Uint8Array(1 + numberBytes(bytes));
  frame[0] = HAVE;
  putNumber(frame, 1, bytes);
  return frame;
}

/** Reads how much is there. @throws RaftError `RAFT_MALFORMED` */
export function decodeHave(frame: Uint8Array): number {
  const cursor = new Cursor(frame, 0, frame.length);
  const isHave = cursor.byte() === HAVE;
  const bytes = cursor.number();
  if (!isHave || !cursor.isDone) throw malformed("count of bytes that are there");
  return bytes;
}

/** Whether the receiver's parts of these two belong together, whoever sends them. */
export function isSame(a: Offer, b: Offer): boolean {
  const [left, right] = [a.message.snapshot, b.message.snapshot];
  return (
    a.crc === b.crc &&
    a.total === b.total &&
    a.chunkBytes === b.chunkBytes &&
    left.index === right.index &&
    left.term === right.term
  );
}
