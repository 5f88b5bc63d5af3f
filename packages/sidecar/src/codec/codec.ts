// What the proxy knows of HTTP: streams of one request and one response, on connections that
// carry one at a time (HTTP/1.1) or many (HTTP/2). A codec turns a socket's bytes into these and
// back; nothing above this file knows how, so that a faster codec can take the place of the one on
// node:http and node:http2.
//
// A stream is two directions that end on their own. Each direction is a head, then data, then
// perhaps trailers; `end` on the last part closes it. `reset` closes both at once, and after it
// neither side says anything more. What comes in is told to a receiver, what goes out is given to
// a sender:
//
//        downstream                      proxy                        upstream
//      ServerStream  ── onHead, onData, onTrailers ─▶  ClientStream.sendHead, sendData …
//      .sendHead, …  ◀─ onHead, onData, onTrailers ──  its receiver
//
// Flow control is a hand on each direction: `sendData` answers false once more than its share is
// buffered, and `onWritable` says when to go on; whoever is told false pauses the stream that the
// data comes from. So a slow reader stops a fast writer through the proxy, and memory is bounded by
// one buffer for each direction (Envoy calls them watermarks).
//
// The codec answers for RFC 9112 and RFC 9113: what it shows has one meaning only. A message that
// two implementations could read in two ways never becomes a stream.
import type { Socket } from "node:net";
import type { Fields } from "./fields.ts";
import type { FloodReason } from "./rules/http2-floods.ts";
import type { RefusalReason } from "./rules/refusals.ts";

/** The protocols that a connection can speak. */
export type Protocol = "http/1.0" | "http/1.1" | "h2";

/** The beginning of a request. */
export interface RequestHead {
  /** As it came: methods are case-sensitive. */
  method: string;
  /** What the client says, or the connection is: `:scheme`, or TLS or not. */
  scheme: string;
  /** `:authority`, the absolute form's, or Host's; "" for an HTTP/1.0 request without any. */
  authority: string;
  /** The path with its query; `*` for OPTIONS; "" for CONNECT. */
  path: string;
  /** Without pseudo-fields, Host and whatever belongs to the connection alone. */
  readonly fields: Fields;
  /** The protocol it came by. */
  readonly protocol: Protocol;
  /** What an Upgrade asks for ("websocket"), or extended CONNECT's `:protocol`. */
  readonly upgrade: string | undefined;
}

/** The beginning of a response. */
export interface ResponseHead {
  /** 100 to 599. */
  status: number;
  /** Without pseudo-fields and whatever belongs to the connection alone. */
  readonly fields: Fields;
}

/** Why a stream ended before its end. */
export type ResetReason =
  /** The other side has had enough, or is gone: RST_STREAM(CANCEL), or a closed socket. */
  | "cancelled"
  /** The connection broke before anything came back. */
  | "connection-failure"
  /** The connection broke while a response was under way. */
  | "connection-termination"
  /** Nothing of this request was processed (RFC 9113 §8.7): it may be sent again. */
  | "refused"
  /** What came was not HTTP. */
  | "protocol-error"
  /** A limit of this codec: too much, too many, too slow. */
  | "overload"
  /** The proxy's own wish. */
  | "local";

/**
 * What a stream tells. Calls never come from inside the call that starts the stream. When what goes
 * out has ended before what comes in (an early response), a server's stream is over and tells
 * nothing more; a client's goes on until it is reset.
 */
export interface StreamReceiver<Head> {
  /** Once, and first. */
  onHead(head: Head, end: boolean): void;
  /** The chunk belongs to the receiver from now on. */
  onData(chunk: Uint8Array, end: boolean): void;
  /** The end of the direction, with fields. */
  onTrailers(fields: Fields): void;
  /** The end of both directions; `detail` is for the log. */
  onReset(reason: ResetReason, detail: string): void;
  /** What was sent has left: `sendData` may go on. */
  onWritable(): void;
}

/** What a client hears besides: 100 and 103, any number of them, before the head. */
export interface ResponseReceiver extends StreamReceiver<ResponseHead> {
  /** An interim answer: its head is all of it. */
  onInformational(head: ResponseHead): void;
}

/** The outgoing direction of a stream, and the hand on the incoming one. */
export interface StreamSender<Head> {
  /** Once, and first. */
  sendHead(head: Head, end: boolean): void;
  /** Whether more may be given now. The chunk must not change afterwards. */
  sendData(chunk: Uint8Array, end: boolean): boolean;
  /** Ends the direction, with fields. */
  sendTrailers(fields: Fields): void;
  /** Ends both directions; nothing is told afterwards. Again does nothing. */
  reset(reason: ResetReason): void;
  /** Stops `onData` after what is under way, until `resume`. */
  pause(): void;
  /** Lets `onData` go on. */
  resume(): void;
}

/** A request that came in. */
export interface ServerStream extends StreamSender<ResponseHead> {
  /** Whom it came from. */
  readonly connection: ServerConnection;
  /** A bound on silence of its own, in place of `streamIdleTimeoutMs`; Infinity: none. */
  limitSilence(ms: number): void;
  /** 100, 102 or 103; what the client's protocol cannot carry is left out. */
  sendInformational(head: ResponseHead): void;
}

/** A request that goes out. */
export type ClientStream = StreamSender<RequestHead>;

/** Whom the proxy talks to. */
export interface PeerInfo {
  /** The other side's address, as the socket has it. */
  readonly remoteAddress: string;
  /** The other side's port. */
  readonly remotePort: number;
  /** The address on this side. */
  readonly localAddress: string;
  /** The port on this side. */
  readonly localPort: number;
  /** What TLS has found out; `undefined` without TLS. */
  readonly tls: TlsInfo | undefined;
}

/** What TLS knows of the other side. */
export interface TlsInfo {
  readonly serverName: string | undefined;
  readonly applicationProtocol: string | undefined;
  /** "TLSv1.3". */
  readonly version: string;
  /** The URIs of the verified certificate's subject alternative names; none without one. */
  readonly peerUris: readonly string[];
  readonly peerDnsNames: readonly string[];
}

/** A connection from downstream. */
export interface ServerConnection {
  /** Who called. */
  readonly peer: PeerInfo;
  /** What it speaks. */
  readonly protocol: Protocol;
  /** Streams that have begun and not ended. */
  readonly streams: number;
  /**
   * Lets the streams end, and those that are on their way: GOAWAY twice (RFC 9113 §6.8), or
   * `Connection: close` on the next response; then closes.
   */
  drain(): void;
  /** Ends everything now. */
  destroy(): void;
  /** Settles when it is closed. */
  readonly closed: Promise<void>;
}

/** A connection to upstream. */
export interface ClientConnection {
  /** What it speaks. */
  readonly protocol: Protocol;
  /** Streams that have begun and not ended. */
  readonly streams: number;
  /** How many more streams it takes now; 0 once it is to be closed. */
  readonly capacity: number;
  /**
   * Begins a stream.
   *
   * @throws Error when `capacity` is 0
   */
  start(receiver: ResponseReceiver): ClientStream;
  /** Takes no more streams, and closes once those that are open have ended. */
  drain(): void;
  /** Ends everything now. */
  destroy(): void;
  /** Settles when it is closed. */
  readonly closed: Promise<void>;
}

/** Limits of one side of a codec. What goes beyond is refused, counted, and told in the log. */
export interface CodecLimits {
  /** Of all names and values, and 32 for each field. Default: 61,440 (60 KiB). */
  readonly headersBytesMax: number;
  /** Default: 100. */
  readonly headersMax: number;
  /** Default: 100. */
  readonly concurrentStreamsMax: number;
  /** From the first byte of a head to its end. Default: 10,000. */
  readonly headersTimeoutMs: number;
  /** Without a stream. Default: 3,600,000. */
  readonly idleTimeoutMs: number;
  /** A stream without a byte in either direction. Default: 300,000. */
  readonly streamIdleTimeoutMs: number;
  /** What may wait to be written in one direction. Default: 1,048,576. */
  readonly bufferBytesMax: number;
}

/** What {@link CodecLimits} are where nobody says otherwise. */
export const defaultCodecLimits: CodecLimits = {
  headersBytesMax: 61_440,
  headersMax: 100,
  concurrentStreamsMax: 100,
  headersTimeoutMs: 10_000,
  idleTimeoutMs: 3_600_000,
  streamIdleTimeoutMs: 300_000,
  bufferBytesMax: 1_048_576,
};

/** How the side towards clients is set up. */
export interface ServerOptions extends CodecLimits {
  /** Protocols that an Upgrade may ask for, in lower case: any other is ignored, as if the client
   * had not asked (RFC 9110 §7.8). */
  readonly upgrades: ReadonlySet<string>;
  /** Requests of one connection, which is drained with the last of them. Default: 0, no bound. */
  readonly requestsPerConnectionMax?: number;
  /** How long a drain waits for requests that are on their way: from the GOAWAY that says that a
   * connection will end to the one that says which request was its last, and on an idle connection
   * of HTTP/1.1 for one more request, whose answer says that it is the last. Default: 5,000. */
  readonly drainTimeoutMs?: number;
}

/** Makes streams out of sockets that come in. */
export interface ServerCodec {
  /**
   * Takes a socket, whose TLS is done. What has been read of it already must have been given back
   * with `unshift`.
   */
  accept(socket: Socket, peer: PeerInfo, protocol: Protocol): ServerConnection;
}

/** Makes connections out of sockets that go out. */
export interface ClientCodec {
  /** Takes a connected socket; `onCapacity` is told whenever `capacity` has grown. */
  open(
    socket: Socket,
    peer: PeerInfo,
    protocol: Protocol,
    onCapacity: () => void,
  ): ClientConnection;
}

/** Which timer has passed. */
export type TimeoutReason =
  /** A head that did not come to its end. */
  | "head"
  /** A connection without a stream. */
  | "idle"
  /** A stream without a byte in either direction: a slow sender, or a slow reader. */
  | "stream-idle"
  /** A connection of HTTP/2 whose client takes no bytes. */
  | "write"
  /** A client that was refused, and did not go. */
  | "linger";

/** All of them. */
export const timeoutReasons: readonly TimeoutReason[] = [
  "head",
  "idle",
  "stream-idle",
  "write",
  "linger",
];

/** What a codec has counted since it began. */
export interface CodecStats {
  /** Requests that never became a stream, by the rule that they broke. */
  readonly refused: Readonly<Record<RefusalReason, number>>;
  /** Connections and streams that a timer ended, by the timer. */
  readonly timeouts: Readonly<Record<TimeoutReason, number>>;
  /** Connections of HTTP/2 that were cut off, by the bound that they passed. */
  readonly floods: Readonly<Record<FloodReason, number>>;
  /** Responses of upstream that were no HTTP, or too large. */
  readonly badResponses: number;
}

/** A codec: both sides. */
export interface Codec {
  /** Streams for `onStream`, out of sockets that come in. */
  server(
    options: ServerOptions,
    onStream: (stream: ServerStream) => StreamReceiver<RequestHead>,
  ): ServerCodec;
  /** Connections to upstream, out of sockets that go out. */
  client(limits: CodecLimits): ClientCodec;
  /** Plain numbers of both sides. */
  stats(): CodecStats;
}
