// A TCP connection as a line of an access log can speak of it: there is no request, and what is
// asked of one comes out as "-".
import { hostname } from "node:os";
import type { Clock } from "@compendium/runtime";
import type { FormatContext } from "../config/format-context.ts";
import { joinedFlags } from "../router/response-flags.ts";
import type { TcpConnectionInfo } from "../tcp/tcp-connection.ts";

const ownHostname = hostname();

/** The connection, at its end. */
export function tcpContext(info: TcpConnectionInfo, clock: Pick<Clock, "wallMs">): FormatContext {
  const { peer, upstreamPeer, durationMs, detail } = info;
  return {
    request: undefined,
    response: undefined,
    trailers: undefined,
    peer,
    remoteAddress: peer.remoteAddress,
    remotePort: peer.remotePort,
    startedAtWallMs: clock.wallMs() - durationMs,
    requestDurationMs: undefined,
    responseDurationMs: undefined,
    responseSendDurationMs: undefined,
    durationMs,
    bytesReceived: info.bytesReceived,
    bytesSent: info.bytesSent,
    responseFlags: info.flags.size === 0 ? "" : joinedFlags(info.flags),
    responseCodeDetails: undefined,
    connectionTerminationDetails: detail === "" ? undefined : detail,
    upstreamCluster: info.cluster || undefined,
    upstreamHost: info.host?.address,
    upstreamLocalAddress: upstreamPeer && `${upstreamPeer.localAddress}:${upstreamPeer.localPort}`,
    upstreamTransportFailure: undefined,
    upstreamAttempts: info.attempts,
    routeName: undefined,
    traceId: undefined,
    hostname: ownHostname,
  };
}
