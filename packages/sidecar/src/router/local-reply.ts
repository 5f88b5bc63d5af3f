// Answers that the proxy gives itself. To a gRPC call an error is a response of status 200 whose
// grpc-status tells (the mapping: grpc/doc/http-grpc-status-mapping.md); a page of 503 would be no
// answer to it.
import { STATUS_CODES } from "node:http";
import type { RequestHead } from "../codec/codec.ts";
import { Fields } from "../codec/fields.ts";
import type { ResponseSink } from "../filters/http-filter.ts";
import { isGrpc } from "../match/route-table.ts";
import type { ResponseFlag } from "./response-flags.ts";

/** An answer from here. */
export interface LocalReply {
  readonly status: number;
  /** For people: plain text, without anything a client sent. */
  readonly text: string;
  /** Sent as it is, with `fields` alone to say what it is, in place of the text. */
  readonly body?: Uint8Array;
  /** Besides those that every answer has. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
  /** Where the mapping from `status` would lose it. */
  readonly grpcStatus?: number;
  /** Why, for the access log: Envoy's letters. */
  readonly flag?: ResponseFlag;
  /** Why, in Envoy's words: "rbac_access_denied". */
  readonly details?: string;
}

/** Sends it, in the request's own language. */
export function sendLocalReply(sink: ResponseSink, head: RequestHead, reply: LocalReply): void {
  const send = (status: number, flat: string[], end: boolean): void =>
    sink.sendHead({ status, fields: new Fields(flat) }, end);
  const more = (reply.fields ?? []).flat();
  if (isGrpc(head)) {
    const grpcStatus = reply.grpcStatus ?? grpcStatuses.get(reply.status) ?? 2;
    const fields = ["content-type", "application/grpc", "grpc-status", String(grpcStatus)];
    fields.push("grpc-message", encodeURIComponent(reply.text), ...more);
    send(200, fields, true);
    return;
  }
  const text = reply.text || (STATUS_CODES[reply.status] ?? "");
  const body = reply.body ?? Buffer.from(`${text}\n`);
  const fields = ["content-length", String(body.length), ...more];
  if (reply.body === undefined) fields.push("content-type", "text/plain");
  const isHeadOnly = head.method === "HEAD" || body.length === 0;
  send(reply.status, fields, isHeadOnly);
  if (!isHeadOnly) sink.sendData(body, true);
}

const grpcStatuses: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
]);
