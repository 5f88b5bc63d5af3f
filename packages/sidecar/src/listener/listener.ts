// A socket that is listened on. It takes connections up to a limit, finds out what they speak
// within a time, and hands them to the filter chain that wants them. TLS, when a chain has it,
// stands between: it takes the socket first, and gives it to `receive` once the handshake is done.
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "@compendium/runtime";
import type { PeerInfo, Protocol } from "../codec/codec.ts";
import type { FilterChainConfig, ListenerConfig } from "../config/listener-config.ts";
import { peerOf } from "../upstream/connect.ts";
import { sniffProtocol } from "./protocol-sniffer.ts";

/** What a listener gives its connections to. */
export interface ListenerHandler {
  /** Which chain takes this connection; `undefined` closes it. */
  chainFor(peer: PeerInfo): FilterChainConfig | undefined;
  /** A connection, ready to be read; what has been read was given back. */
  onConnection(chain: FilterChainConfig, socket: Socket, peer: PeerInfo, protocol: Protocol): void;
}

/** Plain numbers of one listener. */
export interface ListenerNumbers {
  accepted: number;
  active: number;
  overflows: number;
  handshakeTimeouts: number;
}

/** One address. */
export class Listener {
  readonly numbers: ListenerNumbers = {
    accepted: 0,
    active: 0,
    overflows: 0,
    handshakeTimeouts: 0,
  };
  readonly config: ListenerConfig;
  readonly #clock: Clock;
  readonly #handler: ListenerHandler;
  readonly #server: Server;

  constructor(config: ListenerConfig, clock: Clock, handler: ListenerHandler) {
    this.config = config;
    this.#clock = clock;
    this.#handler = handler;
    // Half-open: TCP's two directions end on their own, and a tunnel carries that on.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#onSocket(socket),
    );
  }

  /** Begins to listen; the port that it got, for a configured 0. */
  listen(): Promise<number> {
    const { address, port } = this.config;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: address, port }, () => {
        this.#server.off("error", reject);
        const bound = this.#server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : port);
      });
    });
  }

  /** Takes no more connections; those that are open stay. */
  close(): void {
    this.#server.close();
  }

  /** Takes a socket whose TLS is done, or that has none, and finds out what it speaks. */
  receive(chain: FilterChainConfig, socket: Socket, peer: PeerInfo): void {
    const { filter } = chain;
    const agreed = peer.tls?.applicationProtocol;
    const begin = (protocol: Protocol): void =>
      this.#handler.onConnection(chain, socket, peer, protocol);
    if (filter.kind === "tcp" || filter.codec === "http1") begin("http/1.1");
    else if (filter.codec === "http2" || agreed === "h2") begin("h2");
    else if (agreed !== undefined) begin("http/1.1");
    else this.#sniff(socket, begin);
  }

  #onSocket(socket: Socket): void {
    const { numbers, config } = this;
    if (numbers.active >= config.connectionsMax) {
      numbers.overflows++;
      socket.destroy();
      return;
    }
    numbers.accepted++;
    numbers.active++;
    socket.once("close", () => numbers.active--);
    // A client that resets before anyone listens would end the process.
    socket.on("error", () => socket.destroy());
    const peer = peerOf(socket);
    const chain = this.#handler.chainFor(peer);
    if (chain === undefined) socket.destroy();
    else this.receive(chain, socket, peer);
  }

  #sniff(socket: Socket, begin: (protocol: Protocol) => void): void {
    const clock = this.#clock;
    const timer = clock.setTimer(clock.now() + this.config.handshakeTimeoutMs, () => {
      this.numbers.handshakeTimeouts++;
      socket.destroy();
    });
    const forget = (): void => timer[Symbol.dispose]();
    const onEnd = (): void => void socket.destroy();
    socket.once("close", forget);
    socket.once("end", onEnd);
    sniffProtocol(socket, (protocol) => {
      forget();
      socket.off("close", forget);
      socket.off("end", onEnd);
      begin(protocol);
    });
  }
}
