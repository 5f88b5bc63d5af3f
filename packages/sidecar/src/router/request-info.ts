// What is known of one request: written down as it goes along, read by header edits, access logs,
// metrics and traces. It is the one record of a request, so that what a log says and what a metric
// counts cannot differ.
import { hostname } from "node:os";
import type { Clock } from "@compendium/runtime";
import type { Host } from "../cluster/host.ts";
import type { PeerInfo, RequestHead, ResponseHead } from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import type { FormatContext } from "../config/format-context.ts";
import type { RouteConfig, VirtualHostConfig, WeightedCluster } from "../config/route-config.ts";
import { joinedFlags, type ResponseFlag } from "./response-flags.ts";

const ownHostname = hostname();

/** One request, as far as it has come. */
export class RequestInfo implements FormatContext {
  readonly peer: PeerInfo;
  readonly clock: Clock;
  /** When its head was there, on the monotonic clock. */
  readonly startedAtMs: number;
  readonly startedAtWallMs: number;
  readonly hostname: string = ownHostname;
  /** As it came, its path in normal form, and with what a gateway adds. */
  request: RequestHead | undefined;
  /** As it was sent on, once it was. */
  forwarded: RequestHead | undefined;
  response: ResponseHead | undefined;
  trailers: Fields | undefined;
  /** The client, after X-Forwarded-For has been judged. */
  remoteAddress: string;
  remotePort: number;
  requestDurationMs: number | undefined;
  responseDurationMs: number | undefined;
  durationMs: number | undefined;
  bytesReceived = 0;
  bytesSent = 0;
  readonly flags: Set<ResponseFlag> = new Set();
  responseCodeDetails: string | undefined;
  connectionTerminationDetails: string | undefined;
  upstreamCluster: string | undefined;
  /** The one whose answer it is, or the one tried last. */
  host: Host | undefined;
  upstreamLocalAddress: string | undefined;
  upstreamTransportFailure: string | undefined;
  upstreamAttempts = 0;
  virtualHost: VirtualHostConfig | undefined;
  route: RouteConfig | undefined;
  /** Of the route's clusters, the one that chance has chosen. */
  share: WeightedCluster | undefined;
  traceId: string | undefined;
  #responseStartedAtMs: number | undefined;

  constructor(peer: PeerInfo, clock: Clock) {
    this.peer = peer;
    this.clock = clock;
    this.startedAtMs = clock.now();
    this.startedAtWallMs = clock.wallMs();
    this.remoteAddress = peer.remoteAddress;
    this.remotePort = peer.remotePort;
  }

  get responseFlags(): string {
    return this.flags.size === 0 ? "" : joinedFlags(this.flags);
  }

  get upstreamHost(): string | undefined {
    return this.host?.address;
  }

  get routeName(): string | undefined {
    return this.route?.name || undefined;
  }

  /** From the response's first byte to its last. */
  get responseSendDurationMs(): number | undefined {
    const { durationMs } = this;
    if (durationMs === undefined || this.#responseStartedAtMs === undefined) return undefined;
    return durationMs - this.#responseStartedAtMs;
  }

  /** All of the request has come. */
  requestEnded(): void {
    this.requestDurationMs ??= this.elapsedMs();
  }

  /** The response's head is about to be sent. */
  responseBegan(head: ResponseHead): void {
    this.response = head;
    this.#responseStartedAtMs = this.elapsedMs();
  }

  /** Nothing more happens to it. */
  ended(): void {
    this.durationMs ??= this.elapsedMs();
  }

  /** Since it began. */
  elapsedMs(): number {
    return this.clock.now() - this.startedAtMs;
  }
}
