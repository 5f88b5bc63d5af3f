// What HTTP/1.1 writes in its own way: fields of a response that may not be there, and heads that
// node:http does not write.
import { STATUS_CODES } from "node:http";
import type { ResponseHead } from "../codec.ts";

/** Whether a response of this status never has a body (RFC 9110 §6.4.1). */
export const hasNoBody = (status: number): boolean =>
  status === 204 || status === 304 || status < 200;

/** Fields as they are written; with `isEmpty`, a length of 0 where a body could have been. */
export function sendableHead({ status, fields }: ResponseHead, isEmpty: boolean): string[] {
  const sent = fields.copy();
  // RFC 9110 §8.6: never in 1xx and 204, where some clients would wait for the bytes.
  if (status < 200 || status === 204) sent.remove("content-length");
  else if (isEmpty && status !== 304 && !sent.has("content-length")) {
    sent.append("content-length", "0");
  }
  return sent.flat;
}

/** 103 and its like, and 101, as text in latin1. */
export function informationalMessage({ status, fields }: ResponseHead, connection = ""): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Informational"}\r\n${connection}`;
  fields.forEach((name, value) => {
    if (name !== "content-length") text += `${name}: ${value}\r\n`;
  });
  return `${text}\r\n`;
}
