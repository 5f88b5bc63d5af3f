// One request that goes out by HTTP/2, and its response.
import {
  type ClientHttp2Stream,
  constants,
  type OutgoingHttpHeaders,
  type ClientSessionRequestOptions as StreamOptions,
} from "node:http2";
import type {
  ClientStream,
  RequestHead,
  ResetReason,
  ResponseHead,
  ResponseReceiver,
} from "../codec.ts";
import { Fields } from "../fields.ts";
import { readHttp2Response, readHttp2Trailers } from "../rules/http2-fields.ts";
import { isRefusal } from "../rules/refusals.ts";
import { Deadline } from "./deadline.ts";
import type { Http2ClientConnection } from "./http2-client.ts";
import { codeOf, reasonOf, windowBytes, withFields } from "./http2-parts.ts";
import { OutgoingBuffer } from "./outgoing-buffer.ts";
import { acceptOf } from "./websocket-handshake.ts";

const nothing = new Uint8Array(0);

type RawListener = (headers: object, flags: number, raw: string[]) => void;

/** A stream that we begin. */
export class Http2ClientStream implements ClientStream {
  readonly #connection: Http2ClientConnection;
  readonly #idle: Deadline;
  readonly #buffer: OutgoingBuffer;
  #receiver: ResponseReceiver | undefined;
  #node: ClientHttp2Stream | undefined;
  #hasHead = false;
  #hasEnded = false;
  #isOver = false;
  // Of an extended CONNECT.
  #upgrade: string | undefined;
  #key: string | undefined;
  #isPaused = false;
  #trailersIn: Fields | undefined;
  #trailersOut: readonly string[] = [];

  constructor(connection: Http2ClientConnection, receiver: ResponseReceiver) {
    this.#connection = connection;
    this.#receiver = receiver;
    const { clock, limits } = connection.shared;
    this.#idle = new Deadline(clock, () => this.#onIdle());
    this.#buffer = new OutgoingBuffer(Math.min(limits.bufferBytesMax, windowBytes), {
      onLeft: () => this.#onActivity(),
      onRoom: () => this.#receiver?.onWritable(),
    });
  }

  sendHead(head: RequestHead, end: boolean): void {
    this.#onActivity();
    if (head.upgrade === undefined) {
      const waitForTrailers = !end && !head.fields.has("content-length");
      this.#request(head, { ":method": head.method }, { endStream: end, waitForTrailers });
    } else this.#connection.askForConnect((isTaken) => this.#connectTo(head, isTaken));
  }

  // RFC 8441 §5: an upgrade of HTTP/1.1 is an extended CONNECT, and has no key.
  #connectTo(head: RequestHead, isTaken: boolean): void {
    if (this.#isOver) return;
    if (!isTaken) {
      this.#fail("protocol-error", "upstream takes no extended CONNECT");
      this.#onClose();
      return;
    }
    this.#upgrade = head.upgrade;
    this.#key = head.fields.get("sec-websocket-key");
    const fields = head.fields.copy();
    fields.remove("sec-websocket-key");
    fields.remove("content-length");
    const pseudo = { ":method": "CONNECT", ":protocol": head.upgrade };
    this.#request({ ...head, fields }, pseudo, { endStream: false });
  }

  #request(head: RequestHead, pseudo: OutgoingHttpHeaders, options: StreamOptions): void {
    const { scheme, authority, path, fields } = head;
    const headers = withFields(
      { ...pseudo, ":scheme": scheme, ":authority": authority, ":path": path },
      fields.flat,
    );
    try {
      this.#node = this.#connection.session.request(headers, options);
    } catch {
      // The session closed between `capacity` and now, or a field is not for HTTP/2.
      this.#fail(this.#connection.capacity === 0 ? "refused" : "protocol-error", "not sent");
      this.#onClose();
      return;
    }
    this.#listen(this.#node);
  }

  #listen(node: ClientHttp2Stream): void {
    const on = (event: string, listener: RawListener): void => {
      node.on(event, listener as () => void);
    };
    on("response", (_headers, flags, raw) => this.#onResponse(flags, raw));
    on("headers", (_headers, _flags, raw) => this.#onInformational(raw));
    on("trailers", (_headers, _flags, raw) => this.#onTrailers(raw));
    node.on("data", (chunk: Buffer) => {
      this.#onActivity();
      this.#receiver?.onData(chunk, false);
    });
    node.on("end", () => this.#onEnd());
    node.on("wantTrailers", () => node.sendTrailers(withFields({}, this.#trailersOut)));
    node.on("error", () => {});
    node.on("close", () => this.#onClose());
    if (this.#isPaused) node.pause();
  }

  sendData(chunk: Uint8Array, end: boolean): boolean {
    const node = this.#node;
    if (node === undefined || node.destroyed || node.closed || node.writableEnded) return true;
    this.#onActivity();
    if (!end) return this.#buffer.write(node, chunk);
    if (chunk.length === 0) node.end();
    else node.end(chunk);
    return true;
  }

  sendTrailers(fields: Fields): void {
    this.#trailersOut = fields.flat;
    this.sendData(nothing, true);
  }

  reset(reason: ResetReason): void {
    this.#receiver = undefined;
    const node = this.#node;
    if (node === undefined) this.#onClose();
    // A response that is whole and a request that is not: nothing went wrong (§8.1).
    else if (!node.closed) node.close(this.#hasEnded ? constants.NGHTTP2_NO_ERROR : codeOf(reason));
  }

  pause(): void {
    this.#isPaused = true;
    this.#node?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#node?.resume();
  }

  #onInformational(raw: readonly string[]): void {
    const head = readHttp2Response(raw);
    if (isRefusal(head)) this.#refuse(head);
    else if (!this.#hasHead) this.#receiver?.onInformational(head);
  }

  #onResponse(flags: number, raw: readonly string[]): void {
    this.#onActivity();
    const head = readHttp2Response(raw);
    if (isRefusal(head)) return this.#refuse(head);
    this.#hasHead = true;
    const isTunnel = this.#upgrade !== undefined && head.status >= 200 && head.status < 300;
    if (isTunnel) return this.#onTunnel(head);
    this.#hasEnded = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const receiver = this.#receiver;
    if (this.#hasEnded) this.#receiver = undefined;
    receiver?.onHead(head, this.#hasEnded);
  }

  // A stream that ends with its head tells so by its 'end'.
  #onTunnel({ fields }: ResponseHead): void {
    if (this.#upgrade === "websocket" && this.#key !== undefined) {
      fields.set("sec-websocket-accept", acceptOf(this.#key));
    }
    fields.remove("content-length");
    this.#receiver?.onHead({ status: 101, fields }, false);
  }

  #onTrailers(raw: readonly string[]): void {
    const flat = readHttp2Trailers(raw);
    if (isRefusal(flat)) this.#refuse(flat);
    else this.#trailersIn = new Fields(flat);
  }

  #onEnd(): void {
    // node ends a stream that was reset, too.
    if (this.#hasEnded || !this.#hasHead || this.#node?.aborted || this.#node?.rstCode) return;
    this.#hasEnded = true;
    const receiver = this.#receiver;
    // Of a tunnel the other direction may go on, or break.
    if (this.#upgrade === undefined) this.#receiver = undefined;
    if (this.#trailersIn) receiver?.onTrailers(this.#trailersIn);
    else receiver?.onData(nothing, true);
  }

  #refuse(rule: string): void {
    this.#connection.shared.counters.badResponses++;
    this.#fail("protocol-error", `upstream: ${rule}`);
  }

  #onActivity(): void {
    this.#idle.set(this.#connection.shared.limits.streamIdleTimeoutMs);
  }

  #onIdle(): void {
    this.#connection.shared.counters.timeouts["stream-idle"]++;
    this.#fail("overload", "the stream was idle");
  }

  #fail(reason: ResetReason, detail: string): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    if (this.#node && !this.#node.closed) this.#node.close(codeOf(reason));
    if (receiver) queueMicrotask(() => receiver.onReset(reason, detail));
  }

  #onClose(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#idle.dispose();
    if (this.#hasEnded && this.#node?.rstCode === constants.NGHTTP2_NO_ERROR) {
      this.#receiver = undefined;
    }
    const lost = this.#hasHead ? "connection-termination" : "connection-failure";
    const { session } = this.#connection;
    // A socket that breaks makes node cancel its streams: that is not the server's CANCEL.
    const code = session.destroyed || session.socket?.destroyed ? undefined : this.#node?.rstCode;
    this.#fail(reasonOf(code, lost), "upstream reset the stream");
    this.#connection.onStreamEnd();
  }
}
