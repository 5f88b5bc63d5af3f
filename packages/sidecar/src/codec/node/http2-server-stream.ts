// One request that came in by HTTP/2, and its response.
import { constants, type ServerHttp2Stream } from "node:http2";
import type {
  RequestHead,
  ResetReason,
  ResponseHead,
  ServerStream,
  StreamReceiver,
} from "../codec.ts";
import { Fields } from "../fields.ts";
import { isTrailerAllowed } from "../rules/connection-fields.ts";
import { type Http2RequestHead, readHttp2Trailers } from "../rules/http2-fields.ts";
import { isRefusal, type RefusalReason } from "../rules/refusals.ts";
import { Deadline } from "./deadline.ts";
import { codeOf, reasonOf, windowBytes, withFields } from "./http2-parts.ts";
import type { Http2ServerConnection } from "./http2-server.ts";
import { OutgoingBuffer } from "./outgoing-buffer.ts";
import { acceptOf, makeKey } from "./websocket-handshake.ts";

const nothing = new Uint8Array(0);

/** A stream that the client began. */
export class Http2ServerStream implements ServerStream {
  readonly connection: Http2ServerConnection;
  readonly #node: ServerHttp2Stream;
  readonly #request: Http2RequestHead;
  readonly #idle: Deadline;
  #silenceMs: number;
  readonly #buffer: OutgoingBuffer;
  #receiver: StreamReceiver<RequestHead> | undefined;
  // Extended CONNECT: the key that was made up for it, and whether the other side has said yes.
  #key: string | undefined;
  #isOpen = false;
  #owed: number | undefined;
  #hasEndedIn = false;
  #isBodiless = false;
  #trailersIn: Fields | undefined;
  #trailersOut: readonly string[] = [];

  constructor(
    connection: Http2ServerConnection,
    node: ServerHttp2Stream,
    request: Http2RequestHead,
  ) {
    this.connection = connection;
    this.#node = node;
    this.#request = request;
    this.#owed = request.contentLength;
    const { clock, options } = connection.shared;
    this.#silenceMs = options.streamIdleTimeoutMs;
    this.#idle = new Deadline(clock, () => this.#onIdle());
    this.#buffer = new OutgoingBuffer(Math.min(options.bufferBytesMax, windowBytes), {
      onLeft: () => this.#onActivity(),
      onRoom: () => this.#receiver?.onWritable(),
    });
  }

  /** Shows the request. */
  begin(receiver: StreamReceiver<RequestHead>, end: boolean): void {
    this.#receiver = receiver;
    const node = this.#node;
    this.#onActivity();
    node.on("close", () => this.#onClose());
    // After RST_STREAM(NO_ERROR) node would wait for an end of the response that cannot come.
    node.on("aborted", () => {
      if (node.rstCode === constants.NGHTTP2_NO_ERROR) node.destroy();
    });
    node.on("wantTrailers", () => node.sendTrailers(withFields({}, this.#trailersOut)));
    this.#hasEndedIn = end;
    if (this.#isTunnel) this.#beginTunnel();
    receiver.onHead(this.#request.head, end);
    if (end) {
      if (this.#owed) this.#refuse("h2-length");
      else node.resume();
      return;
    }
    node.on("trailers", ((_: object, __: number, raw: string[]) =>
      this.#onTrailers(raw)) as () => void);
    node.on("data", (chunk: Buffer) => this.#onData(chunk));
    node.on("end", () => this.#onEnd());
  }

  get #isTunnel(): boolean {
    return this.#request.head.upgrade !== undefined;
  }

  // Bytes that come before the 101 wait: sent on behind a request that upstream takes for an
  // ordinary one, they would be the next request.
  #beginTunnel(): void {
    this.#node.pause();
    const { upgrade, fields } = this.#request.head;
    if (upgrade !== "websocket") return;
    this.#key = makeKey();
    fields.set("sec-websocket-key", this.#key);
  }

  #onData(chunk: Buffer): void {
    this.#onActivity();
    if (this.#owed !== undefined) this.#owed -= chunk.length;
    if (this.#owed !== undefined && this.#owed < 0) this.#refuse("h2-length");
    else this.#receiver?.onData(chunk, false);
  }

  #onTrailers(raw: readonly string[]): void {
    const flat = readHttp2Trailers(raw ?? []);
    if (isRefusal(flat)) return this.#refuse(flat);
    for (let i = 0; i < flat.length; i += 2) {
      if (!isTrailerAllowed(flat[i]!)) return this.#refuse("trailer");
    }
    this.#trailersIn = new Fields(flat);
  }

  // node ends a stream that was reset, too: only what nghttp2 saw end is a whole request.
  #onEnd(): void {
    if (this.#hasEndedIn || this.#node.aborted || this.#node.rstCode) return;
    if (this.#owed) return this.#refuse("h2-length");
    this.#hasEndedIn = true;
    if (this.#trailersIn) this.#receiver?.onTrailers(this.#trailersIn);
    else this.#receiver?.onData(nothing, true);
  }

  #refuse(reason: RefusalReason): void {
    this.connection.shared.counters.refused[reason]++;
    const receiver = this.#receiver;
    this.reset("protocol-error");
    receiver?.onReset("protocol-error", reason);
  }

  limitSilence(ms: number): void {
    this.#silenceMs = ms;
    this.#onActivity();
  }

  sendInformational(head: ResponseHead): void {
    const node = this.#node;
    if (node.headersSent || node.destroyed || node.closed) return;
    try {
      node.additionalHeaders(withFields({ ":status": head.status }, head.fields.flat));
    } catch {
      // It is only a hint; the response is still to come.
    }
  }

  sendHead(head: ResponseHead, end: boolean): void {
    const node = this.#node;
    if (node.destroyed || node.closed) return;
    const { status, fields } = this.#isTunnel ? this.#tunnelHead(head) : head;
    if (node.closed) return;
    this.#isBodiless =
      this.#request.head.method === "HEAD" || status === 204 || status === 205 || status === 304;
    const headers = withFields({ ":status": status }, fields.flat);
    // After a length nobody waits for trailers, and the last frame of data ends the stream.
    const mayHaveTrailers = !end && !this.#isBodiless && !this.#isOpen;
    const waitForTrailers = mayHaveTrailers && !fields.has("content-length");
    try {
      node.respond(headers, { endStream: end, waitForTrailers });
    } catch {
      this.#fail("protocol-error", "a field that HTTP/2 cannot carry");
      return;
    }
    if (end || this.#isBodiless) this.#afterEnd();
  }

  // RFC 8441 §5: 200 is what 101 is in HTTP/1.1. Where upstream has answered 200 it has not taken
  // the upgrade, and its response must not pass for a yes.
  #tunnelHead({ status, fields }: ResponseHead): ResponseHead {
    if (status !== 101) return { status: status >= 200 && status < 300 ? 502 : status, fields };
    const sent = fields.copy();
    sent.remove("sec-websocket-accept");
    sent.remove("content-length");
    if (this.#key !== undefined && fields.get("sec-websocket-accept") !== acceptOf(this.#key)) {
      this.#fail("protocol-error", "upstream has not read the WebSocket's key");
      return { status: 502, fields: sent };
    }
    this.#isOpen = true;
    this.#node.resume();
    return { status: 200, fields: sent };
  }

  sendData(chunk: Uint8Array, end: boolean): boolean {
    const node = this.#node;
    this.#onActivity();
    if (this.#isBodiless || node.destroyed || node.closed || node.writableEnded) return true;
    if (!end) return this.#buffer.write(node, chunk);
    if (chunk.length === 0) node.end();
    else node.end(chunk);
    this.#afterEnd();
    return true;
  }

  sendTrailers(fields: Fields): void {
    this.#trailersOut = fields.flat;
    this.sendData(nothing, true);
  }

  // §8.1: a server that has answered in full may tell the client to stop sending.
  #afterEnd(): void {
    const node = this.#node;
    // A tunnel's directions end on their own.
    if (this.#hasEndedIn || this.#isOpen) return;
    this.#receiver = undefined;
    node.resume();
    const stop = (): void => node.close(constants.NGHTTP2_NO_ERROR);
    if (node.writableFinished) stop();
    else node.once("finish", stop);
  }

  reset(reason: ResetReason): void {
    this.#receiver = undefined;
    if (!this.#node.closed) this.#node.close(codeOf(reason));
  }

  pause(): void {
    this.#node.pause();
  }

  resume(): void {
    if (this.#isOpen || !this.#isTunnel) this.#node.resume();
  }

  #onActivity(): void {
    this.#idle.set(this.#silenceMs);
  }

  #onIdle(): void {
    this.connection.shared.counters.timeouts["stream-idle"]++;
    this.#fail("overload", "the stream was idle");
  }

  #fail(reason: ResetReason, detail: string): void {
    const receiver = this.#receiver;
    this.reset(reason);
    if (receiver) queueMicrotask(() => receiver.onReset(reason, detail));
  }

  #onClose(): void {
    this.#idle.dispose();
    this.connection.onStreamEnd();
    const receiver = this.#receiver;
    this.#receiver = undefined;
    const { aborted, rstCode, writableFinished } = this.#node;
    const isWhole = this.#hasEndedIn && rstCode === constants.NGHTTP2_NO_ERROR && !aborted;
    if (isWhole && writableFinished) return;
    receiver?.onReset(reasonOf(rstCode, "cancelled"), "the client reset the stream");
  }
}
