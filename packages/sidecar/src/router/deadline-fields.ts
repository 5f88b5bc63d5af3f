// Deadlines on the wire. A client that calls by gRPC says how long it will wait (grpc-timeout, gRPC
// over HTTP2, "Requests"); whoever answers later than that works for nobody. So the shorter of that
// and the route's own time holds here, and what is left of it goes with the request: to gRPC in
// grpc-timeout, to everybody in x-envoy-expected-rq-timeout-ms.
import type { RequestHead } from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import type { ForwardAction } from "../config/route-config.ts";
import { isGrpc } from "../match/route-table.ts";

const unitsMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** How long the caller waits; `undefined` when it does not say, or not in gRPC's form. */
export function grpcTimeoutMs(fields: Fields): number | undefined {
  const [, value, unit] = /^(\d{1,8})([HMSmun])$/.exec(fields.get("grpc-timeout") ?? "") ?? [];
  return value === undefined ? undefined : Math.ceil(Number(value) * unitsMs[unit!]!);
}

/** How long a request may take. */
export interface Timeout {
  /** 0: no end. */
  readonly ms: number;
  /** Counted from the request's head, or from its end. */
  readonly from: "head" | "end";
}

/**
 * The time that a request has: the route's from the request's end on, or where the route looks at
 * it the caller's, from its head on and within the route's bound for that. A caller without
 * patience has 1 ms.
 */
export function timeoutOf(
  { timeoutMs, grpcTimeoutMsMax }: Pick<ForwardAction, "timeoutMs" | "grpcTimeoutMsMax">,
  head: RequestHead,
): Timeout {
  if (grpcTimeoutMsMax === undefined || !isGrpc(head)) return { ms: timeoutMs, from: "end" };
  const wished = grpcTimeoutMs(head.fields);
  if (wished === undefined) return { ms: grpcTimeoutMsMax, from: "end" };
  const ms = grpcTimeoutMsMax === 0 ? wished : Math.min(wished, grpcTimeoutMsMax);
  return { ms: Math.max(1, ms), from: "head" };
}

/**
 * Writes what is left of the time into the head that is sent. Where the route does not look at
 * grpc-timeout, the caller's stays as it is: it may be shorter than what is known here.
 */
export function addDeadline(
  head: RequestHead,
  leftMs: number,
  { grpcTimeoutMsMax }: Pick<ForwardAction, "grpcTimeoutMsMax">,
): void {
  const ms = Math.max(1, Math.floor(leftMs));
  head.fields.set("x-envoy-expected-rq-timeout-ms", String(ms));
  if (grpcTimeoutMsMax === undefined || !isGrpc(head)) return;
  head.fields.set("grpc-timeout", grpcTimeout(ms));
}

// At most eight digits.
function grpcTimeout(ms: number): string {
  if (ms < 1e8) return `${ms}m`;
  const seconds = Math.floor(ms / 1_000);
  return seconds < 1e8 ? `${seconds}S` : `${Math.floor(seconds / 3_600)}H`;
}
