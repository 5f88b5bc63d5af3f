// HTTP/1.1 and 1.0 towards clients. Bytes go through the scanner of ../rules first, which decides
// where a request begins, what it says and where it ends; node:http gets only what the scanner has
// let through, one request at a time, and must come to the same result. It then does what a
// reference should not do again: streams of bodies, chunks, writing responses.
//
// Requests that a client sends ahead (RFC 9112 §9.3.2) wait in the socket until the response before
// them has left: one request of a connection is in memory, and answers cannot change places.
//
// A client that closes its side while a response is owed counts as gone, as it does in other
// proxies: a half-closed socket and a closed one look the same from here.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "@compendium/runtime";
import type {
  PeerInfo,
  Protocol,
  RequestHead,
  ServerConnection,
  ServerOptions,
  ServerStream,
  StreamReceiver,
} from "../codec.ts";
import type { FloodLimits } from "../rules/http2-floods.ts";
import { type RefusalReason, refusalMessage } from "../rules/refusals.ts";
import type { Http1RequestHead } from "../rules/request-head.ts";
import { RequestScanner } from "../rules/request-scanner.ts";
import type { Counters } from "./counters.ts";
import { Deadline } from "./deadline.ts";
import { Http1ServerStream } from "./http1-server-stream.ts";
import { Http1TunnelStream } from "./http1-tunnel-stream.ts";

/** What all connections of one server codec share. */
export interface ServerShared {
  readonly options: ServerOptions;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly floods: FloodLimits;
  readonly onStream: (stream: ServerStream) => StreamReceiver<RequestHead>;
}

/**
 * How long a client that was refused may take to read the answer. Without it the kernel answers
 * the rest of its request with a reset, which may overtake the response (RFC 9112 §9.6).
 */
export const lingerMs = 1_000;

/** What `drainTimeoutMs` is where nobody says otherwise. */
export const drainMs = 5_000;

/** Connections of HTTP/1.1 on one node:http server that listens on nothing. */
export class Http1Server {
  readonly #shared: ServerShared;
  readonly #node: Server;
  readonly #connections = new WeakMap<Socket, Http1ServerConnection>();

  constructor(shared: ServerShared) {
    this.#shared = shared;
    this.#node = createServer({
      // The scanner has counted already; node's own limit must not cut a section short.
      maxHeaderSize: shared.options.headersBytesMax + 1024,
      keepAliveTimeout: 0,
      requestTimeout: 0,
      headersTimeout: 0,
      insecureHTTPParser: false,
      requireHostHeader: false,
    });
    this.#node.maxHeadersCount = 0;
    const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
      this.#connections.get(request.socket)?.onRequest(request, response);
    this.#node.on("request", onRequest);
    this.#node.on("checkContinue", onRequest);
    this.#node.on("checkExpectation", onRequest);
    this.#node.on("upgrade", (request, socket) =>
      this.#connections.get(socket as Socket)?.onUpgrade(request),
    );
    this.#node.on("clientError", (error: NodeJS.ErrnoException, socket) =>
      this.#connections.get(socket as Socket)?.onClientError(error),
    );
  }

  accept(socket: Socket, peer: PeerInfo): ServerConnection {
    const connection = new Http1ServerConnection(this.#shared, socket, peer);
    this.#connections.set(socket, connection);
    this.#node.emit("connection", socket);
    connection.standBefore();
    return connection;
  }
}

/** What a connection's one stream is to it. */
interface CurrentStream {
  onConnectionLost(detail: string, reason?: "protocol-error" | "overload"): void;
}

/** One connection; its stream calls `onActivity` and `onStreamEnd`. */
export class Http1ServerConnection implements ServerConnection {
  readonly peer: PeerInfo;
  readonly closed: Promise<void>;
  protocol: Protocol = "http/1.1";
  readonly #shared: ServerShared;
  readonly #socket: Socket;
  readonly #scanner: RequestScanner;
  readonly #deadline: Deadline;
  #silenceMs: number;
  #nodeOnData: (chunk: Buffer) => void = () => {};
  // A head that node has been given and has not shown yet.
  #awaited: Http1RequestHead | undefined;
  #stream: CurrentStream | undefined;
  #request: IncomingMessage | undefined;
  #isDraining = false;
  #requests = 0;
  // Nothing more is read: an answer is on its way, then the end.
  #isClosing = false;
  #isTunnel = false;
  #trailers: string[] = [];

  constructor(shared: ServerShared, socket: Socket, peer: PeerInfo) {
    this.#shared = shared;
    this.#socket = socket;
    this.peer = peer;
    const { options, clock } = shared;
    const { headersBytesMax, headersMax, upgrades } = options;
    const scheme = peer.tls === undefined ? "http" : "https";
    this.#scanner = new RequestScanner({ headersBytesMax, headersMax, upgrades, scheme });
    this.#silenceMs = options.streamIdleTimeoutMs;
    this.#deadline = new Deadline(clock, () => this.#onDeadline());
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#deadline.dispose();
        this.#stream?.onConnectionLost("the client closed the connection");
        this.#stream = undefined;
        resolve();
      });
    });
    socket.on("error", () => {});
    socket.on("end", () => {
      if (this.#stream !== undefined && !this.#isTunnel) socket.destroy();
    });
    this.#deadline.set(options.idleTimeoutMs);
  }

  get streams(): number {
    return this.#stream === undefined ? 0 : 1;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** What may wait to be written. */
  get bufferBytesMax(): number {
    return this.#shared.options.bufferBytesMax;
  }

  /** Trailers of the request whose body has ended. */
  get trailers(): string[] {
    return this.#trailers;
  }

  /** Takes node's listener off the socket and puts the scanner in its place. */
  standBefore(): void {
    const [listener] = this.#socket.listeners("data");
    this.#nodeOnData = listener as (chunk: Buffer) => void;
    this.#socket.removeListener("data", this.#nodeOnData);
    this.#socket.on("data", this.#onData);
  }

  // HTTP/1.1 has no GOAWAY: only a response can say that it is the last one. A connection that was
  // closed while it seemed idle would meet a request on its way, of which nobody knows whether it
  // was processed (RFC 9112 §9.3.1). So the next one is still answered, for a while.
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    if (this.#stream === undefined && this.#scanner.isBetween) this.#waitForNext();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Of the stream that there is. */
  limitSilence(ms: number): void {
    this.#silenceMs = ms;
    this.onActivity();
  }

  /** A byte went in or out. */
  onActivity(): void {
    this.#deadline.set(this.#silenceMs);
  }

  readonly #onData = (chunk: Buffer): void => {
    for (let at = 0; at < chunk.length && !this.#isClosing; ) {
      if (this.#stream !== undefined && this.#scanner.isBetween) {
        this.#socket.pause();
        this.#socket.unshift(chunk.subarray(at));
        return;
      }
      const wasInHead = this.#scanner.isInHead;
      const step = this.#scanner.scan(chunk, at);
      if (step.kind === "refused") {
        this.#refuse(step.reason);
        return;
      }
      if (step.kind === "more") {
        if (!wasInHead) this.#deadline.set(this.#shared.options.headersTimeoutMs);
        return;
      }
      if (step.kind === "head") this.#beginRequest(step.head, step.bytes);
      else this.#passBody(chunk.subarray(at, step.end), step.trailers);
      at = step.end;
      if (this.#socket.listenerCount("data") === 0 && at < chunk.length) {
        // Another protocol has begun; the rest is for it.
        this.#socket.unshift(chunk.subarray(at));
        return;
      }
    }
  };

  #beginRequest(head: Http1RequestHead, bytes: Buffer): void {
    this.protocol = head.head.protocol;
    this.limitSilence(this.#shared.options.streamIdleTimeoutMs);
    this.#requests++;
    const { requestsPerConnectionMax = 0 } = this.#shared.options;
    if (this.#requests === requestsPerConnectionMax) this.#isDraining = true;
    this.#awaited = head;
    this.#trailers = [];
    // An upgrade that is ignored must not reach node, which would stop reading HTTP for it.
    const ignored = head.asksForUpgrade && head.head.upgrade === undefined;
    this.#nodeOnData(ignored ? plainHead(head) : bytes);
    if (this.#awaited !== undefined) this.#refuse("disagreement");
  }

  #passBody(bytes: Buffer, trailers: string[] | undefined): void {
    const request = this.#request;
    if (request === undefined) return;
    this.onActivity();
    if (trailers !== undefined) this.#trailers = trailers;
    this.#nodeOnData(bytes);
    if (request.complete !== (trailers !== undefined)) this.#refuse("disagreement");
  }

  onRequest(request: IncomingMessage, response: ServerResponse): void {
    const head = this.#awaited;
    // Node sees a request where the scanner has let none through: never a second reading.
    if (head === undefined) return this.#refuse("disagreement");
    this.#awaited = undefined;
    this.#request = request;
    const stream = new Http1ServerStream(this, head, request, response);
    this.#stream = stream;
    stream.begin(this.#shared.onStream(stream));
  }

  onUpgrade(request: IncomingMessage): void {
    const head = this.#awaited;
    if (head === undefined) return this.#refuse("disagreement");
    this.#awaited = undefined;
    this.#socket.removeListener("data", this.#onData);
    const stream = new Http1TunnelStream(this, this.#socket, head, request);
    this.#stream = stream;
    stream.begin(this.#shared.onStream(stream));
  }

  /** Bytes from now on, in two directions that end on their own. */
  becomeTunnel(): void {
    this.#isTunnel = true;
  }

  onClientError(error: NodeJS.ErrnoException): void {
    if (error.code?.startsWith("HPE_") && error.code !== "HPE_INVALID_EOF_STATE") {
      this.#awaited = undefined;
      this.#refuse("disagreement");
    } else this.#socket.destroy();
  }

  /** The response has left; `closes` when nothing may follow it. */
  onStreamEnd(closes: boolean): void {
    this.#stream = undefined;
    this.#request = undefined;
    if (this.#isClosing || this.#socket.destroyed) return;
    // What still comes, of an early response's request or behind the last one, is read and dropped:
    // a socket that nobody reads hides that its client has gone.
    if (closes || !this.#scanner.isBetween) return this.#linger();
    this.#waitForNext();
    this.#socket.resume();
  }

  #waitForNext(): void {
    const { idleTimeoutMs, drainTimeoutMs = drainMs } = this.#shared.options;
    this.#deadline.set(this.#isDraining ? Math.min(drainTimeoutMs, idleTimeoutMs) : idleTimeoutMs);
  }

  #refuse(reason: RefusalReason): void {
    if (this.#isClosing) return;
    this.#shared.counters.refused[reason]++;
    const hasBegun = this.#socket.writable && !this.#responseHasBegun();
    this.#isClosing = true;
    this.#stream?.onConnectionLost(`refused: ${reason}`, "protocol-error");
    this.#stream = undefined;
    if (!hasBegun) {
      this.#socket.destroy();
      return;
    }
    this.#socket.write(refusalMessage(reason), "latin1");
    this.#linger();
  }

  #responseHasBegun(): boolean {
    return this.#stream instanceof Http1ServerStream && this.#stream.hasSentHead;
  }

  #linger(): void {
    this.#isClosing = true;
    this.#socket.end();
    this.#deadline.set(lingerMs);
    this.#socket.resume();
  }

  #onDeadline(): void {
    const { timeouts } = this.#shared.counters;
    if (this.#isClosing) {
      timeouts.linger++;
      this.#socket.destroy();
    } else if (this.#stream !== undefined) {
      timeouts["stream-idle"]++;
      this.#stream.onConnectionLost("the stream was idle", "overload");
      this.#stream = undefined;
      this.#socket.destroy();
    } else if (this.#scanner.isInHead) {
      timeouts.head++;
      this.#refuse("head-too-slow");
    } else if (this.#isDraining) this.#linger();
    else {
      timeouts.idle++;
      this.#socket.destroy();
    }
  }
}

function plainHead({ head, bodyBytes }: Http1RequestHead): Buffer {
  const length =
    bodyBytes === Number.POSITIVE_INFINITY
      ? "transfer-encoding: chunked"
      : `content-length: ${bodyBytes}`;
  return Buffer.from(`${head.method} / HTTP/1.1\r\nhost: a\r\n${length}\r\n\r\n`, "latin1");
}
