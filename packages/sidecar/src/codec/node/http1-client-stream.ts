// One request that goes out by HTTP/1.1, and its response.
import { type ClientRequest, type IncomingMessage, request as nodeRequest } from "node:http";
import type { Socket } from "node:net";
import type { ClientStream, RequestHead, ResetReason, ResponseReceiver } from "../codec.ts";
import { Fields } from "../fields.ts";
import {
  type ConnectionFacts,
  isTrailerAllowed,
  readConnectionFields,
} from "../rules/connection-fields.ts";
import { isRefusal } from "../rules/refusals.ts";
import type { Http1ClientConnection } from "./http1-client.ts";
import { endWith, flushHead, flushHeadSoon, hasNoBody } from "./http1-messages.ts";
import { OutgoingBuffer } from "./outgoing-buffer.ts";

const nothing = new Uint8Array(0);

/** A request that goes out. */
export class Http1ClientStream implements ClientStream {
  readonly #connection: Http1ClientConnection;
  readonly #bytesReadBefore: number;
  #receiver: ResponseReceiver | undefined;
  #request: ClientRequest | undefined;
  #response: IncomingMessage | undefined;
  #tunnel: Socket | undefined;
  #buffer: OutgoingBuffer | undefined;
  #isPaused = false;
  #hasHead = false;
  #isIdle = false;
  #isHead = false;
  #upgrade: string | undefined;
  #hasWritten = false;
  // Of Content-Length: what is still owed to upstream, and what upstream owes.
  #owed: number | undefined;
  #owedByUpstream: number | undefined;

  constructor(connection: Http1ClientConnection, receiver: ResponseReceiver) {
    this.#connection = connection;
    this.#receiver = receiver;
    this.#bytesReadBefore = connection.socket.bytesRead;
  }

  sendHead(head: RequestHead, end: boolean): void {
    const length = head.fields.get("content-length");
    this.#owed = length === undefined ? undefined : Number(length);
    this.#isHead = head.method === "HEAD";
    this.#upgrade = head.upgrade;
    const request = this.#makeRequest(head, end);
    if (request === undefined) return;
    this.#request = request;
    request.maxHeadersCount = 0;
    request.on("response", (response) => this.#onResponse(response));
    request.on("information", ({ statusCode, rawHeaders }) => {
      const facts = this.#readFacts(rawHeaders);
      if (facts === undefined) return;
      const fields = new Fields(facts.flat);
      this.#receiver?.onInformational({ status: statusCode, fields });
    });
    request.on("upgrade", (response, socket, first) => {
      this.#onTunnel(response, socket as Socket, first);
    });
    request.on("error", (error) => this.#onError(error));
    if (end) request.end();
    // The beginning of a body that is there already leaves together with the head.
    else flushHeadSoon(this);
  }

  #makeRequest(head: RequestHead, end: boolean): ClientRequest | undefined {
    const { agent, shared } = this.#connection;
    try {
      return nodeRequest({
        agent,
        method: head.method,
        path: head.path,
        headers: sentFields(head, end),
        setHost: false,
        insecureHTTPParser: false,
        maxHeaderSize: shared.limits.headersBytesMax,
      });
    } catch (error) {
      // A field that somebody added on the way: node writes none that would break the head apart.
      this.#fail("protocol-error", String(error));
      return undefined;
    }
  }

  /** The head leaves without the body's beginning. */
  flushHead(): void {
    if (!this.#hasWritten && this.#request?.destroyed === false) flushHead(this.#request);
  }

  sendData(chunk: Uint8Array, end: boolean): boolean {
    const out = this.#tunnel ?? this.#request;
    if (out === undefined || out.destroyed || out.writableEnded) return true;
    this.#connection.onActivity();
    if (this.#owed !== undefined) {
      this.#owed -= chunk.length;
      // What does not add up would begin, or swallow, the next request of this connection.
      if (this.#owed < 0 || (end && this.#owed > 0)) {
        this.#fail("protocol-error", "the body is not as long as Content-Length says");
        return true;
      }
    }
    // Whoever does not take the upgrade would read the next request here.
    if (this.#upgrade !== undefined && this.#tunnel === undefined && chunk.length > 0) {
      this.#fail("protocol-error", "bytes of a protocol that has not begun");
      return true;
    }
    const isFirst = !this.#hasWritten;
    this.#hasWritten = true;
    if (!end) return this.#bufferFor().write(out, chunk);
    if (isFirst && out === this.#request) endWith(out, chunk);
    else if (chunk.length === 0) out.end();
    else out.end(chunk);
    return true;
  }

  #bufferFor(): OutgoingBuffer {
    this.#buffer ??= new OutgoingBuffer(this.#connection.shared.limits.bufferBytesMax, {
      onLeft: () => this.#connection.onActivity(),
      onRoom: () => this.#receiver?.onWritable(),
    });
    return this.#buffer;
  }

  sendTrailers(fields: Fields): void {
    const { flat } = fields;
    const pairs: [string, string][] = [];
    for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i]!, flat[i + 1]!]);
    if (this.#owed === undefined) this.#request?.addTrailers(pairs);
    this.sendData(nothing, true);
  }

  reset(_reason: ResetReason): void {
    this.#receiver = undefined;
    this.#connection.destroy();
  }

  pause(): void {
    this.#isPaused = true;
    (this.#tunnel ?? this.#response)?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    (this.#tunnel ?? this.#response)?.resume();
  }

  /** No byte has moved for too long; the connection is about to be closed. */
  onIdle(): void {
    this.#isIdle = true;
    this.#fail("overload", "the stream was idle");
  }

  #onResponse(response: IncomingMessage): void {
    this.#connection.onActivity();
    const facts = this.#readFacts(response.rawHeaders);
    if (facts === undefined) return;
    // RFC 9112 §6.1: whoever does not know chunks would take them for content.
    if (facts.isChunked && response.httpVersionMinor === 0) return this.#refuse("coding-in-1.0");
    const status = response.statusCode!;
    // Below 200 node shows a 101 without Upgrade as a response: passed on, it would make the client
    // take the next response for another protocol (RFC 9110 §15.2.2).
    if (status < 200 || status > 599) return this.#refuse("status");
    if (response.httpVersionMajor !== 1) return this.#refuse("version");
    this.#response = response;
    this.#hasHead = true;
    const isEmpty = this.#isHead || hasNoBody(status) || facts.contentLength === 0;
    this.#owedByUpstream = facts.contentLength;
    response.on("error", () => {});
    response.on("data", (chunk: Buffer) => this.#onData(chunk));
    response.on("end", () => this.#onEnd(response));
    response.on("close", () => {
      if (!response.complete) this.#fail("connection-termination", "the response was cut short");
    });
    if (this.#isPaused) response.pause();
    this.#receiver?.onHead({ status, fields: new Fields(facts.flat) }, isEmpty);
    if (isEmpty) this.#receiver = undefined;
  }

  #onData(chunk: Buffer): void {
    this.#connection.onActivity();
    if (this.#owedByUpstream !== undefined) this.#owedByUpstream -= chunk.length;
    const receiver = this.#receiver;
    const isLast = this.#owedByUpstream === 0;
    if (isLast) this.#receiver = undefined;
    receiver?.onData(chunk, isLast);
  }

  #onEnd(response: IncomingMessage): void {
    if (!response.complete) return;
    const receiver = this.#receiver;
    this.#receiver = undefined;
    const trailers = allowedTrailers(response.rawTrailers);
    if (trailers.length > 0) receiver?.onTrailers(new Fields(trailers));
    else receiver?.onData(nothing, true);
  }

  #onTunnel(response: IncomingMessage, socket: Socket, first: Buffer): void {
    const facts = this.#readFacts(response.rawHeaders);
    if (facts === undefined) return;
    // RFC 9110 §7.8: a server switches to what it was asked for, or not at all.
    if (this.#upgrade === undefined || facts.upgrade !== this.#upgrade) {
      return this.#refuse("an upgrade not asked for");
    }
    this.#tunnel = socket;
    this.#hasHead = true;
    this.#receiver?.onHead({ status: 101, fields: new Fields(facts.flat) }, false);
    if (first.length > 0) socket.unshift(first);
    socket.on("data", (chunk: Buffer) => {
      this.#connection.onActivity();
      this.#receiver?.onData(chunk, false);
    });
    socket.on("end", () => this.#receiver?.onData(nothing, true));
    socket.on("close", () => {
      if (!socket.readableEnded) this.#fail("connection-termination", "the tunnel broke");
    });
    if (this.#isPaused) socket.pause();
    else socket.resume();
  }

  // What upstream says is held to the rules of its clients: a response has one length too.
  #readFacts(raw: readonly string[]): ConnectionFacts | undefined {
    const facts = readConnectionFields(lowerCased(raw));
    if (!isRefusal(facts)) return facts;
    this.#refuse(facts);
    return undefined;
  }

  #refuse(rule: string): void {
    this.#connection.shared.counters.badResponses++;
    this.#fail("protocol-error", `upstream: ${rule}`);
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (error.code?.startsWith("HPE_")) {
      this.#refuse(error.code);
    } else {
      const hasBegun = this.#hasHead || this.#connection.socket.bytesRead > this.#bytesReadBefore;
      const reason = hasBegun ? "connection-termination" : "connection-failure";
      this.#fail(this.#isIdle ? "overload" : reason, error.message);
    }
  }

  #fail(reason: ResetReason, detail: string): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#connection.destroy();
    // Not from inside a call of the receiver's owner, who may be sending.
    if (receiver) queueMicrotask(() => receiver.onReset(reason, detail));
  }
}

function sentFields(head: RequestHead, end: boolean): string[] {
  const { method, upgrade } = head;
  const isChunked = !end && upgrade === undefined && !head.fields.has("content-length");
  const flat = ["host", head.authority];
  head.fields.forEach((name, value) => {
    // TE belongs to the connection, and trailers come without it (RFC 9110 §10.1.4); what Trailer
    // announces can come behind chunks alone.
    if (name !== "te" && (isChunked || name !== "trailer")) flat.push(name, value);
  });
  if (upgrade !== undefined) flat.push("connection", "Upgrade", "upgrade", upgrade);
  else if (isChunked) flat.push("transfer-encoding", "chunked");
  else if (end && expectsBody.has(method) && !head.fields.has("content-length")) {
    flat.push("content-length", "0");
  }
  return flat;
}

// Methods for which no length would leave a server in doubt (RFC 9110 §8.6).
const expectsBody: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

function lowerCased(raw: readonly string[]): string[] {
  const flat = raw.slice();
  for (let i = 0; i < flat.length; i += 2) flat[i] = flat[i]!.toLowerCase();
  return flat;
}

function allowedTrailers(raw: readonly string[]): string[] {
  if (raw.length === 0) return [];
  const flat = lowerCased(raw);
  const kept: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    if (isTrailerAllowed(flat[i]!)) kept.push(flat[i]!, flat[i + 1]!);
  }
  return kept;
}
