// Links over WebSockets (RFC 6455), one binary message each. Addresses are "host:port", or a URL
// for connecting. Who has an HTTP server of his own, with an idea of who may come in, hands over
// sockets with `accept`.
//
// Left out: compression, which would cost memory for each link and help little with what is already
// run-length encoded; and WebSocket's own pings, because the protocol has its own, which a browser
// can answer as well.
import {
  type ConnectOptions,
  type Link,
  type Listener,
  RuntimeError,
  type Transport,
} from "@compendium/runtime";
import { WebSocket, WebSocketServer } from "ws";
import {
  hostAndPort,
  type LinkLimits,
  linkLimits,
  listenFailed,
  QueuedLink,
  type Wire,
} from "../link/queued-link.ts";

/** Options of {@link WsTransport}. */
export interface WsTransportOptions extends LinkLimits {
  /** Links that a listener holds at a time; further ones are closed with 1013. Default 1,024. */
  readonly linksMax?: number;
  /** Headers of connecting: a token, say. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is needed of a socket of `ws`, of whichever version. */
export interface SocketLike {
  /** Called for each message. */
  on(event: "message", listener: (data: unknown, isBinary: boolean) => void): unknown;
  /** Called when the socket is closed. */
  on(event: "close", listener: (code: number) => void): unknown;
  /** Called when something is wrong with it; it closes then. */
  on(event: "error", listener: (error: Error) => void): unknown;
  /** Sends a message. */
  send(data: Uint8Array, options: { binary: boolean }, done: (error?: Error) => void): void;
  /** Reads no more for now. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Says goodbye. */
  close(code?: number): void;
  /** Is gone at once. */
  terminate(): void;
}

/** Access to a network of WebSockets. */
export class WsTransport implements Transport {
  readonly #limits: Required<LinkLimits>;
  readonly #linksMax: number;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: WsTransportOptions = {}) {
    const { linksMax = 1_024, headers = {} } = options;
    if (!(Number.isSafeInteger(linksMax) && linksMax >= 1)) {
      throw new RangeError(`linksMax must be an integer from 1, got ${linksMax}`);
    }
    this.#limits = linkLimits(options);
    this.#linksMax = linksMax;
    this.#headers = headers;
  }

  async listen(address: string, accept: (link: Link) => void): Promise<Listener> {
    const { host, port } = hostAndPort(address);
    const server = new WebSocketServer({ host, port, ...this.#settings() });
    await new Promise<void>((resolve, reject) => {
      server.once("listening", resolve);
      server.once("error", (cause) => reject(listenFailed(address, cause)));
    });
    server.on("error", () => {});
    server.on("connection", (socket, { socket: { remoteAddress, remotePort } }) => {
      if (server.clients.size > this.#linksMax) return socket.close(1_013);
      accept(this.accept(socket, `${remoteAddress}:${remotePort}`));
    });
    const bound = server.address() as { address: string; port: number };
    // Its callback would wait for the links, which live on.
    const close = async (): Promise<void> => server.close();
    const [open, shut] = bound.address.includes(":") ? ["[", "]"] : ["", ""];
    return {
      address: `${open}${bound.address}${shut}:${bound.port}`,
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  async connect(address: string, { signal }: ConnectOptions = {}): Promise<Link> {
    signal?.throwIfAborted();
    const url = /^wss?:\/\//.test(address) ? address : `ws://${address}`;
    const socket = new WebSocket(url, { headers: this.#headers, ...this.#settings() });
    return await new Promise<Link>((resolve, reject) => {
      const fail = (reason: unknown): void => {
        signal?.removeEventListener("abort", onAbort);
        reject(reason);
      };
      const onAbort = (): void => {
        fail(signal?.reason);
        socket.terminate();
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      socket.on("error", (cause) => {
        fail(new RuntimeError("CONNECT_FAILED", `connect to ${url}: ${cause.message}`, cause));
      });
      socket.once("open", () => {
        signal?.removeEventListener("abort", onAbort);
        resolve(this.accept(socket, address));
      });
    });
  }

  /** A link on a socket that is open, which it owns. */
  accept(socket: SocketLike, peer = "websocket"): Link {
    const wire = new SocketWire(socket, peer);
    const link = new QueuedLink(wire, this.#limits);
    wire.carry(link);
    return link;
  }

  #settings(): { maxPayload: number; perMessageDeflate: false } {
    return { maxPayload: this.#limits.messageBytesMax, perMessageDeflate: false };
  }
}

// A WebSocket says 1000 or 1005 when it was closed on purpose, 1001 when somebody goes away.
const ON_PURPOSE: ReadonlySet<number> = new Set([1_000, 1_001, 1_005]);

class SocketWire implements Wire {
  readonly peer: string;
  readonly #socket: SocketLike;

  constructor(socket: SocketLike, peer: string) {
    this.#socket = socket;
    this.peer = peer;
  }

  carry(link: QueuedLink): void {
    const { peer } = this;
    this.#socket.on("message", (data, isBinary) => {
      if (isBinary && data instanceof Uint8Array) return link.onMessage(plain(data));
      link.onFault(new RuntimeError("LINK_BROKEN", `${peer} sent text`));
    });
    this.#socket.on("error", (error) => {
      const isTooLarge =
        (error as NodeJS.ErrnoException).code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
      const code = isTooLarge ? "FRAME_TOO_LARGE" : "LINK_BROKEN";
      link.onFault(new RuntimeError(code, `${peer}: ${error.message}`, error));
    });
    this.#socket.on("close", (code) => {
      if (!ON_PURPOSE.has(code)) {
        link.onFault(new RuntimeError("LINK_BROKEN", `${peer}: closed with ${code}`));
      }
      link.onClosed();
    });
  }

  write(message: Uint8Array, written: () => void): void {
    this.#socket.send(message, { binary: true }, written);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.close(1_000);
  }

  destroy(): void {
    this.#socket.terminate();
  }
}

// Not a Buffer, whose `slice` is no copy.
function plain({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}
