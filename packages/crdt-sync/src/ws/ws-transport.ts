// Links over WebSockets (RFC 6455), one binary message each. Addresses are "host:port", or a URL
// for connecting. Who may come in is asked before there is a socket: `authorize` sees the request,
// with its token or its client's certificate, and says by which name the peer goes. Who has an HTTP
// server of his own hands over sockets with `accept`.
//
// Left out: compression, which would cost memory for each link and help little with what is already
// run-length encoded; and WebSocket's own pings, because the protocol has its own, which a browser
// can answer as well.
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import {
  type ConnectOptions,
  type Link,
  type Listener,
  RuntimeError,
  type Transport,
} from "@compendium/runtime";
import { WebSocket, WebSocketServer } from "ws";
import { CrdtSyncError } from "../errors.ts";
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
  /** Links that a listener holds at a time; further ones are answered with 503. Default 1,024. */
  readonly linksMax?: number;
  /** Headers of connecting: a token, say. A function is asked anew at each attempt. */
  readonly headers?: Headers | (() => Headers | Promise<Headers>);
  /** Has listeners speak TLS, and connections too where the address does not say `ws://`. */
  readonly tls?: WsTls;
  /**
   * Who may come in: the name by which the peer goes here (`mayOpen` of a node gets it), or
   * undefined for nobody. Throwing is refusing, too. Default: everybody, by address.
   */
  readonly authorize?: (
    request: IncomingMessage,
  ) => string | undefined | Promise<string | undefined>;
}

type Headers = Readonly<Record<string, string>>;

/** Certificates, as PEM. */
export interface WsTls {
  /** This process's own, followed by intermediate ones. Listening needs it. */
  readonly certificate?: string | Uint8Array;
  /** The private key of `certificate`. */
  readonly key?: string | Uint8Array;
  /** The authorities that are believed. Default: the public ones. */
  readonly ca?: string | Uint8Array;
  /** Whether who connects must show a certificate signed by `ca`. Default: no. */
  readonly requireClientCertificate?: boolean;
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
  readonly #options: WsTransportOptions;

  constructor(options: WsTransportOptions = {}) {
    const { linksMax = 1_024 } = options;
    if (!(Number.isSafeInteger(linksMax) && linksMax >= 1)) {
      throw new RangeError(`linksMax must be an integer from 1, got ${linksMax}`);
    }
    this.#limits = linkLimits(options);
    this.#linksMax = linksMax;
    this.#options = options;
  }

  async listen(address: string, accept: (link: Link) => void): Promise<Listener> {
    const { host, port } = hostAndPort(address);
    const http = this.#server();
    const sockets = new WebSocketServer({ noServer: true, ...this.#settings() });
    let asked = 0;
    http.on("upgrade", (request, socket, head) => {
      // A peer that hangs up while it is asked who it is; afterwards the socket has another owner.
      const onError = (): void => void socket.destroy();
      socket.on("error", onError);
      if (sockets.clients.size + asked >= this.#linksMax) {
        return refuse(socket, "503 Service Unavailable");
      }
      asked++;
      this.#nameOf(request).then((name) => {
        asked--;
        if (name === undefined) return refuse(socket, "401 Unauthorized");
        socket.off("error", onError);
        sockets.handleUpgrade(request, socket, head, (ws) => accept(this.accept(ws, name)));
      });
    });
    await new Promise<void>((resolve, reject) => {
      http.once("error", (cause) => reject(listenFailed(address, cause)));
      http.listen(port, host, resolve);
    });
    http.on("error", () => {});
    const bound = http.address() as { address: string; port: number };
    // Its callback would wait for the links, which live on.
    const close = async (): Promise<void> => void http.close();
    const [open, shut] = bound.address.includes(":") ? ["[", "]"] : ["", ""];
    return {
      address: `${open}${bound.address}${shut}:${bound.port}`,
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  /** @throws CrdtSyncError `SYNC_DENIED` where the listener does not let this peer in */
  async connect(address: string, { signal }: ConnectOptions = {}): Promise<Link> {
    signal?.throwIfAborted();
    const { headers = {}, tls } = this.#options;
    const scheme = tls === undefined ? "ws" : "wss";
    const url = /^wss?:\/\//.test(address) ? address : `${scheme}://${address}`;
    const sent = typeof headers === "function" ? await unlessAborted(headers, signal) : headers;
    const socket = new WebSocket(url, { headers: sent, ...pemOf(tls), ...this.#settings() });
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
      socket.once("unexpected-response", (_, { statusCode }) => {
        const isDenied = statusCode === 401 || statusCode === 403;
        const message = `${url} answers ${statusCode}`;
        const denied = new CrdtSyncError("SYNC_DENIED", message);
        fail(isDenied ? denied : new RuntimeError("CONNECT_FAILED", message));
        socket.terminate();
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

  #server(): Server {
    const { tls } = this.#options;
    if (tls === undefined) return createHttpServer(upgradeOnly);
    const requestCert = tls.requireClientCertificate ?? false;
    return createHttpsServer({ ...pemOf(tls), requestCert }, upgradeOnly);
  }

  // By address, if everybody may come in.
  async #nameOf(request: IncomingMessage): Promise<string | undefined> {
    const { authorize } = this.#options;
    const { remoteAddress, remotePort } = request.socket;
    if (authorize === undefined) return `${remoteAddress}:${remotePort}`;
    try {
      return await authorize(request);
    } catch {
      return undefined;
    }
  }

  #settings(): { maxPayload: number; perMessageDeflate: false } {
    return { maxPayload: this.#limits.messageBytesMax, perMessageDeflate: false };
  }
}

function pemOf({ certificate, key, ca }: WsTls = {}): {
  cert?: string | Buffer;
  key?: string | Buffer;
  ca?: string | Buffer;
} {
  const own = (pem: string | Uint8Array) => (typeof pem === "string" ? pem : Buffer.from(pem));
  return {
    ...(certificate !== undefined && { cert: own(certificate) }),
    ...(key !== undefined && { key: own(key) }),
    ...(ca !== undefined && { ca: own(ca) }),
  };
}

// Settles in the turn in which it is aborted, whatever is being waited for.
async function unlessAborted<T>(ask: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([ask(), aborted.promise]);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

function upgradeOnly(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { connection: "close" }).end();
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
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
