// HTTP/2 towards clients, by a node:http2 session on a socket that has been accepted elsewhere. The
// gate between them counts frames and cuts off floods; node's own bounds stand behind it.
import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import type { PeerInfo, Protocol, ServerConnection } from "../codec.ts";
import { readHttp2Request } from "../rules/http2-fields.ts";
import type { FloodReason } from "../rules/http2-floods.ts";
import { isRefusal, type RefusalReason, refusals } from "../rules/refusals.ts";
import { Deadline } from "./deadline.ts";
import { drainMs, lingerMs, type ServerShared } from "./http1-server.ts";
import { Http2Gate } from "./http2-gate.ts";
import { connectionWindowBytes, sessionBounds, windowBytes } from "./http2-parts.ts";
import { Http2ServerStream } from "./http2-server-stream.ts";

/** One connection with many streams. */
export class Http2ServerConnection implements ServerConnection {
  readonly peer: PeerInfo;
  readonly protocol: Protocol = "h2";
  readonly closed: Promise<void>;
  readonly shared: ServerShared;
  readonly #socket: Socket;
  readonly #gate: Http2Gate;
  readonly #session: ServerHttp2Session;
  readonly #idle: Deadline;
  readonly #write: Deadline;
  #streams = 0;
  #requests = 0;
  // What ends the connection: the pause of a drain, or the time to read why it is cut off.
  #lastTimer: Disposable | undefined;
  #isCutOff = false;

  constructor(shared: ServerShared, socket: Socket, peer: PeerInfo) {
    this.shared = shared;
    this.peer = peer;
    this.#socket = socket;
    const { options, clock, floods } = shared;
    this.#idle = new Deadline(clock, () => this.#onIdle());
    this.#write = new Deadline(clock, () => this.#onWriteTimeout());
    this.#gate = new Http2Gate({
      socket,
      clock,
      limits: floods,
      onFlood: (reason) => this.#cutOff(reason),
      onWaiting: (isWaiting) =>
        this.#write.set(isWaiting ? options.streamIdleTimeoutMs : Number.POSITIVE_INFINITY),
    });
    this.#session = performServerHandshake(
      this.#gate as unknown as Socket,
      {
        ...sessionBounds(options),
        settings: {
          maxConcurrentStreams: options.concurrentStreamsMax,
          maxHeaderListSize: options.headersBytesMax,
          initialWindowSize: windowBytes,
          enableConnectProtocol: options.upgrades.size > 0,
        },
        strictSingleValueFields: false,
      } as Parameters<typeof performServerHandshake>[1],
    );
    const session = this.#session;
    session.setLocalWindowSize(connectionWindowBytes);
    session.on("error", () => session.destroy());
    // The type leaves out the fourth argument: the fields as they came.
    session.on("stream", ((stream: ServerHttp2Stream, _: object, flags: number, raw: string[]) =>
      this.#onStream(stream, flags, raw)) as (stream: ServerHttp2Stream) => void);
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#idle.dispose();
        this.#write.dispose();
        this.#lastTimer?.[Symbol.dispose]();
        this.#gate.destroy();
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
    if (this.#lastTimer !== undefined || session.closed || session.destroyed) return;
    // RFC 9113 §6.8: first that it will end, and a while later where. What the client sends in
    // between is still served.
    this.#gate.announceShutdown();
    const { clock, options } = this.shared;
    const atMs = clock.now() + (options.drainTimeoutMs ?? drainMs);
    this.#lastTimer = clock.setTimer(atMs, () => session.close());
  }

  destroy(): void {
    this.#gate.destroy();
    this.#socket.destroy();
  }

  /** A stream is over. */
  onStreamEnd(): void {
    this.#streams--;
    if (this.#streams === 0) this.#idle.set(this.shared.options.idleTimeoutMs);
  }

  #onStream(node: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    // Without it, a reset stream ends the process.
    node.on("error", () => {});
    if (this.#isCutOff) return;
    const request = readHttp2Request(raw, this.shared.options);
    if (isRefusal(request)) {
      this.#refuse(node, request);
      return;
    }
    this.#streams++;
    this.#idle.set(Number.POSITIVE_INFINITY);
    const { requestsPerConnectionMax = 0 } = this.shared.options;
    if (++this.#requests === requestsPerConnectionMax) this.drain();
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

  // The gate has said why, and reads nothing any more.
  #cutOff(reason: FloodReason): void {
    const { counters, clock } = this.shared;
    counters.floods[reason]++;
    this.#isCutOff = true;
    this.#lastTimer?.[Symbol.dispose]();
    this.#lastTimer = clock.setTimer(clock.now() + lingerMs, () => {
      counters.timeouts.linger++;
      this.destroy();
    });
  }

  #onIdle(): void {
    this.shared.counters.timeouts.idle++;
    this.drain();
  }

  // It takes nothing: no answer, and no GOAWAY either.
  #onWriteTimeout(): void {
    this.shared.counters.timeouts.write++;
    this.destroy();
  }
}
