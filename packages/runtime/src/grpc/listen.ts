// The accepting end. The sockets are ours and are handed to grpc-js one by one, so that a port in
// use is a typed error, a listener can close while its links live on, a certificate can be
// replaced, and a link that is destroyed is gone at once. A connection has one link; one that has
// not become a link in time is closed, whatever it is.
import * as net from "node:net";
import * as tls from "node:tls";
import {
  type ConnectionInjector,
  Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  status,
} from "@grpc/grpc-js";
import { RuntimeError } from "../error.ts";
import { formatAddress, parseAddress } from "../node/address.ts";
import type { Listener } from "../transport.ts";
import type { WireSettings } from "./connect.ts";
import { frameBytesMax } from "./grpc-link.ts";
import { linkMethod, type Wire, type WireListener } from "./wire.ts";

/** What a listener is told beside the settings of its connections. */
export interface ListenSettings extends WireSettings {
  readonly linksMax: number;
  readonly onWire: (wire: Wire) => void;
  readonly counts: ListenCounts;
}

/** What the listeners of a transport count together. */
export interface ListenCounts {
  /** Connections closed on arrival, because a listener held `linksMax`. */
  linksRefused: number;
  /** Connections that ended, or were ended, before they became a link. */
  handshakesFailed: number;
  /** Connections that the operating system could not hand over, for lack of descriptors mostly. */
  acceptErrors: number;
}

// A connection that is not a link yet has a timer; one that is has none.
interface Arrival {
  readonly socket: net.Socket;
  timer: NodeJS.Timeout | undefined;
}

/** A port that takes links. */
export class GrpcListener implements Listener {
  readonly #settings: ListenSettings;
  readonly #acceptor: net.Server | tls.Server;
  readonly #injector: ConnectionInjector;
  readonly #arrivals = new Map<string, Arrival>();
  #address = "";
  #onClose: (() => void) | undefined;

  private constructor(settings: ListenSettings) {
    this.#settings = settings;
    this.#injector = this.#server().createConnectionInjector(ServerCredentials.createInsecure());
    this.#acceptor = this.#makeAcceptor();
    this.#acceptor.maxConnections = settings.linksMax;
    this.#acceptor.on("drop", () => settings.counts.linksRefused++);
  }

  /**
   * Listens.
   *
   * @throws RuntimeError `ADDRESS_IN_USE`, `CONNECT_FAILED`
   */
  static async open(address: string, settings: ListenSettings): Promise<GrpcListener> {
    const { host, port } = parseAddress("address", address);
    const listener = new GrpcListener(settings);
    const acceptor = listener.#acceptor;
    await new Promise<void>((resolve, reject) => {
      acceptor.once("listening", resolve);
      acceptor.once("error", (cause: NodeJS.ErrnoException) => {
        const code = cause.code === "EADDRINUSE" ? "ADDRESS_IN_USE" : "CONNECT_FAILED";
        reject(new RuntimeError(code, `listen on ${address}: ${cause.code}`, cause));
      });
      acceptor.listen({ host, port });
    });
    // Without a listener for it, running out of descriptors would end the process.
    acceptor.on("error", () => settings.counts.acceptErrors++);
    const bound = acceptor.address() as net.AddressInfo;
    listener.#address = formatAddress(bound.address, bound.port);
    return listener;
  }

  get address(): string {
    return this.#address;
  }

  /** What to do when it is closed. */
  set onClose(onClose: () => void) {
    this.#onClose = onClose;
  }

  /** New connections see the certificates that are in use now. */
  refreshCertificates(): void {
    const { tls: identity } = this.#settings;
    if (identity !== undefined) (this.#acceptor as tls.Server).setSecureContext(identity.pem);
  }

  async close(): Promise<void> {
    // Its callback would wait for the links, which live on.
    this.#acceptor.close();
    for (const { socket, timer } of this.#arrivals.values()) {
      if (timer !== undefined) socket.destroy();
    }
    this.#onClose?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #makeAcceptor(): net.Server | tls.Server {
    const { tls: identity, handshakeMs, counts } = this.#settings;
    if (identity === undefined) return net.createServer((socket) => this.#arrive(socket));
    const acceptor = tls.createServer(identity.serverOptions(handshakeMs), (socket) => {
      if (identity.admits(socket)) return this.#arrive(socket);
      counts.handshakesFailed++;
      socket.destroy();
    });
    acceptor.on("tlsClientError", () => counts.handshakesFailed++);
    return acceptor;
  }

  #server(): Server {
    const { service, messageBytesMax, keepaliveMs, keepaliveTimeoutMs } = this.#settings;
    const server = new Server({
      "grpc.enable_channelz": 0,
      "grpc.max_concurrent_streams": 1,
      "grpc.keepalive_time_ms": keepaliveMs,
      "grpc.keepalive_timeout_ms": keepaliveTimeoutMs,
      "grpc.max_receive_message_length": frameBytesMax(messageBytesMax),
      "grpc.max_send_message_length": -1,
      interceptors: [(_, call) => this.#answer(call)],
    });
    // The interceptor keeps every call, so the handler is never called.
    server.addService({ Link: linkMethod(service) }, { Link: () => {} });
    return server;
  }

  #arrive(socket: net.Socket): void {
    const { handshakeMs, counts } = this.#settings;
    const key = keyOf(socket);
    const arrival: Arrival = {
      socket,
      timer: setTimeout(() => socket.destroy(), handshakeMs),
    };
    this.#arrivals.set(key, arrival);
    socket.on("error", () => {});
    socket.once("close", () => {
      if (arrival.timer !== undefined) counts.handshakesFailed++;
      clearTimeout(arrival.timer);
      this.#arrivals.delete(key);
    });
    // Nagle's algorithm would hold back a small message until the last one is acknowledged.
    socket.setNoDelay(true);
    this.#injector.injectConnection(socket);
  }

  #answer(call: ServerInterceptingCallInterface): ServerInterceptingCall {
    const arrival = this.#arrivals.get(keyOf(call.getConnectionInfo()));
    const start = () => {
      if (arrival?.timer === undefined) {
        call.sendStatus({ code: status.FAILED_PRECONDITION, details: "one link a connection" });
        return;
      }
      clearTimeout(arrival.timer);
      arrival.timer = undefined;
      const wire = new ServerWire(call, arrival.socket);
      wire.start();
      this.#settings.onWire(wire);
    };
    return new ServerInterceptingCall(call, { start });
  }
}

// The accepting end of a call, and its connection.
class ServerWire implements Wire {
  readonly peer: string;
  listener: WireListener | undefined;
  readonly #call: ServerInterceptingCallInterface;
  readonly #socket: net.Socket;
  #error: Error | undefined;
  #ended = false;
  #isCancelled = false;

  constructor(call: ServerInterceptingCallInterface, socket: net.Socket) {
    this.#call = call;
    this.#socket = socket;
    this.peer = formatAddress(socket.remoteAddress, socket.remotePort);
  }

  start(): void {
    this.#hearRefusals();
    this.#call.start({
      onReceiveMetadata: () => this.#call.sendMetadata(new Metadata()),
      onReceiveMessage: (frame: Buffer) => this.listener?.onFrame(frame),
      onReceiveHalfClose: () => this.#halfClosed(),
      onCancel: () => this.#cancelled(),
    });
    this.#socket.on("error", (error) => {
      this.#error = error;
    });
    this.#socket.once("close", () => {
      this.#fault(this.#error?.message ?? "the connection was closed");
      this.listener?.onClosed();
    });
  }

  // What grpc-js cannot accept, a message above the limit above all, it answers by itself, and
  // tells an interceptor only that the call is over. This is the method by which it answers.
  #hearRefusals(): void {
    const call = this.#call;
    const send = call.sendStatus.bind(call);
    call.sendStatus = (answer) => {
      if (this.#ended) return send(answer);
      this.#ended = true;
      const isTooLarge = answer.code === status.RESOURCE_EXHAUSTED;
      const code = isTooLarge ? "FRAME_TOO_LARGE" : "LINK_BROKEN";
      this.listener?.onFault(new RuntimeError(code, `${this.peer}: ${answer.details}`));
      send({ ...answer, details: `refused: ${answer.details}` });
    };
  }

  // A stream whose connection is gone ends like one that the client has closed. Asking for more
  // makes grpc-js look at the stream, and say within this tick that it is gone. (A call that the
  // client cancels is closed first and reset later, and does pass for closed.)
  #halfClosed(): void {
    this.#call.startRead();
    process.nextTick(() => {
      if (!this.#isCancelled) this.listener?.onPeerEnd();
    });
  }

  #cancelled(): void {
    this.#isCancelled = true;
    // After our own last word the peer closes the connection, or the link's patience ends.
    if (this.#ended) return;
    this.#fault("the peer ended the call");
    this.#socket.destroy();
  }

  #fault(what: string): void {
    if (this.#ended) return;
    this.listener?.onFault(new RuntimeError("LINK_BROKEN", `${this.peer}: ${what}`, this.#error));
  }

  read(): void {
    this.#call.startRead();
  }

  write(frame: Buffer, written: () => void): void {
    this.#call.sendMessage(frame, written);
  }

  end(): void {
    this.#ended = true;
    this.#call.sendStatus({ code: status.OK, details: "" });
  }

  refuse(reason: string): void {
    this.#ended = true;
    this.#call.sendStatus({ code: status.INVALID_ARGUMENT, details: reason });
  }

  destroy(): void {
    this.#ended = true;
    this.#socket.destroy();
  }
}

// Both ends together are unique; either alone may be in use twice.
type ConnectionEnds = ReturnType<ServerInterceptingCallInterface["getConnectionInfo"]>;

function keyOf({ localAddress, localPort, remoteAddress, remotePort }: ConnectionEnds): string {
  return `${localAddress}:${localPort} ${remoteAddress}:${remotePort}`;
}
