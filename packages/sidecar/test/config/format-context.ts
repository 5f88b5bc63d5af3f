// A request whose every part is known, to be changed by a test.
import { Fields } from "../../src/codec/fields.ts";
import type { FormatContext } from "../../src/config/format-context.ts";

/** A context; what is given takes the place of what is usual. */
export function contextOf(changes: Partial<FormatContext> = {}): FormatContext {
  return {
    request: {
      method: "GET",
      scheme: "https",
      authority: "shop.example",
      path: "/a?b=1",
      fields: new Fields(["user-agent", "curl", "x-long", "abcdefgh"]),
      protocol: "h2",
      upgrade: undefined,
    },
    response: { status: 200, fields: new Fields(["x-envoy-upstream-service-time", "7"]) },
    trailers: new Fields(["grpc-status", "14"]),
    peer: {
      remoteAddress: "10.0.0.9",
      remotePort: 4711,
      localAddress: "::1",
      localPort: 443,
      tls: {
        serverName: "shop.example",
        applicationProtocol: "h2",
        version: "TLSv1.3",
        peerUris: ["spiffe://example/web"],
        peerDnsNames: [],
      },
    },
    remoteAddress: "192.0.2.1",
    remotePort: 0,
    startedAtWallMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    requestDurationMs: 1,
    responseDurationMs: 2,
    responseSendDurationMs: 3,
    durationMs: 6,
    bytesReceived: 10,
    bytesSent: 20,
    responseFlags: "",
    responseCodeDetails: "via_upstream",
    connectionTerminationDetails: undefined,
    upstreamCluster: "shop",
    upstreamHost: "10.0.0.1:8080",
    upstreamLocalAddress: "10.0.0.2:50000",
    upstreamTransportFailure: undefined,
    upstreamAttempts: 1,
    routeName: "orders",
    traceId: undefined,
    hostname: "node-1",
    ...changes,
  };
}
