// HTTP/2 towards clients, by a node:http2 session on a socket that has been accepted elsewhere.
import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import type { PeerInfo, Protocol, ServerConnection } from "../codec.ts";
import { readHttp2Request } from "../rules/http2-fields.ts";
import { isRefusal, type RefusalReason, refusals } from "../rules/refusals.ts";
import { Deadline } from "./deadline.ts";
import type { ServerShared } from "./http1-server.ts";
import { connectionWindowBytes, windowBytes } from "./http2-parts.ts";
import { Http2ServerStream } from "./http2-server-stream.ts";

const lastStreamIdMax = 2 ** 31 - 1;

/** One connection with many streams. */
export class Http2ServerConnection implements ServerConnection {
  readonly peer: PeerInfo;
  readonly protocol: Protocol = "h2";
  readonly closed: Promise<void>;
  readonly shared: ServerShared;
  readonly #session: ServerHttp2Session;
  readonly #idle: Deadline;
  #streams = 0;
  #isDraining = false;

  constructor(shared: ServerShared, socket: Socket, peer: PeerInfo) {
    this.shared = shared;
    this.peer = peer;
    const { options, clock } = shared;
    this.#idle = new Deadline(clock, () => this.#onIdle());
    // HTTP/2 has no half-open connections: without this, those of clients that left would stay.
    socket.allowHalfOpen = false;
    this.#session = performServerHandshake(socket, {
      maxHeaderListPairs: options.headersMax * 2,
      maxSessionMemory: 64,
      settings: {
        maxConcurrentStreams: options.concurrentStreamsMax,
        maxHeaderListSize: options.headersBytesMax,
        initialWindowSize: windowBytes,
      },
      strictSingleValueFields: false,
    } as Parameters<typeof performServerHandshake>[1]);
    const session = this.#session;
    session.setLocalWindowSize(connectionWindowBytes);
    session.on("error", () => session.destroy());
    // The type leaves out the fourth argument: the fields as they came.
    session.on("stream", ((stream: ServerHttp2Stream, _: object, flags: number, raw: string[]) =>
      this.#onStream(stream, flags, raw)) as (stream: ServerHttp2Stream) => void);
    this.closed = new Promise((resolve) => {
      session.once("close", () => {
        this.#idle.dispose();
        resolve();
      });
    });
    this.#idle.set(options.idleTimeoutMs);
  }

  get streams(): number {
    return this.#streams;
  }

  drain(): void {
    const session = this.#session;
    if (this.#isDraining || session.closed || session.destroyed) return;
    this.#isDraining = true;
    if (this.#streams === 0) return session.close();
    // RFC 9113 §6.8: first that it will end, and a round trip later where. What the client sent
    // in between is still served.
    session.goaway(constants.NGHTTP2_NO_ERROR, lastStreamIdMax);
    session.ping(() => {
      if (!session.destroyed) session.close();
    });
  }

  destroy(): void {
    this.#session.destroy();
  }

  /** A stream is over. */
  onStreamEnd(): void {
    this.#streams--;
    if (this.#streams > 0) return;
    this.#idle.set(this.shared.options.idleTimeoutMs);
    // After a GOAWAY and without streams nghttp2 reads nothing more, not the answer to the ping
    // and not the client's end: the connection would stay for ever.
    if (this.#isDraining) this.#session.close();
  }

  #onStream(node: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    // Without it, a reset stream ends the process.
    node.on("error", () => {});
    const request = readHttp2Request(raw, this.shared.options.headersMax);
    if (isRefusal(request)) {
      this.#refuse(node, request);
      return;
    }
    this.#streams++;
    this.#idle.set(Number.POSITIVE_INFINITY);
    const end = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const stream = new Http2ServerStream(this, node, request);
    stream.begin(this.shared.onStream(stream), end);
  }

  // A malformed request is a stream error (§8.1.1); an answer before it says why.
  #refuse(node: ServerHttp2Stream, reason: RefusalReason): void {
    this.shared.counters.refused[reason]++;
    const { status, text, section } = refusals[reason];
    if (node.destroyed || node.closed) return;
    node.respond({ ":status": status, "content-type": "text/plain" });
    if (!node.writableEnded) node.end(`${text} (${section})\n`);
    node.resume();
    node.once("finish", () => node.close(constants.NGHTTP2_NO_ERROR));
  }

  #onIdle(): void {
    this.shared.counters.timeouts++;
    this.#session.close();
  }
}
