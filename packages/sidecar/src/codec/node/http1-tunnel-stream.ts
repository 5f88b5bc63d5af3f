// An upgrade (RFC 9110 §7.8): HTTP up to a 101, bytes after it. When the answer is another, it is
// an ordinary response, and the last of its connection: node has let go of the socket by then, and
// nobody reads requests there any more.
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type {
  RequestHead,
  ResetReason,
  ResponseHead,
  ServerStream,
  StreamReceiver,
} from "../codec.ts";
import type { Fields } from "../fields.ts";
import type { Http1RequestHead } from "../rules/request-head.ts";
import { flushHead, hasNoBody, informationalMessage, sendableHead } from "./http1-messages.ts";
import type { Http1ServerConnection } from "./http1-server.ts";
import { OutgoingBuffer } from "./outgoing-buffer.ts";

const nothing = new Uint8Array(0);

/** A request for another protocol on its connection. */
export class Http1TunnelStream implements ServerStream {
  readonly connection: Http1ServerConnection;
  readonly #socket: Socket;
  readonly #head: Http1RequestHead;
  readonly #request: IncomingMessage;
  #receiver: StreamReceiver<RequestHead> | undefined;
  #response: ServerResponse | undefined;
  #buffer: OutgoingBuffer | undefined;
  #isOpen = false;
  #hasEndedIn = false;

  constructor(
    connection: Http1ServerConnection,
    socket: Socket,
    head: Http1RequestHead,
    request: IncomingMessage,
  ) {
    this.connection = connection;
    this.#socket = socket;
    this.#head = head;
    this.#request = request;
  }

  /** Shows the request, whose body is what comes after a 101. */
  begin(receiver: StreamReceiver<RequestHead>): void {
    this.#receiver = receiver;
    // Bytes that come before the 101 wait: they are of a protocol that has not begun.
    this.#socket.pause();
    receiver.onHead(this.#head.head, false);
  }

  limitSilence(ms: number): void {
    this.connection.limitSilence(ms);
  }

  sendInformational(head: ResponseHead): void {
    if (!this.#isOpen && this.#response === undefined) {
      this.#socket.write(informationalMessage(head), "latin1");
    }
  }

  sendHead(head: ResponseHead, end: boolean): void {
    if (head.status === 101) this.#open(head);
    else this.#respond(head, end);
  }

  #open(head: ResponseHead): void {
    this.#isOpen = true;
    const connection = `connection: Upgrade\r\nupgrade: ${this.#head.head.upgrade}\r\n`;
    this.#socket.write(informationalMessage(head, connection), "latin1");
    this.#socket.on("data", (chunk: Buffer) => {
      this.connection.onActivity();
      this.#receiver?.onData(chunk, false);
    });
    this.connection.becomeTunnel();
    this.#socket.on("end", () => {
      if (this.#hasEndedIn) return;
      this.#hasEndedIn = true;
      this.#receiver?.onData(nothing, true);
    });
    this.#socket.resume();
  }

  #respond(head: ResponseHead, end: boolean): void {
    const response = new ServerResponse(this.#request);
    this.#response = response;
    response.assignSocket(this.#socket);
    response.shouldKeepAlive = false;
    response.on("finish", () => {
      this.#receiver = undefined;
      response.detachSocket(this.#socket);
      this.connection.onStreamEnd(true);
    });
    const { flat } = sendableHead(head, { isEmpty: end, mayBeChunked: !end });
    response.writeHead(head.status, flat);
    if (end || hasNoBody(head.status)) response.end();
    else flushHead(response);
  }

  sendData(chunk: Uint8Array, end: boolean): boolean {
    this.connection.onActivity();
    const out = this.#response ?? this.#socket;
    if (out.writableEnded) return true;
    if (end) {
      out.end(chunk);
      return true;
    }
    this.#buffer ??= new OutgoingBuffer(this.connection.bufferBytesMax, {
      onLeft: () => this.connection.onActivity(),
      onRoom: () => this.#receiver?.onWritable(),
    });
    return this.#buffer.write(out, chunk);
  }

  sendTrailers(_fields: Fields): void {
    this.sendData(nothing, true);
  }

  reset(_reason: ResetReason): void {
    this.#receiver = undefined;
    this.connection.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (this.#isOpen) this.#socket.resume();
  }

  /** The socket is closed. */
  onConnectionLost(detail: string, reason: ResetReason = "cancelled"): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    const isOver = this.#hasEndedIn && this.#socket.writableFinished;
    if (!isOver) receiver?.onReset(reason, detail);
  }
}
