// Envoy's command operators that this proxy knows: what stands between two percent signs in a
// header's value or a line of the access log. Each becomes a function once; an operator that is not
// here is refused when the document is read, not found out about when a line has "-" in it.
//
// https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
import { isIPv6 } from "node:net";
import type { FormatContext } from "./format-context.ts";

/** What an operator says: a number stays one in JSON. */
export type Operator = (context: FormatContext) => string | number | undefined;

const hostPort = (address: string, port: number): string => {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
};

const protocols = { "http/1.0": "HTTP/1.0", "http/1.1": "HTTP/1.1", h2: "HTTP/2" } as const;

// As Envoy has them: what is not yet a millisecond is 0.
const whole = (ms: number | undefined): number | undefined => {
  return ms === undefined ? undefined : Math.trunc(ms);
};

const listed = (names: readonly string[] | undefined): string | undefined => {
  return names === undefined || names.length === 0 ? undefined : names.join(",");
};

// As in Envoy. OpenSSL ends its messages with a line's end: it would end the line of a log, and no
// header can hold it.
const inOneWord = (text: string | undefined): string | undefined => {
  return text?.trim().replace(/\s+/g, "_");
};

/** Operators without an argument. */
export const operators: Readonly<Record<string, Operator>> = {
  BYTES_RECEIVED: (c) => c.bytesReceived,
  BYTES_SENT: (c) => c.bytesSent,
  CONNECTION_TERMINATION_DETAILS: (c) => inOneWord(c.connectionTerminationDetails),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: (c) => hostPort(c.peer.remoteAddress, c.peer.remotePort),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: (c) => c.peer.remoteAddress,
  DOWNSTREAM_DIRECT_REMOTE_PORT: (c) => c.peer.remotePort,
  DOWNSTREAM_LOCAL_ADDRESS: (c) => hostPort(c.peer.localAddress, c.peer.localPort),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: (c) => c.peer.localAddress,
  DOWNSTREAM_LOCAL_PORT: (c) => c.peer.localPort,
  DOWNSTREAM_PEER_DNS_SAN: (c) => listed(c.peer.tls?.peerDnsNames),
  DOWNSTREAM_PEER_URI_SAN: (c) => listed(c.peer.tls?.peerUris),
  DOWNSTREAM_REMOTE_ADDRESS: (c) => hostPort(c.remoteAddress, c.remotePort),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (c) => c.remoteAddress,
  DOWNSTREAM_REMOTE_PORT: (c) => c.remotePort,
  DOWNSTREAM_TLS_VERSION: (c) => c.peer.tls?.version,
  DURATION: (c) => whole(c.durationMs),
  GRPC_STATUS_NUMBER: (c) => grpcStatusOf(c),
  HOSTNAME: (c) => c.hostname,
  PROTOCOL: (c) => (c.request === undefined ? undefined : protocols[c.request.protocol]),
  REQUESTED_SERVER_NAME: (c) => c.peer.tls?.serverName,
  REQUEST_DURATION: (c) => whole(c.requestDurationMs),
  RESPONSE_CODE: (c) => c.response?.status ?? 0,
  RESPONSE_CODE_DETAILS: (c) => c.responseCodeDetails,
  RESPONSE_DURATION: (c) => whole(c.responseDurationMs),
  RESPONSE_FLAGS: (c) => (c.responseFlags === "" ? "-" : c.responseFlags),
  RESPONSE_TX_DURATION: (c) => whole(c.responseSendDurationMs),
  ROUTE_NAME: (c) => c.routeName,
  START_TIME: (c) => new Date(c.startedAtWallMs).toISOString(),
  TRACE_ID: (c) => c.traceId,
  UPSTREAM_CLUSTER: (c) => c.upstreamCluster,
  UPSTREAM_HOST: (c) => c.upstreamHost,
  UPSTREAM_LOCAL_ADDRESS: (c) => c.upstreamLocalAddress,
  UPSTREAM_REMOTE_ADDRESS: (c) => c.upstreamHost,
  UPSTREAM_REQUEST_ATTEMPT_COUNT: (c) => c.upstreamAttempts,
  UPSTREAM_TRANSPORT_FAILURE_REASON: (c) => inOneWord(c.upstreamTransportFailure),
};

type Section = (context: FormatContext, name: string) => string | undefined;

/** Operators with the name of a header; after a question mark another, for want of the first. */
export const headerOperators: Readonly<Record<string, Section>> = {
  REQ: requestHeader,
  RESP: responseHeader,
  TRAILER: (c, name) => c.trailers?.get(name),
};

function requestHeader({ request }: FormatContext, name: string): string | undefined {
  switch (name) {
    case ":method":
      return request?.method;
    case ":path":
      return request?.path;
    case ":authority":
    case "host":
      return request?.authority;
    case ":scheme":
      return request?.scheme;
    default:
      return request?.fields.get(name);
  }
}

function responseHeader({ response }: FormatContext, name: string): string | undefined {
  if (name === ":status") return response === undefined ? undefined : String(response.status);
  return response?.fields.get(name);
}

function grpcStatusOf(context: FormatContext): number | undefined {
  // Without a body the status stands among the headers (a "trailers-only" response).
  const status =
    context.trailers?.get("grpc-status") ?? context.response?.fields.get("grpc-status");
  return status !== undefined && /^\d{1,3}$/.test(status) ? Number(status) : undefined;
}
