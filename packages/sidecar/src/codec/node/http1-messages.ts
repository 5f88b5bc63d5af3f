// What HTTP/1.1 writes in its own way: fields of a response that may not be there, and heads that
// node:http does not write.
import { type OutgoingMessage, STATUS_CODES } from "node:http";
import type { ResponseHead } from "../codec.ts";
import type { Fields } from "../fields.ts";

/** Whether a response of this status never has a body (RFC 9110 §6.4.1). */
export const hasNoBody = (status: number): boolean =>
  status === 204 || status === 304 || status < 200;

/** What a response is written for. */
export interface ResponsePlace {
  /** There is no body, though there could be: its length is 0. */
  readonly isEmpty: boolean;
  /** Trailers come behind chunks alone (RFC 9112 §7.1.2), and this client takes them. */
  readonly mayBeChunked: boolean;
}

/** Fields as they are written: a copy where they differ from what they were. */
export function sendableHead(
  { status, fields }: ResponseHead,
  { isEmpty, mayBeChunked }: ResponsePlace,
): Fields {
  const hasLength = fields.has("content-length");
  // Of trailers that cannot follow node would make an error.
  const hasTrailers = (hasLength || !mayBeChunked) && fields.has("trailer");
  // RFC 9110 §8.6: never in 1xx and 204, where some clients would wait for the bytes.
  const mayHaveLength = status >= 200 && status !== 204;
  const lacksLength = isEmpty && mayHaveLength && status !== 304 && !hasLength;
  if (!hasTrailers && !lacksLength && (mayHaveLength || !hasLength)) return fields;
  const sent = fields.copy();
  if (hasTrailers) sent.remove("trailer");
  if (!mayHaveLength) sent.remove("content-length");
  if (lacksLength) sent.append("content-length", "0");
  return sent;
}

/**
 * Lets a head leave whose body is still to come. `flushHeaders` would write it in UTF-8, and make
 * two characters of each byte above 0x7f; nothing at all, written in latin1, brings it along as it
 * is.
 */
export const flushHead = (message: OutgoingMessage): void => void message.write("", "latin1");

/** Does so at the end of this turn, unless the body has begun by then and brings the head along. */
export function flushHeadSoon(stream: { flushHead(): void }): void {
  process.nextTick(flushHeadOf, stream);
}

const flushHeadOf = (stream: { flushHead(): void }): void => stream.flushHead();

// Below this, node writes a head and a text behind it from its stack.
const joinedBytesMax = 8_192;

/**
 * Ends a message with its last bytes. Where they are few and follow a head that has not left, they
 * go as text: node puts texts together into one write, and bytes next to each other into a vector,
 * which is a tenth of what a small response costs.
 */
export function endWith(message: OutgoingMessage, chunk: Uint8Array): void {
  if (chunk.length === 0) message.end();
  else if (chunk.length > joinedBytesMax) message.end(chunk);
  else {
    const { buffer, byteOffset, length } = chunk;
    message.end(Buffer.from(buffer, byteOffset, length).toString("latin1"), "latin1");
  }
}

/** 103 and its like, and 101, as text in latin1. */
export function informationalMessage({ status, fields }: ResponseHead, connection = ""): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Informational"}\r\n${connection}`;
  fields.forEach((name, value) => {
    if (name !== "content-length") text += `${name}: ${value}\r\n`;
  });
  return `${text}\r\n`;
}
