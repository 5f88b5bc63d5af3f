// HTTP/2 towards upstream: one connection, as many streams as the server allows.
import { type ClientHttp2Session, connect } from "node:http2";
import type { Socket } from "node:net";
import type { ClientConnection, ClientStream, Protocol, ResponseReceiver } from "../codec.ts";
import { Deadline } from "./deadline.ts";
import type { ClientShared } from "./http1-client.ts";
import { Http2ClientStream } from "./http2-client-stream.ts";
import { connectionWindowBytes, sessionBounds, windowBytes } from "./http2-parts.ts";

/** A connection to an HTTP/2 server. */
export class Http2ClientConnection implements ClientConnection {
  readonly protocol: Protocol = "h2";
  readonly closed: Promise<void>;
  readonly shared: ClientShared;
  readonly session: ClientHttp2Session;
  readonly #idle: Deadline;
  readonly #onCapacity: () => void;
  #streams = 0;
  #isDraining = false;
  #hasSettings = false;

  constructor(shared: ClientShared, socket: Socket, onCapacity: () => void) {
    const { limits, clock } = shared;
    this.shared = shared;
    this.#onCapacity = onCapacity;
    this.#idle = new Deadline(clock, () => this.#onIdle());
    // The authority of the URL is a default that no request of ours falls back to.
    this.session = connect("http://upstream", {
      createConnection: () => socket,
      ...sessionBounds(limits),
      settings: {
        enablePush: false,
        maxHeaderListSize: limits.headersBytesMax,
        initialWindowSize: windowBytes,
      },
      strictSingleValueFields: false,
    } as Parameters<typeof connect>[1] & object);
    const { session } = this;
    session.setLocalWindowSize(connectionWindowBytes);
    session.on("error", () => session.destroy());
    session.on("remoteSettings", () => {
      this.#hasSettings = true;
      this.#onCapacity();
    });
    this.closed = new Promise((resolve) => {
      session.once("close", () => {
        this.#idle.dispose();
        resolve();
      });
    });
    this.#idle.set(limits.idleTimeoutMs);
  }

  get streams(): number {
    return this.#streams;
  }

  get capacity(): number {
    const { session } = this;
    if (this.#isDraining || session.closed || session.destroyed) return 0;
    // Before the server's SETTINGS have come its limit is unknown: ours alone holds.
    const theirs = session.connecting ? undefined : session.remoteSettings.maxConcurrentStreams;
    const max = Math.min(
      theirs ?? Number.POSITIVE_INFINITY,
      this.shared.limits.concurrentStreamsMax,
    );
    return Math.max(max - this.#streams, 0);
  }

  start(receiver: ResponseReceiver): ClientStream {
    if (this.capacity === 0) throw new Error("the connection takes no stream now");
    this.#streams++;
    this.#idle.set(Number.POSITIVE_INFINITY);
    return new Http2ClientStream(this, receiver);
  }

  /** Tells whether the server takes extended CONNECT (RFC 8441 §3), once it has said so. */
  askForConnect(onAnswer: (isTaken: boolean) => void): void {
    const { session } = this;
    const answer = (): void => onAnswer(session.remoteSettings.enableConnectProtocol === true);
    if (this.#hasSettings) answer();
    else session.once("remoteSettings", answer);
  }

  /** A stream is over. */
  onStreamEnd(): void {
    this.#streams--;
    if (this.#streams === 0) {
      if (this.#isDraining) this.session.close();
      this.#idle.set(this.shared.limits.idleTimeoutMs);
    }
    if (this.capacity > 0) this.#onCapacity();
  }

  drain(): void {
    this.#isDraining = true;
    if (this.#streams === 0) this.session.close();
  }

  destroy(): void {
    this.session.destroy();
  }

  #onIdle(): void {
    this.shared.counters.timeouts.idle++;
    this.drain();
  }
}
