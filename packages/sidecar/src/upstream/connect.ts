// Opening sockets to hosts. TLS towards upstream takes this interface's place in front of a cluster
// that asks for it (tls-connector.ts); pools see a socket that is ready, or why there is none.
import { connect as connectSocket, type Socket } from "node:net";
import type { Clock } from "@compendium/runtime";
import { type Host, ipOf } from "../cluster/host.ts";
import type { PeerInfo, Protocol } from "../codec/codec.ts";

/** Why there is no socket. */
export type ConnectFailure = "connect-failure" | "connect-timeout";

/** What a connector tells, once. */
export interface ConnectEvents {
  /** The socket is taken over; `protocol` is what ALPN agreed on, or the wish. */
  onConnected(socket: Socket, peer: PeerInfo, protocol: Protocol): void;
  onFailed(failure: ConnectFailure, detail: string): void;
}

/** What is wished to be spoken. "tcp": bytes, whose two directions end on their own. */
export type Wish = Protocol | "tcp";

/** Opens sockets to hosts. */
export interface Connector {
  /** Disposing gives up; nothing is told afterwards. */
  connect(host: Host, wish: Wish, timeoutMs: number, events: ConnectEvents): Disposable;
}

/** Plain TCP. */
export class TcpConnector implements Connector {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  connect(host: Host, wish: Wish, timeoutMs: number, events: ConnectEvents): Disposable {
    const socket = connectSocket({ host: ipOf(host), port: host.port, noDelay: true });
    socket.allowHalfOpen = wish === "tcp";
    // One outcome: whichever comes first takes the listeners of the others away.
    const settle = (): void => {
      timer[Symbol.dispose]();
      socket.off("connect", onConnect);
      socket.off("error", onError);
    };
    const onConnect = (): void => {
      settle();
      events.onConnected(socket, peerOf(socket), protocolOf(wish));
    };
    const onError = (error: Error): void => {
      settle();
      events.onFailed("connect-failure", error.message);
    };
    const giveUp = (): void => {
      settle();
      socket.on("error", () => {});
      socket.destroy();
    };
    const timer = this.#clock.setTimer(this.#clock.now() + timeoutMs, () => {
      giveUp();
      events.onFailed("connect-timeout", `no connection within ${timeoutMs} ms`);
    });
    socket.once("connect", onConnect);
    socket.once("error", onError);
    return { [Symbol.dispose]: () => (socket.connecting ? giveUp() : undefined) };
  }
}

/** What is spoken where nothing was agreed on. For bytes it says nothing. */
export function protocolOf(wish: Wish): Protocol {
  return wish === "tcp" ? "http/1.1" : wish;
}

/** The two ends of a socket without TLS. */
export function peerOf(socket: Socket): PeerInfo {
  return {
    remoteAddress: socket.remoteAddress ?? "",
    remotePort: socket.remotePort ?? 0,
    localAddress: socket.localAddress ?? "",
    localPort: socket.localPort ?? 0,
    tls: undefined,
  };
}
