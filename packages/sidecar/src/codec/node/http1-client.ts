// HTTP/1.1 towards upstream: one connection, one request at a time, by node:http's ClientRequest on
// an agent that has this one socket and no mind of its own; pooling stands above the codec.
import { Agent, type ClientRequest } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "@compendium/runtime";
import type {
  ClientConnection,
  ClientStream,
  CodecLimits,
  Protocol,
  ResponseReceiver,
} from "../codec.ts";
import type { Counters } from "./counters.ts";
import { Deadline } from "./deadline.ts";
import { Http1ClientStream } from "./http1-client-stream.ts";

/** What all connections of one client codec share. */
export interface ClientShared {
  readonly limits: CodecLimits;
  readonly clock: Clock;
  readonly counters: Counters;
}

// What ClientRequest asks of an agent, beside its options.
class SocketAgent extends Agent {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#socket = socket;
  }

  addRequest(request: ClientRequest): void {
    request.onSocket(this.#socket);
  }
}

/** A connection to an HTTP/1.1 server. */
export class Http1ClientConnection implements ClientConnection {
  readonly protocol: Protocol = "http/1.1";
  readonly closed: Promise<void>;
  readonly shared: ClientShared;
  readonly socket: Socket;
  readonly agent: Agent;
  readonly #deadline: Deadline;
  readonly #onCapacity: () => void;
  #stream: Http1ClientStream | undefined;
  #isDraining = false;

  constructor(shared: ClientShared, socket: Socket, onCapacity: () => void) {
    this.shared = shared;
    this.socket = socket;
    this.agent = new SocketAgent(socket);
    this.#onCapacity = onCapacity;
    this.#deadline = new Deadline(shared.clock, () => this.#onDeadline());
    this.#deadline.set(shared.limits.idleTimeoutMs);
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#deadline.dispose();
        resolve();
      });
    });
    socket.on("error", () => {});
    socket.on("free", () => this.#onFree());
    // Between requests a server may say only that it closes; anything else would be taken for the
    // answer to the next request (RFC 9112 §9.2: no response without a request).
    socket.on("data", () => {
      if (this.#stream === undefined) socket.destroy();
    });
    socket.on("end", () => {
      if (this.#stream === undefined) socket.destroy();
    });
  }

  get streams(): number {
    return this.#stream === undefined ? 0 : 1;
  }

  get capacity(): number {
    const { socket } = this;
    const isOpen = socket.writable && !socket.readableEnded && !socket.destroyed;
    return this.#stream === undefined && isOpen && !this.#isDraining ? 1 : 0;
  }

  start(receiver: ResponseReceiver): ClientStream {
    if (this.capacity === 0) throw new Error("the connection takes no stream now");
    this.onActivity();
    this.#stream = new Http1ClientStream(this, receiver);
    return this.#stream;
  }

  drain(): void {
    this.#isDraining = true;
    if (this.#stream === undefined) this.socket.destroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** A byte went in or out. */
  onActivity(): void {
    this.#deadline.set(this.shared.limits.streamIdleTimeoutMs);
  }

  // Node has let go of the socket: request and response have ended, and neither closes it.
  #onFree(): void {
    this.#stream = undefined;
    if (this.#isDraining) this.socket.destroy();
    if (this.socket.destroyed) return;
    this.#deadline.set(this.shared.limits.idleTimeoutMs);
    this.#onCapacity();
  }

  #onDeadline(): void {
    this.shared.counters.timeouts[this.#stream === undefined ? "idle" : "stream-idle"]++;
    this.#stream?.onIdle();
    this.socket.destroy();
  }
}
