// What command operators can speak of: one request and its answer, or one connection. Whoever
// writes headers or access logs fills it in as far as it has come; what is not known is `undefined`
// and comes out as "-" in a line, null in JSON, and nothing in a header.
import type { PeerInfo, RequestHead, ResponseHead } from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";

/** A request as far as it has come. Durations are milliseconds from its first byte. */
export interface FormatContext {
  /** `undefined` for a connection that is no HTTP. */
  readonly request: RequestHead | undefined;
  readonly response: ResponseHead | undefined;
  /** The response's. */
  readonly trailers: Fields | undefined;
  /** The connection from downstream. */
  readonly peer: PeerInfo;
  /** The client, after X-Forwarded-For has been judged. */
  readonly remoteAddress: string;
  /** 0: not known, as when X-Forwarded-For named the client. */
  readonly remotePort: number;
  readonly startedAtWallMs: number;
  /** To the end of the request. */
  readonly requestDurationMs: number | undefined;
  /** To the first byte of the upstream's response. */
  readonly responseDurationMs: number | undefined;
  /** From the response's first byte to its last. */
  readonly responseSendDurationMs: number | undefined;
  /** To the end of everything. */
  readonly durationMs: number | undefined;
  /** Of bodies. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Envoy's letters, "UF,URX"; "": none. */
  readonly responseFlags: string;
  readonly responseCodeDetails: string | undefined;
  readonly connectionTerminationDetails: string | undefined;
  readonly upstreamCluster: string | undefined;
  /** "10.0.0.1:8080". */
  readonly upstreamHost: string | undefined;
  readonly upstreamLocalAddress: string | undefined;
  readonly upstreamTransportFailure: string | undefined;
  /** The first one counts. */
  readonly upstreamAttempts: number;
  readonly routeName: string | undefined;
  readonly traceId: string | undefined;
  /** Of this machine. */
  readonly hostname: string;
}
