// Links over TCP, by node:net; addresses are "host:port". Each message is preceded by its length
// (frames.ts), and every buffer has a limit (node-link.ts).
//
// Left out: encryption and identity. Listen on 127.0.0.1 or put mutual TLS around it.

import * as net from "node:net";
import { RuntimeError } from "../error.ts";
import type { ConnectOptions, Link, Listener, Transport } from "../transport.ts";
import { formatAddress, parseAddress } from "./address.ts";
import { type LinkCounts, type LinkLimits, NodeLink } from "./node-link.ts";

/** Options of {@link NodeTransport}. */
export interface NodeTransportOptions {
  /** The largest message in bytes: 1 to 2^30, default 4 MiB. Both ends should agree. */
  messageBytesMax?: number;
  /** What may wait to be sent per link, in bytes: 1 to 2^30, default 16 MiB. */
  queueBytesMax?: number;
  /** What may wait to be iterated per link, in bytes: 1 to 2^30, default 4 MiB. */
  inboxBytesMax?: number;
  /** Links that one listener holds at a time; further ones are closed. 1 to 65535, default 1024. */
  linksMax?: number;
  /** How long `close` tries to send what is queued, in milliseconds: 0 to 60000, default 1000. */
  lingerMs?: number;
}

/** What a {@link NodeTransport} has counted since it was made. */
export interface NodeTransportStats extends Readonly<LinkCounts> {
  /** Links open now. */
  readonly links: number;
  /** Connections closed on arrival, because a listener held `linksMax`. */
  readonly linksRefused: number;
  /** Connections that the operating system could not hand over, for lack of descriptors mostly. */
  readonly acceptErrors: number;
}

/** This process's access to a TCP network. Disposing closes its listeners and links. */
export class NodeTransport implements Transport, AsyncDisposable {
  readonly #limits: LinkLimits;
  readonly #linksMax: number;
  readonly #listeners = new Set<Listener>();
  readonly #links = new Set<NodeLink>();
  readonly #counts: LinkCounts = {
    messagesSent: 0,
    messagesRefused: 0,
    messagesReceived: 0,
    framesRefused: 0,
  };
  #linksRefused = 0;
  #acceptErrors = 0;

  /** @throws RangeError when an option is out of range */
  constructor(options: NodeTransportOptions = {}) {
    this.#limits = {
      messageBytesMax: within("messageBytesMax", options.messageBytesMax ?? 2 ** 22, 1, 2 ** 30),
      queueBytesMax: within("queueBytesMax", options.queueBytesMax ?? 2 ** 24, 1, 2 ** 30),
      inboxBytesMax: within("inboxBytesMax", options.inboxBytesMax ?? 2 ** 22, 1, 2 ** 30),
      lingerMs: within("lingerMs", options.lingerMs ?? 1_000, 0, 60_000),
    };
    this.#linksMax = within("linksMax", options.linksMax ?? 1_024, 1, 65_535);
  }

  async listen(address: string, accept: (link: Link) => void): Promise<Listener> {
    const { host, port } = parseAddress("address", address);
    const server = net.createServer((socket) => accept(this.#adopt(socket)));
    server.maxConnections = this.#linksMax;
    server.on("drop", () => this.#linksRefused++);
    await new Promise<void>((resolve, reject) => {
      server.once("listening", resolve);
      server.once("error", (cause: NodeJS.ErrnoException) => {
        const code = cause.code === "EADDRINUSE" ? "ADDRESS_IN_USE" : "CONNECT_FAILED";
        reject(new RuntimeError(code, `listen on ${address}: ${cause.code}`, cause));
      });
      server.listen({ host, port });
    });
    // Without a listener for it, running out of descriptors would end the process.
    server.on("error", () => this.#acceptErrors++);
    const listener = new NodeListener(server, () => this.#listeners.delete(listener));
    this.#listeners.add(listener);
    return listener;
  }

  async connect(address: string, { signal }: ConnectOptions = {}): Promise<Link> {
    const { host, port } = parseAddress("address", address);
    signal?.throwIfAborted();
    return await new Promise<Link>((resolve, reject) => {
      const socket = net.connect({ host, port });
      const onAbort = () => {
        socket.destroy();
        reject(signal?.reason);
      };
      const onError = (cause: NodeJS.ErrnoException) => {
        signal?.removeEventListener("abort", onAbort);
        reject(new RuntimeError("CONNECT_FAILED", `connect to ${address}: ${cause.code}`, cause));
      };
      socket.once("error", onError);
      socket.once("connect", () => {
        signal?.removeEventListener("abort", onAbort);
        socket.off("error", onError);
        resolve(this.#adopt(socket));
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Plain numbers, for a metrics package to read. */
  stats(): NodeTransportStats {
    return {
      ...this.#counts,
      links: this.#links.size,
      linksRefused: this.#linksRefused,
      acceptErrors: this.#acceptErrors,
    };
  }

  /** Closes all listeners, then all links, each within `lingerMs`. */
  async close(): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
    await Promise.all([...this.#links].map((link) => link.close()));
  }

  /** {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #adopt(socket: net.Socket): NodeLink {
    const link = new NodeLink(socket, this.#limits, this.#counts);
    this.#links.add(link);
    link.closed.then(() => this.#links.delete(link));
    return link;
  }
}

class NodeListener implements Listener {
  readonly address: string;
  readonly #server: net.Server;
  readonly #onClose: () => void;

  constructor(server: net.Server, onClose: () => void) {
    const { address, port } = server.address() as net.AddressInfo;
    this.address = formatAddress(address, port);
    this.#server = server;
    this.#onClose = onClose;
  }

  async close(): Promise<void> {
    // Its callback would wait for the links, which live on.
    this.#server.close();
    this.#onClose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function within(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be an integer in [${min}, ${max}], got ${value}`);
}
