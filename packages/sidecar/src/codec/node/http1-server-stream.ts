// One request and its response on a connection of HTTP/1.1, by node:http's streams.
import type { IncomingMessage, ServerResponse } from "node:http";
import type {
  RequestHead,
  ResetReason,
  ResponseHead,
  ServerStream,
  StreamReceiver,
} from "../codec.ts";
import { Fields } from "../fields.ts";
import type { Http1RequestHead } from "../rules/request-head.ts";
import {
  endWith,
  flushHead,
  flushHeadSoon,
  hasNoBody,
  informationalMessage,
  sendableHead,
} from "./http1-messages.ts";
import type { Http1ServerConnection } from "./http1-server.ts";
import { OutgoingBuffer } from "./outgoing-buffer.ts";

const nothing = new Uint8Array(0);

/** A request that came in by HTTP/1.1. */
export class Http1ServerStream implements ServerStream {
  readonly connection: Http1ServerConnection;
  readonly #head: Http1RequestHead;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #receiver: StreamReceiver<RequestHead> | undefined;
  #hasEndedIn = false;
  #isBodiless = false;
  #hasWritten = false;
  #buffer: OutgoingBuffer | undefined;
  // What Content-Length has promised and is still owed; undefined without it.
  #owed: number | undefined;

  constructor(
    connection: Http1ServerConnection,
    head: Http1RequestHead,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    this.connection = connection;
    this.#head = head;
    this.#request = request;
    this.#response = response;
    response.on("finish", () => this.#onFinish());
  }

  get hasSentHead(): boolean {
    return this.#response.headersSent;
  }

  /** Shows the request. */
  begin(receiver: StreamReceiver<RequestHead>): void {
    this.#receiver = receiver;
    const { bodyBytes, head } = this.#head;
    const request = this.#request;
    // Without an 'error' listener a client that goes away would end the process.
    request.on("error", () => {});
    if (bodyBytes === 0) {
      this.#hasEndedIn = true;
      request.resume();
      receiver.onHead(head, true);
      return;
    }
    receiver.onHead(head, false);
    let left = bodyBytes;
    request.on("data", (chunk: Buffer) => {
      if (this.#hasEndedIn) return;
      left -= chunk.length;
      // The last byte is the end: nobody waits a turn for node's 'end'.
      this.#hasEndedIn = left === 0;
      this.#receiver?.onData(chunk, left === 0);
    });
    request.on("end", () => this.#endIn());
  }

  #endIn(): void {
    if (this.#hasEndedIn) return;
    this.#hasEndedIn = true;
    const { trailers } = this.connection;
    if (trailers.length > 0) this.#receiver?.onTrailers(new Fields(trailers));
    else this.#receiver?.onData(nothing, true);
  }

  limitSilence(ms: number): void {
    this.connection.limitSilence(ms);
  }

  sendInformational(head: ResponseHead): void {
    if (this.#response.headersSent || this.#head.head.protocol === "http/1.0") return;
    if (head.status === 100) this.#response.writeContinue();
    else this.#response.socket?.write(informationalMessage(head), "latin1");
  }

  sendHead(head: ResponseHead, end: boolean): void {
    const response = this.#response;
    const isHead = this.#head.head.method === "HEAD";
    this.#isBodiless = isHead || hasNoBody(head.status);
    const mayBeChunked = !this.#isBodiless && !end && this.#head.head.protocol !== "http/1.0";
    const sent = sendableHead(head, { isEmpty: end && !isHead, mayBeChunked });
    const length = this.#isBodiless ? undefined : sent.get("content-length");
    this.#owed = length === undefined ? undefined : Number(length);
    response.shouldKeepAlive = this.#head.isPersistent && !this.connection.isDraining;
    try {
      response.writeHead(head.status, sent.flat);
    } catch {
      // A field that somebody added on the way: node writes none that would break the head apart.
      this.connection.destroy();
      return;
    }
    if (end) this.#end(nothing);
    // Most bodies begin in the same turn: then head and body leave in one write. A head whose body
    // takes its time does not wait for it.
    else flushHeadSoon(this);
  }

  /** The head leaves without the body's beginning. */
  flushHead(): void {
    if (!this.#hasWritten && !this.#response.destroyed) flushHead(this.#response);
  }

  sendData(chunk: Uint8Array, end: boolean): boolean {
    this.connection.onActivity();
    if (this.#isBodiless) {
      if (end) this.#end(nothing);
      return true;
    }
    if (this.#owed !== undefined) {
      this.#owed -= chunk.length;
      // More, or less, than was promised: the client would take the rest for the next response.
      if (this.#owed < 0 || (end && this.#owed > 0)) {
        this.reset("protocol-error");
        return true;
      }
    }
    if (end) {
      this.#end(chunk);
      return true;
    }
    this.#hasWritten = true;
    this.#buffer ??= new OutgoingBuffer(this.connection.bufferBytesMax, {
      onLeft: () => this.connection.onActivity(),
      onRoom: () => this.#receiver?.onWritable(),
    });
    return this.#buffer.write(this.#response, chunk);
  }

  sendTrailers(fields: Fields): void {
    // Without chunks there is no place for trailers (RFC 9112 §7.1.2), and they may be dropped.
    const { flat } = fields;
    const pairs: [string, string][] = [];
    for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i]!, flat[i + 1]!]);
    if (this.#owed === undefined) this.#response.addTrailers(pairs);
    this.sendData(nothing, true);
  }

  #end(chunk: Uint8Array): void {
    if (this.#hasWritten && chunk.length > 0) this.#response.end(chunk);
    else endWith(this.#response, chunk);
    this.#hasWritten = true;
  }

  reset(_reason: ResetReason): void {
    this.#receiver = undefined;
    this.connection.destroy();
  }

  pause(): void {
    this.#request.pause();
  }

  resume(): void {
    this.#request.resume();
  }

  /** The connection is lost, or given up, before the response has left. */
  onConnectionLost(detail: string, reason: ResetReason = "cancelled"): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    receiver?.onReset(reason, detail);
  }

  #onFinish(): void {
    this.#receiver = undefined;
    this.connection.onStreamEnd(!this.#response.shouldKeepAlive);
  }
}
