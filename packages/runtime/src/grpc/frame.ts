// A Frame of links.proto: messages that travel together. All that is handed over in one turn, or
// while the last frame is on its way, shares a frame, since what a frame costs grpc-js (promises,
// callbacks, an HTTP/2 frame) is many times what a message of a hundred bytes costs.
//
//     message Frame { repeated bytes data = 1; }        0a | length as a varint | the bytes | …
//
// Encoding copies each message once, into the buffer that grpc-js is given. Decoding copies
// nothing: messages are views of what was received.
//
// Frames come from outside. One is rejected whole if any part of it is wrong; fields that are not
// ours are skipped, as protobuf asks, so that a later version may add some.
import { RuntimeError } from "../error.ts";
import { Cursor, numberBytes, putNumber } from "../varint.ts";

// Field 1, wire type 2: its length follows.
const DATA = 0x0a;

/** What a message costs in a frame beside its bytes, at most: the tag, and the length of 2^30. */
export const ITEM_OVERHEAD_BYTES = 6;

/** How many messages a frame has at most; else each two bytes could claim a hundred. */
export const FRAME_MESSAGES_MAX = 1_024;

/** How many bytes a message takes in a frame. */
export function itemBytes(message: Uint8Array): number {
  return 1 + numberBytes(message.length) + message.length;
}

/** The frame of those messages; `bytes` is the sum of their {@link itemBytes}. */
export function encodeFrame(messages: readonly Uint8Array[], bytes: number): Buffer {
  const frame = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const message of messages) {
    frame[at] = DATA;
    at = putNumber(frame, at + 1, message.length);
    frame.set(message, at);
    at += message.length;
  }
  return frame;
}

/**
 * The messages of a frame, as views of it.
 *
 * @throws RuntimeError `FRAME_TOO_LARGE` when a message is, or there are too many of them;
 * `LINK_BROKEN` when the bytes are no frame
 */
export function decodeFrame(frame: Uint8Array, messageBytesMax: number): Uint8Array[] {
  const messages: Uint8Array[] = [];
  // Not a Buffer, whose `slice` is no copy, where a Uint8Array is promised.
  const bytes = new Uint8Array(frame.buffer, frame.byteOffset, frame.length);
  const cursor = new Cursor(bytes, 0, bytes.length);
  while (cursor.at < cursor.end && !cursor.failed) {
    const tag = cursor.number();
    if (tag !== DATA) {
      skip(cursor, tag);
      continue;
    }
    const length = cursor.number();
    if (length > messageBytesMax) {
      throw tooLarge(`a message of ${length} bytes, at most ${messageBytesMax} are accepted`);
    }
    if (messages.length === FRAME_MESSAGES_MAX) {
      throw tooLarge(`more than ${FRAME_MESSAGES_MAX} messages in a frame`);
    }
    messages.push(cursor.take(length));
  }
  if (cursor.failed) throw new RuntimeError("LINK_BROKEN", "the peer sent bytes that are no frame");
  return messages;
}

// Fields of others: protobuf.dev, "Message Structure".
function skip(cursor: Cursor, tag: number): void {
  const wireType = tag % 8;
  if (tag < 8) cursor.failed = true;
  else if (wireType === 0) skipVarint(cursor);
  else if (wireType === 1) cursor.take(8);
  else if (wireType === 2) cursor.take(cursor.number());
  else if (wireType === 5) cursor.take(4);
  else cursor.failed = true;
}

// A negative number takes ten bytes, more than a cursor's own numbers may.
function skipVarint(cursor: Cursor): void {
  for (let bytes = 0; bytes < 10; bytes++) if (cursor.byte() < 128) return;
  cursor.failed = true;
}

function tooLarge(what: string): RuntimeError {
  return new RuntimeError("FRAME_TOO_LARGE", `the peer sent ${what}`);
}
